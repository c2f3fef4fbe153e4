"""Events of a source at their revisions, and as the FHIR that is sent of them."""

from typing import Any

from gateway.bootstrap import Gateway
from gateway.fhir.sent import check_sent
from mappers.fhir_write import write_fhir
from schemas.asked import EventVersion
from schemas.errors import UnknownError
from schemas.identifiers import make_event_id, make_identity, make_reference
from schemas.stored import StoredEvent, StoredRevision
from schemas.taxonomy import get_taxonomy
from store.unit_of_work import UnitOfWork

Json = dict[str, Any]


def get_own_version(
    gateway: Gateway, source_id: str, event_id: int, revision: int | None = None
) -> EventVersion:
    """An event the source itself recorded, at a revision (none: as it is now). UnknownError where
    there is none, also where it is another source's: whether it exists is not for it to know."""
    with gateway.store.read() as work:
        stored = _get_own(work, source_id, event_id)
        return find_version(work, stored, revision)


def list_own_versions(gateway: Gateway, source_id: str, event_id: int) -> list[EventVersion]:
    """Every revision, the newest first."""
    with gateway.store.read() as work:
        stored = _get_own(work, source_id, event_id)
        revisions = work.events.find_revisions(event_id)
    return [_of_revision(stored, one) for one in reversed(revisions)]


def find_own_by_identifier(
    gateway: Gateway, source_id: str, identifier: str
) -> EventVersion | None:
    """The event that the source recorded under its own identifier."""
    event_id = make_event_id(source_id, make_identity(identifier, b""))
    with gateway.store.read() as work:
        stored = work.events.find(event_id)
        if stored is None or (stored.source_id, stored.local_id) != (source_id, identifier):
            return None
        return _of_current(stored)


def find_version(work: UnitOfWork, stored: StoredEvent, revision: int | None) -> EventVersion:
    if revision is None or revision == stored.revision:
        return _of_current(stored)
    found = work.events.find_revision(stored.id, revision)
    if found is None:
        raise UnknownError(f"event {stored.reference} has no version {revision}")
    return _of_revision(stored, found)


def write_version(version: EventVersion) -> Json:
    """The AdverseEvent of its taxonomy version, checked by fhir.resources."""
    reference = make_reference(version.event_id)
    last_updated = version.recorded_at.isoformat(timespec="milliseconds")
    written = version.written
    # Not where the event got another number than it was written with (once in 2^60).
    if written is not None and written["id"] == reference:
        # Checked when it was written, with another number and instant of the same form.
        stamp = {"versionId": str(version.revision), "lastUpdated": last_updated}
        return written | {"meta": written["meta"] | stamp}
    resource = write_fhir(
        version.event,
        reference=reference,
        local_id=version.local_id,
        event_id=reference,
        revision=version.revision,
        last_updated=last_updated,
    )
    check_sent(resource, get_taxonomy(version.event.taxonomy_version).fhir_release)
    return resource


def _get_own(work: UnitOfWork, source_id: str, event_id: int) -> StoredEvent:
    stored = work.events.find(event_id)
    if stored is None or stored.source_id != source_id:
        raise UnknownError(f"no event of yours has the reference {make_reference(event_id)}")
    return stored


def _of_current(stored: StoredEvent) -> EventVersion:
    return EventVersion(
        event=stored.event,
        event_id=stored.id,
        local_id=stored.local_id,
        revision=stored.revision,
        recorded_at=stored.updated_at,
    )


def _of_revision(stored: StoredEvent, one: StoredRevision) -> EventVersion:
    return EventVersion(
        event=one.event,
        event_id=stored.id,
        local_id=stored.local_id,
        revision=one.number,
        recorded_at=one.recorded_at,
    )
