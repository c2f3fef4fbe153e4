"""Reads the receipt of a stored batch."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.bootstrap import Gateway
from gateway.receipts.build import ReceiptStream, make_receipt, word_finding
from schemas.errors import WrongUseError
from schemas.receipt import ReceiptRecord
from schemas.stored import ReceiptLine


@contextmanager
def open_receipt(gateway: Gateway, batch_id: str) -> Iterator[ReceiptStream]:
    """The receipt, streamed while the block lasts. UnknownError for an unknown batch,
    WrongUseError for one that is not finished."""
    with gateway.store.read() as work:
        batch = work.batches.get(batch_id)
        if batch.state != "finished":
            raise WrongUseError(
                f"batch {batch.id} is {batch.state}: its receipt is complete when it is finished"
            )
        findings = work.receipts.find_batch_findings(batch)
        lines = work.receipts.read_lines(batch)
        yield ReceiptStream(
            make_receipt(batch, batch.counts, findings), (_make_record(line) for line in lines)
        )


def _make_record(line: ReceiptLine) -> ReceiptRecord:
    return ReceiptRecord(
        number=line.number,
        locator=line.locator,
        local_id=line.local_id,
        disposition=line.disposition,
        reference=line.reference,
        revision=line.revision,
        findings=[word_finding(finding) for finding in line.findings],
    )
