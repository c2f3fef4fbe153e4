"""Records of which nothing was loaded: how they are asked for, what is told of them, and what a
replay made of them."""

from datetime import datetime
from typing import Literal

import msgspec

from schemas.batch import Batch
from schemas.fault import Fault
from schemas.prepared import prepared
from schemas.sent import Correction
from schemas.statuses import Disposition
from schemas.stored import ReceiptLine

# open: nothing of it is loaded, and nothing in its place. settled: it was replayed and is loaded,
# or a correction of it is.
Settlement = Literal["open", "settled"]


class SeenFault(msgspec.Struct, frozen=True):
    """A fault of ours and how many records it cost."""

    fault: Fault
    first_seen: datetime
    last_seen: datetime
    records: int


@prepared
class UnloadedFilter(msgspec.Struct, frozen=True, kw_only=True):
    """``organisation`` is that of the source; ``code`` of one of its findings; ``fault_id`` of the
    fault it was quarantined by; ``since`` (included) and ``until`` (not) are of its batch's
    arrival; ``after``: batch id and record number, to go on behind it. ``settlement`` None: both.
    ``feeds_only``: not those that came as a request of their own."""

    settlement: Settlement | None = "open"
    disposition: Disposition | None = None
    source_id: str | None = None
    organisation: str | None = None
    batch_id: str | None = None
    number: int | None = None
    code: str | None = None
    fault_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[str, int] | None = None
    feeds_only: bool = False


class Replay(msgspec.Struct, frozen=True):
    """That a record was replayed and became something else; ``codes`` of the findings it had until
    then; ``profile``: name and version that it was mapped with."""

    before: Disposition
    codes: tuple[str, ...]
    after: Disposition
    profile: str
    actor: str
    replayed_at: datetime


class Edit(msgspec.Struct, frozen=True):
    """That an operator corrected a record; the diff is content, and asked for by itself."""

    correction_batch: str
    actor: str
    reason: str
    edited_at: datetime


class UnloadedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not loaded, or was not before it was replayed. ``fault_ids``: it was
    quarantined by these."""

    batch: Batch
    line: ReceiptLine
    raw_hash: bytes
    fault_ids: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    replays: tuple[Replay, ...] = ()

    @property
    def is_settled(self) -> bool:
        return self.line.reference is not None or any(one.is_accepted for one in self.corrections)
