"""What goes from the pipeline to the store: a record with its verdict, ready to load."""

import msgspec

from schemas.event import NationalEvent
from schemas.fault import Fault
from schemas.finding import Finding
from schemas.statuses import AlertKind, Disposition


class AlertDemand(msgspec.Struct, frozen=True):
    """An organisation is to be told of the event. ``reason`` is a word of
    :data:`ALERT_REASONS`. ``quiet``: it is not told after all, now or later, as the event is
    history that is loaded after the fact."""

    organisation: str
    kind: AlertKind
    reason: str
    quiet: bool = False


ALERT_REASONS = {
    "never_event": "it is a never event",
    "fatal": "the worst harm is fatal",
    "severe": "the worst harm is severe",
    "recorded_elsewhere": "another organisation recorded it",
    "routine": "it was recorded about your organisation",
}


class Acceptance(msgspec.Struct, frozen=True):
    """The event of a record that is accepted. ``payload`` is ``encode_event(event)``;
    ``content_hash`` (32 bytes) is over the event as mapped, before closed organisations were
    replaced by their successors, so that a change of the register is not a change of content."""

    event: NationalEvent
    payload: bytes
    content_hash: bytes
    alerts: tuple[AlertDemand, ...] = ()
    derived: tuple[str, ...] = ()


class JudgedRecord(msgspec.Struct, frozen=True):
    """One record after reading, mapping and validation; rejected where ``acceptance`` is None, or
    quarantined where ``fault`` says that our own code failed over it."""

    number: int
    locator: str
    local_id: str | None
    raw_hash: bytes
    acceptance: Acceptance | None
    findings: tuple[Finding, ...] = ()
    fault: Fault | None = None

    @property
    def unloaded(self) -> Disposition:
        """What it is where it has no event."""
        return "rejected" if self.fault is None else "quarantined"
