"""Pruning what was kept long enough, some batches at a time: in each transaction what is deleted,
what is remembered of it, and the audit entry that says so. Events are never touched."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    cast,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from schemas.batch import Batch
from schemas.retention import Aged, Prunable, Pruned, Pruning
from store.audit import Audit
from store.edited import empty_edits, has_diff
from store.pruned_files import PrunedFiles, is_pruned
from store.tables import (
    alerts,
    batch_prunings,
    batches,
    bodies,
    edits,
    findings,
    parts,
    replays,
)

_decode_counts = msgspec.json.Decoder(dict[str, int]).decode
_Chosen = Sequence[Row[Any]]


class _Taken(msgspec.Struct, frozen=True):
    """``counts``: what was there, by batch number. ``files``: perhaps needed no more. ``copies``:
    rows that held it a second time, and are empty of it now."""

    counts: dict[int, dict[str, int]]
    files: frozenset[str] = frozenset()
    copies: dict[str, int] = {}


class Retention:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now
        self._files = PrunedFiles(connection, audit, now)

    def find_prunings(self, batch_number: int) -> list[Pruning]:
        """What of a batch was pruned, and when."""
        query = (
            select(batch_prunings)
            .where(batch_prunings.c.batch_number == batch_number)
            .order_by(batch_prunings.c.what)
        )
        return [
            Pruning(row.what, row.at, _decode_counts(row.details))
            for row in self._connection.execute(query)
        ]

    def count(self, what: Prunable, aged: Aged) -> int:
        """How many batches pruning would be about."""
        chosen = _select(what, aged).subquery()
        return self._connection.execute(select(func.count()).select_from(chosen)).scalar_one()

    def count_edits(self, aged: Aged) -> int:
        """How many edits would lose what they changed, with the bytes of their batch."""
        chosen = _select("bytes", aged).subquery()
        query = (
            select(func.count())
            .select_from(edits)
            .join(chosen, chosen.c.number == edits.c.batch_number)
        )
        return self._connection.execute(query.where(has_diff())).scalar_one()

    def prune(self, what: Prunable, aged: Aged, limit: int, after: int = 0) -> Pruned:
        """At most ``limit`` batches, in order of arrival and behind the batch with the number
        ``after``. A batch's raw file is marked, and deleted later (``store.pruned_files``)."""
        # From a place on: looking past all that were pruned before, each time anew, would take
        # hours of a million. Locked, so that of two that prune at once each takes others.
        query = _select(what, aged).where(batches.c.number > after).limit(limit)
        locked = query.with_for_update(skip_locked=True, key_share=True, of=batches)
        chosen = self._connection.execute(locked).all()
        taken = _Taken({})
        if chosen:
            taken = _TAKE[what](self._connection, chosen)
            # First, so that these batches are no reason to keep the files.
            self._remember(what, chosen, taken)
            marked = self._files.mark(taken.files)
            self._tell(what, chosen, taken, marked)
        place = chosen[-1].number if len(chosen) == limit else None
        return Pruned(len(chosen), taken.copies.get("edits", 0), place)

    def restore(self, batch: Batch, what: Prunable) -> None:
        """It is there again (the same bytes were sent again, somebody looked into what was packed
        in it), and is kept until it is pruned anew."""
        own = (batch_prunings.c.batch_number == batch.number) & (batch_prunings.c.what == what)
        if self._connection.execute(delete(batch_prunings).where(own)).rowcount:
            self._audit.add("batch.kept_again", batch.id, {"what": what})

    def _remember(self, what: Prunable, chosen: _Chosen, taken: _Taken) -> None:
        rows = [
            {
                "batch_number": row.number,
                "what": what,
                "at": self._now,
                "details": msgspec.json.encode(taken.counts.get(row.number, {})).decode(),
            }
            for row in chosen
        ]
        self._connection.execute(insert(batch_prunings), rows)

    def _tell(self, what: Prunable, chosen: _Chosen, taken: _Taken, marked: int) -> None:
        total: Counter[str] = Counter(taken.copies)
        for counts in taken.counts.values():
            total.update(counts)
        details = {"batches": [row.id for row in chosen], "files": marked, "counts": total}
        self._audit.add(f"pruned.{what}", "batches", details)


def _take_bytes(connection: Connection, chosen: _Chosen) -> _Taken:
    numbers = [row.number for row in chosen]
    taken = delete(bodies).where(bodies.c.batch_number.in_(numbers))
    requests = set(connection.execute(taken.returning(bodies.c.batch_number)).scalars())
    return _Taken(
        {row.number: {"requests" if row.number in requests else "feeds": 1} for row in chosen},
        frozenset(row.sha256 for row in chosen if row.number not in requests),
        _count_copies("edits", empty_edits(connection, edits.c.batch_number.in_(numbers))),
    )


def _take_unpacked(connection: Connection, chosen: _Chosen) -> _Taken:
    numbers = [row.number for row in chosen]
    query = select(parts.c.batch_number, parts.c.content).distinct()
    held = connection.execute(
        query.where(parts.c.batch_number.in_(numbers), parts.c.content != "")
    ).all()
    counts = Counter(row.batch_number for row in held)
    return _Taken(
        {number: {"unpacked": count} for number, count in counts.items()},
        frozenset(row.content for row in held),
    )


def _take_findings(connection: Connection, chosen: _Chosen) -> _Taken:
    """Those on single records: what is said of a batch as a whole also says what to do next. With
    those that a replay took out of the receipt."""
    numbers = [row.number for row in chosen]
    own = findings.c.batch_number.in_(numbers) & (findings.c.record_number > 0)
    query = (
        select(findings.c.batch_number, findings.c.code, func.count().label("times"))
        .where(own)
        .group_by(findings.c.batch_number, findings.c.code)
        .order_by(findings.c.batch_number, findings.c.code)
    )
    counts: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for row in connection.execute(query):
        counts[row.batch_number][row.code] = row.times
    connection.execute(delete(findings).where(own))
    replayed = replays.c.batch_number.in_(numbers) & _TOLD_BEFORE
    emptied = connection.execute(update(replays).where(replayed).values(findings=_NONE)).rowcount
    return _Taken(dict(counts), copies=_count_copies("replays", emptied))


def _count_copies(what: str, count: int) -> dict[str, int]:
    return {what: count} if count else {}


# As text: PostgreSQL compares no JSON.
_NONE: Final = "[]"
_TOLD_BEFORE: Final = cast(replays.c.findings, Text) != _NONE
_TAKE: Final[dict[Prunable, Callable[[Connection, _Chosen], _Taken]]] = {
    "bytes": _take_bytes,
    "unpacked": _take_unpacked,
    "findings": _take_findings,
}


def _select(what: Prunable, aged: Aged) -> Select[Any]:
    """Batches that are settled in every way: finished, marked, nobody waits to be told of them,
    nothing of them is ours to load yet."""
    columns = batches.c
    waiting = select(alerts.c.batch_number).where(alerts.c.announced_at.is_(None))
    rejected_too = columns.rejected == 0
    if aged.rejected_before is not None:
        rejected_too = or_(rejected_too, columns.finished_at < aged.rejected_before)
    return (
        select(columns.number, columns.id, columns.sha256)
        .where(
            columns.state == "finished",
            columns.finished_at < aged.before,
            columns.marked_at.is_not(None),
            columns.quarantined == 0,
            rejected_too,
            columns.number.not_in(waiting),
            ~is_pruned(what, columns.number),
            *_HAS.get(what, ()),
        )
        .order_by(columns.number)
    )


_HAS: Final[dict[Prunable, tuple[ColumnElement[bool], ...]]] = {
    "unpacked": (exists().where(parts.c.batch_number == batches.c.number, parts.c.content != ""),),
    "findings": (
        or_(
            exists().where(
                findings.c.batch_number == batches.c.number, findings.c.record_number > 0
            ),
            exists().where(replays.c.batch_number == batches.c.number, _TOLD_BEFORE),
        ),
    ),
}
