"""Looking for events: a page at a time, newest first, and counts. Every query is answered by an
index, in the partitions of the years it asks for (``tests/integration/test_store_plans.py``)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    TextClause,
    func,
    select,
    text,
    tuple_,
)

from schemas.found import EventFilter, FoundEvent, PageEnd, YearCount
from schemas.identifiers import make_reference
from store.audit import Audit
from store.partitions import UNDATED
from store.tables import event_search

_COLUMNS = event_search.c
_SHOWN = [_COLUMNS[name] for name in FoundEvent.__struct_fields__ if name in _COLUMNS]
_EQUAL = ("organisation", "reporter_organisation", "source_id", "event_type")
# Conditions of indexes are written out: from a parameter the planner could not know them.
_Condition = ColumnElement[bool] | TextClause


class EventSearch:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find(
        self, wanted: EventFilter, limit: int, after: PageEnd | None = None
    ) -> list[FoundEvent]:
        """The next events behind the end of the page before."""
        found: list[FoundEvent] = []
        if after is None or after.occurred_on is not None:
            found = self._read(select_dated(wanted, after).limit(limit))
        if len(found) == limit or wanted.occurred_from or wanted.occurred_to:
            return found
        # Their own partition, read only once those with a date are through.
        behind = None if found else after
        return found + self._read(select_undated(wanted, behind).limit(limit - len(found)))

    def count(self, wanted: EventFilter) -> list[YearCount]:
        """By year and type, those without a date last."""
        rows = self._connection.execute(select_counts(wanted))
        counts = [YearCount(row.year or None, row.event_type, row.events) for row in rows]
        return sorted(counts, key=lambda one: (-(one.year or 0), one.event_type))

    def _read(self, query: Select[Any]) -> list[FoundEvent]:
        return [_make_found(row) for row in self._connection.execute(query)]


def select_dated(wanted: EventFilter, after: PageEnd | None) -> Select[Any]:
    """Newest first; the year says which partitions there is anything in."""
    conditions = [*_list_conditions(wanted), _COLUMNS.year > UNDATED]
    if after is not None and after.occurred_on is not None:
        conditions += [
            tuple_(_COLUMNS.occurred_on, _COLUMNS.event_id) < tuple(after),
            _COLUMNS.year <= after.occurred_on.year,
        ]
    order = (_COLUMNS.occurred_on.desc(), _COLUMNS.event_id.desc())
    return select(*_SHOWN).where(*conditions).order_by(*order)


def select_undated(wanted: EventFilter, after: PageEnd | None) -> Select[Any]:
    conditions = [*_list_conditions(wanted), _COLUMNS.year == UNDATED]
    if after is not None and after.occurred_on is None:
        conditions.append(_COLUMNS.event_id < after.event_id)
    return select(*_SHOWN).where(*conditions).order_by(_COLUMNS.event_id.desc())


def select_counts(wanted: EventFilter) -> Select[Any]:
    by = (_COLUMNS.year, _COLUMNS.event_type)
    counted = func.count().label("events")
    return select(*by, counted).where(*_list_conditions(wanted)).group_by(*by)


def _list_conditions(wanted: EventFilter) -> Iterator[_Condition]:
    for name in _EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            yield _COLUMNS[name] == value
    if wanted.organisation is None:
        yield text("event_search.place = 1")
    if wanted.worst_harm is not None:
        yield text(f"event_search.worst_harm <= {wanted.worst_harm:d}")
    for name in ("never_event", "recorded_elsewhere"):
        asked = getattr(wanted, name)
        if asked is not None:
            yield text(f"event_search.{name}" if asked else f"NOT event_search.{name}")
    if wanted.occurred_from is not None:
        yield _COLUMNS.occurred_on >= wanted.occurred_from
        yield _COLUMNS.year >= wanted.occurred_from.year
    if wanted.occurred_to is not None:
        yield _COLUMNS.occurred_on <= wanted.occurred_to
        yield _COLUMNS.year.between(1, wanted.occurred_to.year)


def _make_found(row: Row[Any]) -> FoundEvent:
    shown = {column.name: getattr(row, column.name) for column in _SHOWN}
    return FoundEvent(reference=make_reference(row.event_id), **shown)
