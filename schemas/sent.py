"""What a source is shown of what it sent: its batches, its rejected records, and those sent in
their place."""

from datetime import datetime

import msgspec

from schemas.batch import Route
from schemas.statuses import UNLOADED, BatchState, Disposition, Verdict
from schemas.stored import ReceiptLine


class BatchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """``since`` (included) and ``until`` (not) are of arrival; ``before``: a batch id, to go on
    behind it, the newest first."""

    state: BatchState | None = None
    verdict: Verdict | None = None
    route: Route | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str | None = None


class RejectedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """``code`` is of one of its findings; ``corrected``: whether a record sent in its place was
    accepted; ``after``: batch id and record number, to go on behind it."""

    batch_id: str | None = None
    code: str | None = None
    corrected: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, int] | None = None


class Correction(msgspec.Struct, frozen=True):
    """A record that was sent in the place of a rejected one: a batch of its own. ``disposition``
    is None while it is not loaded."""

    batch_id: str
    disposition: Disposition | None
    created_at: datetime

    @property
    def is_accepted(self) -> bool:
        return self.disposition is not None and self.disposition not in UNLOADED


class SentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record of a batch. ``corrections`` in order of arrival; ``corrects``: the batch and the
    record in whose place it was sent, where it was: then ``corrections`` are those that were sent
    there after it."""

    batch_id: str
    batch_number: int
    received_at: datetime
    line: ReceiptLine
    corrections: tuple[Correction, ...] = ()
    corrects: tuple[str, int] | None = None

    @property
    def is_corrected(self) -> bool:
        return any(one.is_accepted for one in self.corrections)
