"""Replaying records: the line of a record that was not loaded is taken out of the receipt, under
lock, and what becomes of it now is put in its place. All of it in one transaction, so that a replay
that is killed has done nothing, and one that is repeated finds nothing left to do."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, delete, func, insert, select, text, update

from schemas.batch import Batch
from schemas.finding import Finding
from schemas.receipt import Counts
from schemas.statuses import Disposition, Verdict
from schemas.stored import ReceiptLine
from store import bulk
from store.arrival import Position
from store.audit import Audit
from store.own_records import is_corrected
from store.receipts import Receipts, count_dispositions, read_line
from store.tables import batches, edits, findings, receipt_lines, replays, revisions

_LINES = receipt_lines.c
Steps = list[tuple[Position, bytes]]


class Taken(msgspec.Struct, frozen=True):
    """What a line said that was taken out."""

    disposition: Disposition
    findings: tuple[Finding, ...]


class Replays:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now
        self._receipts = Receipts(connection, audit, now)

    def take(self, batch: Batch, numbers: Collection[int]) -> dict[int, Taken]:
        """Takes out the lines of those records that are still open; by number. The others were
        replayed or corrected meanwhile, and stay as they are."""
        own = (_LINES.batch_number == batch.number) & _LINES.number.in_(numbers)
        locking = select(_LINES.number).where(own, _LINES.event_id.is_(None))
        self._connection.execute(locking.order_by(_LINES.number).with_for_update()).all()
        # Asked anew: what was committed while we waited for the locks is seen now.
        still = select(_LINES.number, _LINES.disposition).where(
            own, _LINES.event_id.is_(None), ~is_corrected()
        )
        rows = self._connection.execute(still).all()
        told = self._receipts.find_findings([(batch.number, row.number) for row in rows])
        chosen = [row.number for row in rows]
        for table, column in ((receipt_lines, _LINES.number), (findings, findings.c.record_number)):
            of_batch = table.c.batch_number == batch.number
            self._connection.execute(delete(table).where(of_batch, column.in_(chosen)))
        return {
            row.number: Taken(row.disposition, tuple(told[batch.number, row.number]))
            for row in rows
        }

    def add(self, batch: Batch, taken: Mapping[int, Taken], profile: str) -> dict[int, ReceiptLine]:
        """The new lines, by number; that they were replayed, and what they were, is kept."""
        lines = self._find_lines(batch.number, taken)
        attempts = self._count_attempts(batch.number, taken)
        rows = [
            {
                "batch_number": batch.number,
                "record_number": number,
                "attempt": attempts[number] + 1,
                "before": before.disposition,
                "findings": msgspec.json.encode(before.findings).decode(),
                "after": lines[number].disposition,
                "profile": profile,
                "actor": self._audit.actor,
                "replayed_at": self._now,
            }
            for number, before in taken.items()
        ]
        if rows:
            self._connection.execute(insert(replays), rows)
        self._audit.add_many(
            [
                (
                    "record.replayed",
                    batch.id,
                    {"record": row["record_number"], "was": row["before"], "is": row["after"]},
                )
                for row in rows
            ]
        )
        return lines

    def recount(
        self, batch: Batch, decide: Callable[[Counts, Sequence[Finding]], Verdict]
    ) -> Counts:
        """The counts and the verdict of a finished batch follow its lines. Locked behind the
        events, as everybody does who counts batches anew."""
        query = select(batches.c.number).where(batches.c.number == batch.number)
        self._connection.execute(query.with_for_update(key_share=True)).one()
        counts = count_dispositions(self._connection, batch.number)
        verdict = decide(counts, self._receipts.find_batch_findings(batch))
        values = msgspec.structs.asdict(counts) | {"verdict": verdict}
        changed = update(batches).where(batches.c.number == batch.number).values(values)
        self._connection.execute(changed)
        self._audit.add("batch.recounted", batch.id, values)
        return counts

    def find_steps(self, event_ids: Collection[int]) -> dict[int, Steps]:
        """Of events, the place and the content of each of their records."""
        found: defaultdict[int, Steps] = defaultdict(list)
        if not event_ids:
            return found
        of_event = revisions.c
        own = bulk.is_among(of_event.event_id, event_ids, self._connection)
        columns = (of_event.event_id, of_event.batch_number, of_event.record_number)
        for row in self._connection.execute(select(*columns, of_event.content_hash).where(own)):
            position = Position(row.batch_number, row.record_number)
            found[row.event_id].append((position, row.content_hash))
        same = and_(of_event.event_id == _LINES.event_id, of_event.number == _LINES.revision)
        unchanged = (
            select(_LINES.event_id, _LINES.batch_number, _LINES.number, of_event.content_hash)
            .join(revisions, same)
            .where(
                bulk.is_among(_LINES.event_id, event_ids, self._connection),
                # Written out, so that the planner knows it for the index's own condition.
                text("receipt_lines.disposition = 'unchanged'"),
            )
        )
        for row in self._connection.execute(unchanged):
            position = Position(row.batch_number, row.number)
            found[row.event_id].append((position, row.content_hash))
        return found

    def add_edit(
        self, batch_number: int, record_number: int, correction: Batch, *, reason: str, diff: str
    ) -> None:
        """``diff`` is content, and stands nowhere but here."""
        self._connection.execute(
            insert(edits).values(
                batch_number=batch_number,
                record_number=record_number,
                correction_batch=correction.number,
                actor=self._audit.actor,
                reason=reason,
                diff=diff,
                edited_at=self._now,
            )
        )

    def _find_lines(self, batch_number: int, numbers: Collection[int]) -> dict[int, ReceiptLine]:
        own = (_LINES.batch_number == batch_number) & _LINES.number.in_(numbers)
        rows = self._connection.execute(select(receipt_lines).where(own)).all()
        told = self._receipts.find_findings([(batch_number, row.number) for row in rows])
        return {row.number: read_line(row, tuple(told[batch_number, row.number])) for row in rows}

    def _count_attempts(self, batch_number: int, numbers: Collection[int]) -> defaultdict[int, int]:
        own = (replays.c.batch_number == batch_number) & replays.c.record_number.in_(numbers)
        query = select(replays.c.record_number, func.max(replays.c.attempt)).where(own)
        rows = self._connection.execute(query.group_by(replays.c.record_number))
        return defaultdict(int, {row[0]: row[1] for row in rows})
