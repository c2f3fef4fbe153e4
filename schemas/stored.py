"""What the store gives back: events with their history, receipt lines, marks."""

from datetime import datetime

import msgspec

from schemas.batch import Route
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.statuses import AlertKind, Disposition


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event as it stands now. ``local_id`` is the source's own id, None where the event is
    known by its content; ``first_batch`` the number of the batch it first came in;
    ``first_batch_id`` its id."""

    id: int
    reference: str
    source_id: str
    local_id: str | None
    revision: int
    event: NationalEvent
    first_batch: int
    first_batch_id: str
    created_at: datetime
    updated_at: datetime


class StoredRevision(msgspec.Struct, frozen=True, kw_only=True):
    """One content an event has had. ``batch_id`` and ``record_number`` say where it first stood;
    ``changes`` are the elements that differ from the revision before; ``derived`` those that
    mapping concluded and the record did not say."""

    number: int
    batch_id: str
    record_number: int
    filename: str
    profile: str | None
    profile_version: str | None
    event: NationalEvent
    changes: list[str]
    derived: list[str]
    recorded_at: datetime


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Externally recorded: by which source, route and organisation. ``recorded_elsewhere``: an
    organisation where it happened is another than the one that recorded it."""

    source_id: str
    route: Route
    recorded_by: str
    recorded_elsewhere: bool
    marked_at: datetime


class StoredAlert(msgspec.Struct, frozen=True):
    """That an organisation is or was told of an event; or is not, where it is ``quiet``: the event
    is history that was loaded after the fact."""

    organisation: str
    kind: AlertKind
    reason: str
    created_at: datetime
    announced_at: datetime | None
    quiet: bool


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record of a batch; ``reference`` and ``revision`` are None where it was
    rejected."""

    number: int
    locator: str
    local_id: str | None
    disposition: Disposition
    reference: str | None
    revision: int | None
    findings: tuple[Finding, ...] = ()
