"""Builds receipts: worded findings, records in feed order, as a stream."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from gateway.pipeline.verdict import decide_next_action, decide_verdict, word_held
from schemas.batch import Batch
from schemas.catalogue import word_fix, word_message
from schemas.finding import Finding
from schemas.receipt import Counts, Receipt, ReceiptFinding, ReceiptRecord
from schemas.values import storable


def word_finding(finding: Finding) -> ReceiptFinding:
    """As a receipt shows it: text as a database keeps it, stored or not."""
    return ReceiptFinding(
        code=finding.code,
        severity=finding.severity,
        path=storable(finding.path),
        source_path=storable(finding.source_path),
        message=storable(word_message(finding)),
        fix=storable(word_fix(finding)),
    )


def make_receipt(
    batch: Batch,
    counts: Counts,
    batch_findings: Sequence[Finding],
    records: Iterable[ReceiptRecord] = (),
) -> Receipt:
    """The receipt of a batch; without ``records``, its head only. ``counts`` and ``records`` of a
    batch that is held say what loading it would do."""
    is_held = batch.state == "held"
    return Receipt(
        batch_id=batch.id,
        source=batch.source_id,
        received_at=batch.received_at.isoformat(timespec="seconds"),
        sha256=batch.sha256,
        profile=batch.profile,
        profile_version=batch.profile_version,
        verdict="held" if is_held else batch.verdict or decide_verdict(counts, batch_findings),
        next_action=word_held(batch.id, counts, batch_findings)
        if is_held
        else decide_next_action(counts, batch_findings),
        counts=counts,
        findings=[word_finding(finding) for finding in batch_findings],
        records=list(records),
    )


class ReceiptStream(msgspec.Struct, frozen=True):
    """A receipt of any size: its head, and its records as they come from the store."""

    head: Receipt
    records: Iterator[ReceiptRecord]
