"""A request about one event, as the API hands it on, and the answer to it."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.statuses import Disposition


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """``body`` is that of a create, or of an update of the event ``event_id``. ``expected``:
    the revision it must stand at (If-Match); ``only_new``: the identifier that no event may have
    yet (If-None-Exist). ``key``: its Idempotency-Key. ``nonce`` makes the request one of its
    own. ``to_reject``: a sandbox was asked to reject it."""

    source_id: str
    body: bytes
    request_id: str
    nonce: bytes
    event_id: int | None = None
    expected: int | None = None
    only_new: str | None = None
    key: str | None = None
    to_reject: bool = False

    @property
    def is_update(self) -> bool:
        return self.event_id is not None


# created, revised, unchanged: loaded now. known: these bytes, or this content, were here before.
# exists: as If-None-Exist asks. rejected: findings say why. unreadable: it is no AdverseEvent.
# refused: the source may not submit for that organisation; nothing of it is stored. stale: If-Match
# names another revision. unknown: the source has no such event. mismatch: If-None-Exist names
# another identifier than the body. in_flight, reused: as the Idempotency-Key stands. busy: what
# it stands on did not answer.
AnswerState = Literal[
    "created",
    "revised",
    "unchanged",
    "known",
    "exists",
    "rejected",
    "unreadable",
    "refused",
    "stale",
    "unknown",
    "mismatch",
    "in_flight",
    "reused",
    "busy",
    "fault",
]


class EventVersion(msgspec.Struct, frozen=True, kw_only=True):
    """An event at one of its revisions, with what its resource says of it. ``written`` is the
    resource of this very content, where it was written and checked already."""

    event: NationalEvent
    event_id: int
    local_id: str | None
    revision: int
    recorded_at: datetime
    disposition: Disposition | None = None
    written: dict[str, Any] | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """``version`` is what the event is from then on, where there is one. ``is_replayed``: given
    before, under the same Idempotency-Key. ``revision``: where the event stands, for stale."""

    state: AnswerState
    version: EventVersion | None = None
    findings: tuple[Finding, ...] = ()
    batch_id: str = ""
    revision: int | None = None
    is_replayed: bool = False
