"""Rows of their own that were kept long enough, by kind: counted, or removed some at a time, each
time with its audit entry."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, Select, delete, func, select, tuple_, update

from store.audit import Audit
from store.edited import empty_edits, select_left
from store.feed_days import LONDON
from store.pruned_files import PrunedFiles
from store.tables import (
    alarms,
    collected,
    edits,
    feed_days,
    message_alerts,
    messages,
    reference_runs,
    trials,
)

# refused: the bytes of items that collectors refused. edits: those whose record's bytes are gone.
KeptKind = Literal["trials", "messages", "reports", "refused", "edits", "alarms", "feed_days"]
_Rows = Sequence[Row[Any]]


class KeptRows:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._files = PrunedFiles(connection, audit, now)

    def count(self, kind: KeptKind, before: datetime) -> int:
        chosen = _SELECT[kind](before).subquery()
        return self._connection.execute(select(func.count()).select_from(chosen)).scalar_one()

    def prune(self, kind: KeptKind, before: datetime, limit: int) -> int:
        """At most ``limit``, the oldest first; how many."""
        query = _SELECT[kind](before).limit(limit).with_for_update(skip_locked=True)
        rows = self._connection.execute(query).all()
        if rows:
            files = _REMOVE[kind](self._connection, rows)
            marked = self._files.mark(files)
            details = {"count": len(rows), "first": rows[0][0], "last": rows[-1][0]}
            self._audit.add(f"pruned.{kind}", kind, details | {"files": marked})
        return len(rows)


def _select_trials(before: datetime) -> Select[Any]:
    """Checked, or ended by a fault of ours; one that waits to be checked never."""
    return (
        select(trials.c.id)
        .where(trials.c.state == "checked", trials.c.finished_at < before)
        .order_by(trials.c.finished_at)
    )


def _select_messages(before: datetime) -> Select[Any]:
    """Sent; never one that waits or is parked. The day it was due is that on which it was sent."""
    return (
        select(messages.c.id)
        .where(messages.c.state == "sent", messages.c.due_at < before)
        .order_by(messages.c.due_at)
    )


def _select_reports(before: datetime) -> Select[Any]:
    """But for the newest run of each sync that ended well: where the next one begins."""
    newest = (
        select(func.max(reference_runs.c.number))
        .where(reference_runs.c.state == "done")
        .group_by(reference_runs.c.name)
    )
    return (
        select(reference_runs.c.number)
        .where(reference_runs.c.ended_at < before, reference_runs.c.number.not_in(newest))
        .order_by(reference_runs.c.number)
    )


def _select_refused(before: datetime) -> Select[Any]:
    """The far end is told of; one that is not may still be taken, or tried again."""
    return (
        select(collected.c.id, collected.c.sha256)
        .where(
            collected.c.state == "refused",
            collected.c.sha256.is_not(None),
            collected.c.settled_at < before,
        )
        .order_by(collected.c.id)
    )


def _select_edits(_before: datetime) -> Select[Any]:
    """However new: they say what is nowhere else to be read any more."""
    return select_left()


def _select_alarms(before: datetime) -> Select[Any]:
    """Closed; never one that is open or acknowledged."""
    return select(alarms.c.number).where(alarms.c.closed_at < before).order_by(alarms.c.number)


def _select_days(before: datetime) -> Select[Any]:
    day = before.astimezone(LONDON).date()
    key = (feed_days.c.day, feed_days.c.source_id)
    return select(*key).where(feed_days.c.day < day).order_by(*key)


def _remove_trials(connection: Connection, rows: _Rows) -> set[str]:
    chosen = trials.c.id.in_(_list_ids(rows))
    taken = delete(trials).where(chosen).returning(trials.c.sha256, trials.c.receipt)
    return {one for row in connection.execute(taken) for one in row if one}


def _remove_messages(connection: Connection, rows: _Rows) -> set[str]:
    ids = _list_ids(rows)
    connection.execute(delete(message_alerts).where(message_alerts.c.message_id.in_(ids)))
    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    return set()


def _remove_reports(connection: Connection, rows: _Rows) -> set[str]:
    chosen = reference_runs.c.number.in_(_list_ids(rows))
    connection.execute(delete(reference_runs).where(chosen))
    return set()


def _remove_refused(connection: Connection, rows: _Rows) -> set[str]:
    """The item stays: what was refused must not be collected again."""
    chosen = collected.c.id.in_(_list_ids(rows))
    connection.execute(update(collected).where(chosen).values(sha256=None))
    return {row.sha256 for row in rows}


def _remove_edits(connection: Connection, rows: _Rows) -> set[str]:
    """What they changed; that somebody edited the record, and why, stays."""
    key = tuple_(edits.c.batch_number, edits.c.record_number, edits.c.correction_batch)
    empty_edits(connection, key.in_([tuple(row) for row in rows]))
    return set()


def _remove_alarms(connection: Connection, rows: _Rows) -> set[str]:
    connection.execute(delete(alarms).where(alarms.c.number.in_(_list_ids(rows))))
    return set()


def _remove_days(connection: Connection, rows: _Rows) -> set[str]:
    key = tuple_(feed_days.c.day, feed_days.c.source_id)
    connection.execute(delete(feed_days).where(key.in_([tuple(row) for row in rows])))
    return set()


def _list_ids(rows: _Rows) -> list[Any]:
    return [row[0] for row in rows]


_SELECT: Final[dict[KeptKind, Callable[[datetime], Select[Any]]]] = {
    "trials": _select_trials,
    "messages": _select_messages,
    "reports": _select_reports,
    "refused": _select_refused,
    "edits": _select_edits,
    "alarms": _select_alarms,
    "feed_days": _select_days,
}
_REMOVE: Final[dict[KeptKind, Callable[[Connection, _Rows], set[str]]]] = {
    "trials": _remove_trials,
    "messages": _remove_messages,
    "reports": _remove_reports,
    "refused": _remove_refused,
    "edits": _remove_edits,
    "alarms": _remove_alarms,
    "feed_days": _remove_days,
}
