"""Dry runs, messages and reports of syncs that were kept long enough: counted, or removed some at a
time, each time with its audit entry."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, Select, delete, func, select

from store.audit import Audit
from store.pruned_files import PrunedFiles
from store.tables import message_alerts, messages, reference_runs, trials

KeptKind = Literal["trials", "messages", "reports"]


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
        ids = list(self._connection.execute(query).scalars())
        if ids:
            files = _REMOVE[kind](self._connection, ids)
            marked = self._files.mark(files)
            details = {"count": len(ids), "first": ids[0], "last": ids[-1], "files": marked}
            self._audit.add(f"pruned.{kind}", kind, details)
        return len(ids)


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


def _remove_trials(connection: Connection, ids: list[Any]) -> set[str]:
    taken = delete(trials).where(trials.c.id.in_(ids)).returning(trials.c.sha256, trials.c.receipt)
    return {one for row in connection.execute(taken) for one in row if one}


def _remove_messages(connection: Connection, ids: list[Any]) -> set[str]:
    connection.execute(delete(message_alerts).where(message_alerts.c.message_id.in_(ids)))
    connection.execute(delete(messages).where(messages.c.id.in_(ids)))
    return set()


def _remove_reports(connection: Connection, ids: list[Any]) -> set[str]:
    connection.execute(delete(reference_runs).where(reference_runs.c.number.in_(ids)))
    return set()


_SELECT: Final[dict[KeptKind, Callable[[datetime], Select[Any]]]] = {
    "trials": _select_trials,
    "messages": _select_messages,
    "reports": _select_reports,
}
_REMOVE: Final[dict[KeptKind, Callable[[Connection, list[Any]], set[str]]]] = {
    "trials": _remove_trials,
    "messages": _remove_messages,
    "reports": _remove_reports,
}
