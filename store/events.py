"""Stored events and their history, to be shown."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, ScalarSelect, Select, select

from schemas.event import decode_event
from schemas.stored import Mark, StoredAlert, StoredEvent, StoredRevision
from store.arrival import Position
from store.audit import Audit
from store.bulk import is_among
from store.tables import IS_CURRENT, alerts, batches, events, marks, revisions

_IDENTIFIED = "id:"


class Events:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find(self, event_id: int) -> StoredEvent | None:
        """The event with its current content."""
        row = self._connection.execute(
            select(events, revisions.c.payload, batches.c.id.label("first_batch_id"))
            .join(revisions, IS_CURRENT)
            .join(batches, batches.c.number == events.c.first_batch)
            .where(events.c.id == event_id, revisions.c.year == _find_year(event_id))
        ).one_or_none()
        if row is None:
            return None
        known: str = row.identity
        return StoredEvent(
            id=row.id,
            reference=row.reference,
            source_id=row.source_id,
            local_id=known.removeprefix(_IDENTIFIED) if known.startswith(_IDENTIFIED) else None,
            revision=row.revision,
            event=decode_event(row.payload),
            first_batch=row.first_batch,
            first_batch_id=row.first_batch_id,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )

    def find_current(self, event_ids: Collection[int]) -> dict[int, tuple[int, bytes]]:
        """Revision number and content hash of those events that are stored."""
        if not event_ids:
            return {}
        query = select(events.c.id, events.c.revision, events.c.content_hash)
        among = query.where(is_among(events.c.id, event_ids, self._connection))
        return {row.id: (row.revision, row.content_hash) for row in self._connection.execute(among)}

    def find_identities(self, event_ids: Collection[int]) -> dict[int, tuple[str, str]]:
        """Source and identity of those events that are stored."""
        if not event_ids:
            return {}
        query = select(events.c.id, events.c.source_id, events.c.identity)
        among = query.where(is_among(events.c.id, event_ids, self._connection))
        return {row.id: (row.source_id, row.identity) for row in self._connection.execute(among)}

    def find_seen(self, event_id: int) -> Position | None:
        """Where the newest record about the event stands in the order of arrival."""
        query = select(events.c.seen_batch, events.c.seen_record).where(events.c.id == event_id)
        row = self._connection.execute(query).one_or_none()
        return Position(*row) if row else None

    def find_revisions(self, event_id: int) -> list[StoredRevision]:
        """Every content the event has had, the first one first."""
        query = _select_revisions(event_id).order_by(revisions.c.number)
        return [_read_revision(row) for row in self._connection.execute(query)]

    def find_revision(self, event_id: int, number: int) -> StoredRevision | None:
        query = _select_revisions(event_id).where(revisions.c.number == number)
        row = self._connection.execute(query).one_or_none()
        return _read_revision(row) if row else None

    def find_mark(self, event_id: int) -> Mark | None:
        columns = [marks.c[name] for name in Mark.__struct_fields__]
        own = (marks.c.event_id == event_id) & (marks.c.year == _find_year(event_id))
        query = select(*columns).where(own)
        row = self._connection.execute(query).one_or_none()
        return Mark(**dict(zip(Mark.__struct_fields__, row, strict=True))) if row else None

    def find_alerts(self, event_id: int) -> list[StoredAlert]:
        columns = [alerts.c[name] for name in StoredAlert.__struct_fields__]
        query = select(*columns).where(alerts.c.event_id == event_id)
        ordered = query.order_by(alerts.c.organisation, alerts.c.kind)
        return [StoredAlert(*row) for row in self._connection.execute(ordered)]


def _find_year(event_id: int) -> ScalarSelect[int]:
    """Its year of occurrence, to be known before anything else is read: joined, it would come too
    late for PostgreSQL to leave the other years alone."""
    return select(events.c.year).where(events.c.id == event_id).scalar_subquery()


def _select_revisions(event_id: int) -> Select[Any]:
    return (
        select(
            revisions,
            batches.c.id.label("batch_id"),
            batches.c.filename,
            batches.c.profile,
            batches.c.profile_version,
        )
        .join(batches, batches.c.number == revisions.c.batch_number)
        .where(revisions.c.event_id == event_id, revisions.c.year == _find_year(event_id))
    )


def _read_revision(row: Row[Any]) -> StoredRevision:
    return StoredRevision(
        number=row.number,
        batch_id=row.batch_id,
        record_number=row.record_number,
        filename=row.filename,
        profile=row.profile,
        profile_version=row.profile_version,
        event=decode_event(row.payload),
        changes=_decode_names(row.changes),
        derived=_decode_names(row.derived),
        recorded_at=row.recorded_at,
    )


def _decode_names(text: str | None) -> list[str]:
    return msgspec.json.decode(text, type=list[str]) if text else []
