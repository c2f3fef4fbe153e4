"""What is told to admin users: alerts that wait, and the messages made of them."""

from datetime import date, datetime

import msgspec

from schemas.statuses import AlertKind, MessageKind, MessageState


class WaitingAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the facts of its event that a message may tell: nothing of the narrative,
    nothing of a patient. ``organisation`` is the one that is told, ``recorded_by`` the one that
    recorded the event; a name is None where the register does not know the code."""

    event_id: int
    organisation: str
    organisation_name: str | None
    kind: AlertKind
    reason: str
    reference: str
    event_type: str
    occurred_on: date | None
    worst_harm: int | None
    recorded_by: str
    recorded_by_name: str | None


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be. ``events`` are those it announces."""

    id: str
    kind: MessageKind
    organisation: str
    recipient: str
    subject: str = ""
    body: str = ""
    events: tuple[int, ...] = ()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one recipient. ``token`` is the fencing token: each attempt to send raises
    it, and only the newest may write how it ended. ``attempts`` counts those since it was made;
    ``due_at`` is when it is tried (again), or, while it is being sent, when another may take
    over."""

    id: str
    kind: MessageKind
    organisation: str
    recipient: str
    subject: str
    body: str
    state: MessageState
    attempts: int
    due_at: datetime
    token: int
    created_at: datetime
    last_error: str | None = None


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """Messages for one organisation whose address is refused for the same reason: an SMTP code or
    a word. ``to_leads``: the address is the national leads' own, and nobody else is told."""

    organisation: str
    to_leads: bool
    reason: str | None
    messages: int
