"""What the records of a load make of their events: claimed, settled in order of arrival, and told
to the rows to be. Loading a batch and loading single requests both go through here."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, select

from schemas.event import NationalEvent, decode_event
from store import bulk, rows
from store.claims import Case, claim_events
from store.resettling import resettle_events
from store.tables import IS_CURRENT, events, revisions
from store.writing import Writing


def claim_cases(connection: Connection, cases: Iterable[Case], now: datetime) -> None:
    """Each case has its event, new or locked."""
    claim_events(connection, cases, lambda case: make_new(case, now))


def make_new(case: Case, now: datetime) -> bulk.Row:
    """The row of an event that the case brings into being; the case is settled then."""
    case.settle()
    position, accepted = case.arrivals[-1]
    case.search = rows.make_search(case.event_id, case.current, case.source_id, case.organisation)
    return (
        case.event_id,
        case.reference,
        case.source_id,
        case.identity,
        case.settled[-1].revision,
        accepted.content_hash,
        *position,
        case.arrivals[0].position.batch,
        rows.get_year(case.search),
        now,
        now,
    )


def settle_cases(
    connection: Connection, cases: Iterable[Case], writing: Writing, now: datetime
) -> None:
    """The cases are claimed. Afterwards ``case.settled`` says what each record became."""
    late: list[Case] = []
    revised: dict[int, Case] = {}
    for case in cases:
        known = case.known
        if known is None:
            writing.add_case(case, None, rows.get_year(case.search))
            writing.add_search(case.search)
        elif case.arrivals[0].position < case.seen:
            late.append(case)
        else:
            case.settle(known.revision, known.content_hash)
            if case.settled[-1].revision == known.revision:
                writing.add_case(case, None, known.year)
                writing.add_seen(case.event_id, case.arrivals[-1].position)
            else:
                revised[case.event_id] = case
    before = _read_current(connection, revised)
    for event_id, case in revised.items():
        _revise(case, before[event_id], writing)
    if late:
        resettle_events(connection, late, writing, now)


def _revise(case: Case, before: NationalEvent, writing: Writing) -> None:
    search = rows.make_search(case.event_id, case.current, case.source_id, case.organisation)
    year = rows.get_year(search)
    writing.add_case(case, before, year)
    writing.replace_search(case.event_id, search)
    position, accepted = case.arrivals[-1]
    revision, first_batch = case.settled[-1].revision, case.first_batch
    values = (revision, accepted.content_hash, *position, first_batch, year)
    writing.change_event(case.event_id, values)
    if year != case.year:
        writing.move_revisions(case.event_id, year)


def _read_current(connection: Connection, event_ids: Collection[int]) -> dict[int, NationalEvent]:
    """The stored content of events, by event."""
    if not event_ids:
        return {}
    chosen = bulk.is_among(events.c.id, event_ids, connection)
    query = select(events.c.id, revisions.c.payload).join(revisions, IS_CURRENT).where(chosen)
    return {row.id: decode_event(row.payload) for row in connection.execute(query)}
