"""Forwarding: loaded events are submitted on to an endpoint upstream, one call a revision."""

from datetime import datetime
from typing import Final, Literal

import msgspec

# waiting: a revision is to be submitted. sending: a call is made, or whoever made it died. sent:
# upstream has the newest revision. refused: upstream refuses the newest revision. unknown: nobody
# knows whether a call was carried out; it is asked about before anything is sent again.
ForwardState = Literal["waiting", "sending", "sent", "refused", "unknown"]
# intended: committed before the call is made. failed: surely not carried out, and made again.
CallState = Literal["intended", "accepted", "refused", "failed", "unknown"]

# waiting → sent: its revisions were numbered anew, and upstream has them all. sent, refused →
# waiting: a new revision came, or somebody has it submitted again. sending →
# sending: who made the call died, and another asks what became of it.
FORWARD_TRANSITIONS: Final[frozenset[tuple[ForwardState, ForwardState]]] = frozenset(
    {
        ("waiting", "sending"),
        ("waiting", "sent"),
        ("sending", "sending"),
        ("unknown", "sending"),
        ("sending", "sent"),
        ("sending", "waiting"),
        ("sending", "refused"),
        ("sending", "unknown"),
        ("sent", "waiting"),
        ("refused", "waiting"),
    }
)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed event and the call that is to be made for it. ``is_doubtful``: an earlier attempt
    of this call may have been carried out. ``token``: only its newest holder may settle it.
    ``upstream_id``: upstream's own number of the event, where it has one."""

    event_id: int
    revision: int
    content_hash: bytes
    call_id: int
    idempotency_key: str
    token: int
    attempts: int
    is_doubtful: bool
    upstream_id: str | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended. ``codes``: of what upstream found, never its words. ``retry_after`` in
    seconds. ``stops``: not this event's matter; the rest of the run would end the same way."""

    state: CallState
    status: int | None = None
    codes: tuple[str, ...] = ()
    upstream_id: str | None = None
    upstream_revision: int | None = None
    retry_after: float | None = None
    stops: bool = False


class Forward(msgspec.Struct, frozen=True, kw_only=True):
    """Where the forwarding of an event stands. ``done``: up to which of its revisions upstream
    answered; ``status`` and ``codes`` are the last answer's."""

    event_id: int
    state: ForwardState
    done: int
    upstream_id: str | None
    upstream_revision: int | None
    attempts: int
    due_at: datetime
    status: int | None
    codes: str | None
    updated_at: datetime


class ForwardCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call, for one revision, however often it was tried."""

    id: int
    revision: int
    state: CallState
    idempotency_key: str
    made_at: datetime
    ended_at: datetime | None
    status: int | None
    codes: str | None
    upstream_id: str | None
    upstream_revision: int | None
