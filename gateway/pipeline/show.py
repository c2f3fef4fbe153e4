"""Show a stored event: its content, marks and revisions."""

from typing import Any

import msgspec

from gateway.bootstrap import Gateway
from mappers.fhir_write import write_fhir
from schemas.errors import UnknownError, WrongUseError
from schemas.identifiers import parse_reference
from schemas.stored import Mark, StoredAlert, StoredEvent, StoredRevision


class _Found(msgspec.Struct, frozen=True):
    event: StoredEvent
    revisions: list[StoredRevision]
    mark: Mark | None
    alerts: list[StoredAlert]


def show_event(gateway: Gateway, reference: str) -> dict[str, Any]:
    """The event in its current revision, where it came from, and what became of it. Errors:
    WrongUseError for a reference whose check character does not fit, UnknownError for no event."""
    found = _find(gateway, reference)
    event = found.event
    return {
        "reference": event.reference,
        "revision": event.revision,
        "source": event.source_id,
        "local_id": event.local_id,
        "created_at": event.created_at,
        "updated_at": event.updated_at,
        "externally_recorded": found.mark,
        "event": event.event,
        "revisions": [_show_revision(revision) for revision in found.revisions],
        "alerts": found.alerts,
    }


def show_event_as_fhir(gateway: Gateway, reference: str) -> dict[str, Any]:
    """The AdverseEvent of its taxonomy version; reads back as the equal event."""
    event = _find(gateway, reference).event
    return write_fhir(
        event.event,
        reference=event.reference,
        local_id=event.local_id,
        event_id=event.reference,
        revision=event.revision,
    )


def _find(gateway: Gateway, reference: str) -> _Found:
    event_id = parse_reference(reference)
    if event_id is None:
        raise WrongUseError(
            "not a reference number: thirteen letters and digits whose last one checks the others,"
            " as 7K2M-9QXB-4T8D-V"
        )
    with gateway.store.read() as work:
        event = work.events.find(event_id)
        if event is None:
            raise UnknownError(f"no event has the reference {reference}")
        return _Found(
            event,
            work.events.find_revisions(event_id),
            work.events.find_mark(event_id),
            work.events.find_alerts(event_id),
        )


def _show_revision(revision: StoredRevision) -> dict[str, Any]:
    return {
        "number": revision.number,
        "recorded_at": revision.recorded_at,
        "batch": revision.batch_id,
        "file": revision.filename,
        "record": revision.record_number,
        "profile": revision.profile,
        "profile_version": revision.profile_version,
        "changes": revision.changes,
        "derived": revision.derived,
    }
