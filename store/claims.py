"""Whose event a record is: new events come into being, known ones are locked, in an order in which
two loads at once can neither lose an event, make it twice, nor wait for each other in a ring.

New rows first, by id; then the locks on rows that were there, by id. A load that waits for a new
row waits for one further on in the same order; one that waits for a lock holds no new row that
another could be waiting for with a lock in hand, as rows are seen only once committed. So: one
load in a transaction.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Row, select

from schemas.event import NationalEvent
from schemas.identifiers import make_event_id, make_reference
from schemas.judged import JudgedRecord
from store import bulk, few_rows
from store.arrival import Arrival, Position, Settled, settle
from store.tables import events

_MOST_TRIED: Final = 100
_KNOWN = [
    events.c[name]
    for name in (
        "id",
        "source_id",
        "identity",
        "revision",
        "content_hash",
        "seen_batch",
        "seen_record",
        "first_batch",
        "year",
    )
]


class Case:
    """One event of a load: its records there, in order, and what each becomes. ``organisation`` is
    its source's. ``known`` is the event's row from before, locked, or None where this load brought
    it into being; ``search`` are then its rows of ``event_search``."""

    __slots__ = (
        "arrivals",
        "attempt",
        "event_id",
        "identity",
        "known",
        "organisation",
        "records",
        "reference",
        "search",
        "settled",
        "source_id",
    )

    def __init__(self, source_id: str, organisation: str, identity: str) -> None:
        self.source_id = source_id
        self.organisation = organisation
        self.identity = identity
        self.records: list[JudgedRecord] = []
        self.arrivals: list[Arrival] = []
        self.attempt = 0
        self.event_id = 0
        self.reference = ""
        self.known: Row[Any] | None = None
        self.search: list[bulk.Row] = []
        self.settled: list[Settled] = []

    def take(self, event_id: int) -> None:
        self.event_id = event_id
        self.reference = make_reference(event_id)

    def settle(self, revision: int = 0, newest: bytes | None = None) -> None:
        """All arrivals are newer than what the event has seen."""
        contents = [arrival.acceptance.content_hash for arrival in self.arrivals]
        self.settled = settle(contents, revision, newest)

    @property
    def first_batch(self) -> int:
        """The batch it first came in, of those that were loaded before this load."""
        return self.known.first_batch if self.known else self.arrivals[0].position.batch

    @property
    def year(self) -> int | None:
        """The year of occurrence until now."""
        return self.known.year if self.known else None

    @property
    def seen(self) -> Position:
        """Where the newest record about the event stood before."""
        known = self.known
        return Position(known.seen_batch, known.seen_record) if known else Position(0, 0)

    @property
    def current(self) -> NationalEvent:
        """The newest content that the arrivals brought."""
        if len(self.arrivals) == 1:
            return self.arrivals[0].acceptance.event
        return next(
            arrival.acceptance.event
            for arrival, settled in zip(
                reversed(self.arrivals), reversed(self.settled), strict=True
            )
            if settled.disposition != "unchanged"
        )


def claim_events(
    connection: Connection, cases: Iterable[Case], make_row: Callable[[Case], bulk.Row]
) -> None:
    """Give each case its event: ``event_id``, and ``known`` where it was there. ``make_row`` makes
    the row of a new one."""
    pending = list(cases)
    while pending:
        tried: dict[int, Case] = {}
        later: list[Case] = []
        for case in pending:
            event_id = make_event_id(case.source_id, case.identity, case.attempt)
            if tried.setdefault(event_id, case) is not case:
                later.append(case)
        fresh = sorted(tried.keys() - _find_known(connection, tried))
        for event_id in fresh:
            tried[event_id].take(event_id)
        inserted = _insert(connection, [make_row(tried[event_id]) for event_id in fresh])
        locked = _lock(connection, tried.keys() - inserted)
        for event_id, case in tried.items():
            if event_id in inserted:
                continue
            known = locked[event_id]
            if (known.source_id, known.identity) == (case.source_id, case.identity):
                case.take(event_id)
                case.known = known
            else:
                # Another event has the number (once in 2^60): the next one drawn.
                case.attempt += 1
                later.append(case)
        pending = later


def _are_few(connection: Connection, count: int) -> bool:
    """That it is cheaper to try to insert them than to look first which are known."""
    return bulk.is_postgresql(connection) and count <= _MOST_TRIED


def _find_known(connection: Connection, ids: Collection[int]) -> set[int]:
    """A look without a lock, so that a feed sent again costs no rows."""
    if _are_few(connection, len(ids)):
        return set()
    query = select(events.c.id).where(bulk.is_among(events.c.id, ids, connection))
    return set(connection.execute(query).scalars())


def _insert(connection: Connection, rows: Sequence[bulk.Row]) -> set[int]:
    """Insert events in order of id; gives those that are this transaction's."""
    if not rows:
        return set()
    if not bulk.is_postgresql(connection):
        # The one writer SQLite has: what it has just seen missing is missing.
        bulk.insert_rows(connection, events, rows)
        return {row[0] for row in rows}
    if _are_few(connection, len(rows)):
        return _insert_new(connection, rows)
    try:
        with connection.begin_nested():
            bulk.insert_rows(connection, events, rows)
            return {row[0] for row in rows}
    except psycopg.errors.UniqueViolation:
        # Another load made one of them since the look. Rare, so the way that says which may cost.
        return _insert_new(connection, rows)


def _insert_new(connection: Connection, rows: Sequence[bulk.Row]) -> set[int]:
    given = (events, events.columns.keys(), rows)
    return {event_id for (event_id,) in few_rows.insert_new(connection, given, ("id",))}


def _lock(connection: Connection, ids: Iterable[int]) -> dict[int, Row[Any]]:
    wanted = list(ids)
    if not wanted:
        return {}
    query = select(*_KNOWN).where(bulk.is_among(events.c.id, wanted, connection))
    rows = connection.execute(query.order_by(events.c.id).with_for_update())
    return {row.id: row for row in rows}
