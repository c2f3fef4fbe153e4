"""Builders for batches and receipts."""

from datetime import UTC, datetime

from gateway.receipts.build import ReceiptStream, make_receipt
from schemas.batch import Batch
from schemas.receipt import Counts, ReceiptFinding, ReceiptRecord


def make_batch(**changes) -> Batch:
    fields = {
        "id": "b-0123456789ab",
        "number": 1,
        "source_id": "r0a-datix",
        "sha256": "0" * 64,
        "size": 10,
        "filename": "feed.csv",
        "route": "file",
        "received_at": datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    }
    return Batch(**(fields | changes))


def make_receipt_record(number: int = 1, **changes) -> ReceiptRecord:
    fields = {
        "number": number,
        "locator": f"row {number + 1}",
        "local_id": f"W{number}",
        "disposition": "created",
        "reference": "H2N8-1Y0T-BQTK-R",
        "revision": 1,
        "findings": [],
    }
    return ReceiptRecord(**(fields | changes))


def make_receipt_finding(**changes) -> ReceiptFinding:
    fields = {
        "code": "TAX-003",
        "severity": "error",
        "path": "AdverseEventAgent.InvolvedAgents[0]",
        "source_path": "agents",
        "message": "'99' is not a code of agent-type",
        "fix": "Send one of the codes.",
    }
    return ReceiptFinding(**(fields | changes))


def make_receipt_stream(*records: ReceiptRecord, counts: Counts | None = None) -> ReceiptStream:
    counts = counts or Counts(records=len(records), created=len(records))
    return ReceiptStream(make_receipt(make_batch(), counts, []), iter(records))
