"""The receipt: what a sender is told about a batch, record by record."""

import msgspec

from schemas.finding import Severity
from schemas.statuses import Disposition, ReceiptVerdict


class ReceiptFinding(msgspec.Struct, frozen=True):
    """One finding, worded. ``path`` is ours, ``source_path`` theirs; ``fix`` says what to do."""

    code: str
    severity: Severity
    path: str
    source_path: str
    message: str
    fix: str


class ReceiptRecord(msgspec.Struct, frozen=True):
    """One record of the batch: what became of it."""

    number: int
    locator: str
    local_id: str | None
    disposition: Disposition
    reference: str | None
    revision: int | None
    findings: list[ReceiptFinding]


class Counts(msgspec.Struct, frozen=True):
    """``records`` is the sum of the other five, always. ``quarantined``: kept by us, as our own
    code failed over them."""

    records: int = 0
    created: int = 0
    revised: int = 0
    unchanged: int = 0
    rejected: int = 0
    quarantined: int = 0


class Receipt(msgspec.Struct, frozen=True):
    """``findings`` are those of the batch as a whole; ``records`` stand in feed order.
    ``profile`` and ``profile_version`` name the mapping the feed was read with. Verdict ``held``:
    the batch waits for a decision, and what stands here is what loading it would do."""

    batch_id: str
    source: str
    received_at: str
    sha256: str
    profile: str | None
    profile_version: str | None
    verdict: ReceiptVerdict
    next_action: str
    counts: Counts
    findings: list[ReceiptFinding]
    records: list[ReceiptRecord]
