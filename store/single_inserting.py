"""Loads single requests about which everything is new, in one statement: what ``store.single_loading``
does for any, without asking first and without a way there and back for each question."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
import psycopg
from sqlalchemy import Connection

from schemas.identifiers import make_event_id
from schemas.single import Single, SingleOutcome
from store import bulk, few_rows, rows
from store.arrival import Arrival, Position
from store.audit import Audit
from store.claims import Case
from store.partitions import find_missing
from store.reservations import ANSWERED, Wanted, make_answered
from store.settling import make_new
from store.single_batches import GIVEN, make_row
from store.single_loading import find_kept, tell_submitted
from store.tables import batches, bodies, events, idempotency_keys
from store.writing import Writing

_RECORD: Final = 1


def insert_singles(
    connection: Connection,
    audit: Audit,
    now: datetime,
    singles: Sequence[Single],
    keys: Mapping[str, Wanted],
) -> list[SingleOutcome] | None:
    """As ``store.singles``. Rows hold the place of their request until the database has drawn the
    numbers of the batches."""
    writing = Writing(connection, audit, now)
    made: list[bulk.Row] = []
    outcomes: list[SingleOutcome] = []
    years: set[int] = set()
    for place, one in enumerate(singles, 1):
        case = _make_case(place, one)
        if case is None:
            writing.add_line(place, one.record, None, None)
        else:
            made.append(make_new(case, now))
            year = rows.get_year(case.search)
            years.add(year)
            writing.add_case(case, None, year)
            writing.add_search(case.search)
        outcomes.append(_tell(place, one, case, now))
        tell_submitted(writing, one, outcomes[-1])
    if find_missing(connection, years):
        return None
    placed = list(enumerate(singles, 1))
    answered = [
        make_answered(keys[one.batch_id], find_kept(outcome), now)
        for one, outcome in zip(singles, outcomes, strict=True)
        if one.batch_id in keys
    ]
    try:
        numbers = few_rows.insert_numbered(
            connection,
            (batches, ("place", *GIVEN), [(place, *make_row(one, now)) for place, one in placed]),
            (events, events.columns.keys(), made),
            [
                *writing.list_new(),
                (bodies, bodies.columns.keys(), [(place, one.body) for place, one in placed]),
                (idempotency_keys, ANSWERED, answered),
            ],
        )
    except psycopg.errors.UniqueViolation:
        return None
    if numbers is None:
        return None
    found = dict(numbers)
    return [msgspec.structs.replace(one, batch_number=found[one.batch_number]) for one in outcomes]


def _make_case(place: int, one: Single) -> Case | None:
    """None where it is rejected."""
    accepted = one.record.acceptance
    if accepted is None or one.identity is None:
        return None
    case = Case(one.source_id, one.organisation, one.identity)
    case.records.append(one.record)
    case.arrivals.append(Arrival(Position(place, _RECORD), accepted))
    case.take(make_event_id(one.source_id, one.identity))
    return case


def _tell(place: int, one: Single, case: Case | None, now: datetime) -> SingleOutcome:
    outcome = SingleOutcome(
        state="loaded", batch_id=one.batch_id, batch_number=place, disposition="rejected"
    )
    if case is None:
        return outcome
    return msgspec.structs.replace(
        outcome, disposition="created", event_id=case.event_id, revision=1, recorded_at=now
    )
