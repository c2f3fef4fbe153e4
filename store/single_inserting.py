"""The one statement that loads single requests about which everything is new: what
``store.single_loading`` does for any, without asking first. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.identifiers import make_event_id
from schemas.single import Single, SingleOutcome
from store import bulk, few_rows, rows
from store.arrival import Arrival, Position
from store.claims import Case
from store.gathering import Gathering
from store.reservations import ANSWERED, Wanted, make_answered
from store.settling import make_new
from store.single_batches import GIVEN, make_row
from store.single_loading import find_kept, tell_submitted
from store.tables import batches, bodies, events, idempotency_keys

_RECORD: Final = 1


class Insertion(msgspec.Struct, frozen=True):
    """``outcomes``: of each request, in their order, with its place for its batch's number.
    ``years``: of occurrence, of the events."""

    statement: bytes
    parameters: list[str]
    years: set[int]
    outcomes: list[SingleOutcome]

    def read(self, numbers: Iterable[tuple[Any, ...]]) -> list[SingleOutcome]:
        """What became of them, by what the statement gives."""
        found: dict[int, int] = dict(numbers)
        return [
            msgspec.structs.replace(one, batch_number=found[one.batch_number])
            for one in self.outcomes
        ]


def make_insertion(
    singles: Sequence[Single], keys: Mapping[str, Wanted], *, actor: str, now: datetime
) -> Insertion | None:
    """As ``store.at_once``; None where they are too much for one statement. Rows hold the place of
    their request until the database has drawn the numbers of the batches."""
    gathering = Gathering(actor, now)
    made: list[bulk.Row] = []
    outcomes: list[SingleOutcome] = []
    answered: list[bulk.Row] = []
    years: set[int] = set()
    placed = list(enumerate(singles, 1))
    for place, one in placed:
        case = _make_case(place, one)
        if case is None:
            gathering.add_line(place, one.record, None, None)
        else:
            made.append(make_new(case, now))
            year = rows.get_year(case.search)
            years.add(year)
            gathering.add_case(case, None, year)
            gathering.add_search(case.search)
        outcome = _tell(place, one, case, now)
        outcomes.append(outcome)
        tell_submitted(gathering, one, outcome)
        if one.batch_id in keys:
            answered.append(make_answered(keys[one.batch_id], find_kept(outcome), now))
    numbered = few_rows.make_numbered(
        (batches, ("place", *GIVEN), [(place, *make_row(one, now)) for place, one in placed]),
        (events, events.columns.keys(), made),
        [
            *gathering.list_new(),
            (bodies, bodies.columns.keys(), [(place, one.body) for place, one in placed]),
            (idempotency_keys, ANSWERED, answered),
        ],
    )
    return None if numbered is None else Insertion(*numbered, years, outcomes)


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
