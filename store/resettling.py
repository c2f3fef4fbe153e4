"""Records that come late: an older batch, or an earlier part, loaded after a newer one. Their
events are settled anew from all that is stored of them, receipts already given included."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, select, text, update

from schemas.event import decode_event
from store import bulk, rows
from store.arrival import History, Moved, Position, Resettled, Revision, resettle
from store.changing import update_rows
from store.claims import Case
from store.tables import batches, events, receipt_lines, revisions
from store.writing import Writing


def resettle_events(
    connection: Connection, cases: Sequence[Case], writing: Writing, now: datetime
) -> None:
    """The events are locked: nothing of theirs changes meanwhile."""
    histories = _read_histories(connection, [case.event_id for case in cases])
    moved: list[Moved] = []
    for case in cases:
        history = histories[case.event_id]
        resettled = resettle(history, case.arrivals, now)
        moved += resettled.moved
        _write_event(case, history, resettled, writing)
    update_rows(
        connection,
        receipt_lines,
        ("batch_number", "number"),
        ("disposition", "revision"),
        [(*one.position, *one.after) for one in moved],
    )
    loading = {arrival.position.batch for case in cases for arrival in case.arrivals}
    _recount(connection, loading, moved, writing)


def _write_event(case: Case, history: History, resettled: Resettled, writing: Writing) -> None:
    event_id = case.event_id
    case.settled = resettled.arrivals
    for record, arrival, settled in zip(case.records, case.arrivals, case.settled, strict=True):
        batch_number = arrival.position.batch
        writing.add_line(batch_number, record, event_id, settled)
        if settled.disposition != "unchanged":
            writing.add_alerts(event_id, batch_number, arrival.acceptance.alerts, new=False)
    newest, replaced = resettled.revisions[-1], history.revisions[-1]
    event = decode_event(newest.payload)
    search = rows.make_search(event_id, event, case.source_id, case.organisation)
    seen = max(case.arrivals[-1].position, case.seen)
    first_batch, year = resettled.revisions[0].position.batch, rows.get_year(search)
    values = (newest.number, newest.content_hash, *seen, first_batch, year)
    writing.change_event(event_id, values)
    if newest.payload != replaced.payload:
        writing.replace_search(event_id, search)
    if resettled.revisions == history.revisions:
        return
    given = [_make_row(event_id, one, year) for one in resettled.revisions]
    writing.rewrite_revisions(event_id, given)
    details = {"revisions": len(resettled.revisions), "lines": len(resettled.moved)}
    writing.add_entry("event.resettled", case.reference, details)


def _make_row(event_id: int, one: Revision, year: int) -> bulk.Row:
    return (
        event_id,
        one.number,
        *one.position,
        one.content_hash,
        one.payload,
        one.changes,
        one.derived,
        one.recorded_at,
        year,
    )


def _read_histories(connection: Connection, event_ids: Sequence[int]) -> dict[int, History]:
    histories: defaultdict[int, History] = defaultdict(lambda: History([], []))
    chosen = bulk.is_among(revisions.c.event_id, event_ids, connection)
    own = (events.c.id == revisions.c.event_id) & (events.c.year == revisions.c.year)
    query = (
        select(revisions)
        .join(events, own)
        .where(chosen)
        .order_by(revisions.c.event_id, revisions.c.number)
    )
    for row in connection.execute(query):
        histories[row.event_id].revisions.append(
            Revision(
                row.number,
                Position(row.batch_number, row.record_number),
                row.content_hash,
                row.payload,
                row.changes,
                row.derived,
                row.recorded_at,
            )
        )
    lines = receipt_lines.c
    unchanged = select(lines.event_id, lines.batch_number, lines.number, lines.revision).where(
        bulk.is_among(lines.event_id, event_ids, connection),
        # Written out, so that the planner knows it for the index's own condition.
        text("receipt_lines.disposition = 'unchanged'"),
    )
    for event_id, batch_number, number, revision in connection.execute(unchanged):
        histories[event_id].unchanged.append((Position(batch_number, number), revision))
    return histories


def _recount(
    connection: Connection, loading: Collection[int], moved: Iterable[Moved], writing: Writing
) -> None:
    """Keep the stored counts of finished batches right, but for those that are being loaded.
    Locked first, in order: one that is finishing either counts these lines after us, or is
    finished when we look."""
    changes: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for one in moved:
        if one.position.batch not in loading and one.before.disposition != one.after.disposition:
            changes[one.position.batch][one.before.disposition] -= 1
            changes[one.position.batch][one.after.disposition] += 1
    if not changes:
        return
    query = (
        select(batches.c.number, batches.c.id, batches.c.state)
        .where(bulk.is_among(batches.c.number, changes, connection))
        .order_by(batches.c.number)
        .with_for_update(key_share=True)
    )
    for number, batch_id, state in connection.execute(query).all():
        change = {name: by for name, by in changes[number].items() if by}
        if state != "finished" or not change:
            continue
        values = {name: batches.c[name] + by for name, by in change.items()}
        connection.execute(update(batches).where(batches.c.number == number).values(values))
        writing.add_entry("batch.recounted", batch_id, change)
