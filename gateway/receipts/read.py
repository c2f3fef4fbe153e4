"""Reads the receipt of a stored batch."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.check import check_batch
from gateway.receipts.build import ReceiptStream, make_receipt, word_finding
from schemas.catalogue import retention
from schemas.errors import WrongUseError
from schemas.finding import Finding
from schemas.receipt import ReceiptRecord
from schemas.retention import Pruning
from schemas.stored import ReceiptLine


@contextmanager
def open_receipt(gateway: Gateway, batch_id: str) -> Iterator[ReceiptStream]:
    """The receipt, streamed while the block lasts; of a batch that is held, what loading it now
    would do. UnknownError for an unknown batch, WrongUseError for one that is not finished."""
    with gateway.store.read() as work:
        batch = work.batches.get(batch_id)
        findings = work.receipts.find_batch_findings(batch)
        if batch.state == "finished":
            findings += _word_pruned(work.retention.find_prunings(batch.number))
            records = (_make_record(line) for line in work.receipts.read_lines(batch))
            yield ReceiptStream(make_receipt(batch, batch.counts, findings), records)
            return
    if batch.state != "held":
        raise WrongUseError(
            f"batch {batch.id} is {batch.state}: its receipt is complete when it is finished"
        )
    checked = check_batch(gateway, batch)
    now = msgspec.structs.replace(
        batch, profile=checked.profile, profile_version=checked.profile_version
    )
    # Why it was held is told as it was found then.
    yield ReceiptStream(make_receipt(now, checked.counts, findings), iter(checked.records))


def _word_pruned(prunings: Iterable[Pruning]) -> list[Finding]:
    """What cannot be told any more, and since when. Files that were only unpacked are nothing to
    tell of."""
    found = []
    for one in prunings:
        day = one.at.date().isoformat()
        if one.what == "bytes":
            found.append(retention.BYTES_PRUNED.at(day=day))
        elif one.what == "findings":
            counts = ", ".join(f"{times} × {code}" for code, times in one.counts.items())
            found.append(retention.FINDINGS_PRUNED.at(day=day, counts=counts))
    return found


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
