"""Marks: which events were recorded outside the national service, by whom and how."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import batches, event_organisations, events, marks, receipt_lines, sources

_COLUMNS = [column.name for column in marks.columns]


class Marks:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def mark_batches(self) -> int:
        """Mark the events that finished batches created or revised; gives the number of events.
        A mark that is there is brought up to date."""
        waiting = (
            select(batches.c.number, batches.c.id)
            .where(batches.c.state == "finished", batches.c.marked_at.is_(None))
            .order_by(batches.c.number)
            # Two markers at once: each takes the batches that the other has not.
            .with_for_update(skip_locked=True, key_share=True)
        )
        return sum(
            self._mark(number, batch_id)
            for number, batch_id in self._connection.execute(waiting).all()
        )

    def mark_records(self, batch_number: int, numbers: Collection[int]) -> int:
        """The same for the events of some records of a batch that is marked already."""
        return self._put(_make_marks(batch_number, self._now, numbers))

    def count(self) -> tuple[int, int]:
        """Events marked, and those of them that another organisation recorded."""
        elsewhere = func.count().filter(marks.c.recorded_elsewhere)
        found = self._connection.execute(select(func.count(), elsewhere).select_from(marks)).one()
        return found[0], found[1]

    def _mark(self, batch_number: int, batch_id: str) -> int:
        marked = self._put(_make_marks(batch_number, self._now))
        self._connection.execute(
            update(batches).where(batches.c.number == batch_number).values(marked_at=self._now)
        )
        self._audit.add("batch.marked", batch_id, {"events": marked})
        return marked

    def _put(self, made: Select[tuple[object, ...]]) -> int:
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = insert(marks).from_select(_COLUMNS, made)
        fresh = {
            name: statement.excluded[name]
            for name in ("route", "recorded_by", "recorded_elsewhere", "batch_number")
        }
        return self._connection.execute(
            statement.on_conflict_do_update(index_elements=["event_id"], set_=fresh),
            execution_options={"preserve_rowcount": True},
        ).rowcount


def _make_marks(
    batch_number: int, now: datetime, numbers: Collection[int] = ()
) -> Select[tuple[object, ...]]:
    """A mark of each event with a created or revised line in the batch (of ``numbers``, where
    there are). Source and route are those of the batch the event first came in; ordered, so that
    two writers meet in the same order."""
    touched = select(receipt_lines.c.event_id).where(
        receipt_lines.c.batch_number == batch_number,
        receipt_lines.c.disposition.in_(("created", "revised")),
    )
    if numbers:
        touched = touched.where(receipt_lines.c.number.in_(numbers))
    recorded_by = func.coalesce(events.c.reporter_organisation, sources.c.organisation)
    elsewhere = exists().where(
        event_organisations.c.event_id == events.c.id,
        _trust(event_organisations.c.organisation) != _trust(recorded_by),
    )
    return (
        select(
            events.c.id,
            events.c.source_id,
            batches.c.route,
            recorded_by,
            elsewhere,
            batches.c.number,
            literal(now, marks.c.marked_at.type),
        )
        .join(sources, sources.c.id == events.c.source_id)
        .join(batches, batches.c.number == events.c.first_batch)
        .where(events.c.id.in_(touched))
        .order_by(events.c.id)
    )


def _trust(code: ColumnElement[str]) -> ColumnElement[str]:
    """``schemas.identifiers.get_trust`` in SQL; a test holds the two together."""
    is_site = and_(func.length(code) == 5, func.substr(code, 1, 1).in_(("R", "T")))
    return case((is_site, func.substr(code, 1, 3)), else_=code)
