"""One event that comes in a request of its own: a batch of one record, loaded as it arrives."""

from datetime import datetime
from typing import Literal

import msgspec

from schemas.judged import JudgedRecord
from schemas.statuses import Disposition


class Reservation(msgspec.Struct, frozen=True):
    """An Idempotency-Key that this attempt holds; ``token`` fences out who held it before."""

    key: str
    token: int


class Single(msgspec.Struct, frozen=True, kw_only=True):
    """A judged record with what is known of its request. ``organisation`` is its source's.
    ``identity`` says which event it is about; None where it is rejected. Conditions, looked at
    under the event's lock: ``expected`` is the revision it must stand at, ``only_new`` that there
    is none yet."""

    batch_id: str
    source_id: str
    organisation: str
    sha256: str
    filename: str
    body: bytes
    record: JudgedRecord
    identity: str | None
    expected: int | None = None
    only_new: bool = False
    reservation: Reservation | None = None


# loaded: stored now, whatever became of it (also rejected). known: these bytes were here before.
# exists: there is such an event, and the record was for a new one only. stale: the event stands at
# another revision than expected. lost: another attempt holds the Idempotency-Key.
SingleState = Literal["loaded", "known", "exists", "stale", "lost"]
KeptState = Literal["created", "revised", "unchanged", "rejected", "known", "exists"]


class SingleOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a single request. ``batch_id`` and ``batch_number`` are of the batch that
    tells of it, where one does; ``event_id`` and ``revision`` are the event's, None where it was
    rejected; ``recorded_at`` is that of the revision; ``current`` the revision at which the event
    stands. ``known`` without a disposition: the same bytes came as a feed, which is not loaded
    yet."""

    state: SingleState
    batch_id: str = ""
    batch_number: int = 0
    disposition: Disposition | None = None
    event_id: int | None = None
    revision: int | None = None
    recorded_at: datetime | None = None
    current: int | None = None

    @property
    def is_outdated(self) -> bool:
        """These bytes were rejected as a feed: no answer to who sends them again."""
        return self.state == "known" and self.disposition == "rejected"


class KeptAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered under an Idempotency-Key: with which event, at which revision; its findings
    are those of the batch."""

    state: KeptState
    batch_number: int | None = None
    event_id: int | None = None
    revision: int | None = None
