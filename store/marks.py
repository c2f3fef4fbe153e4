"""Marks: which events were recorded outside the national service, by whom and how. What a mark says
stands with the event as it is loaded; that it is marked, with its batch (the view ``marks``)."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from store.audit import Audit
from store.bulk import is_among
from store.tables import batches, marks, receipt_lines


class Marks:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def mark_batches(self) -> int:
        """Mark the events that finished batches created or revised; gives the number of events,
        batch by batch."""
        waiting = (
            select(batches.c.number, batches.c.id)
            .where(batches.c.state == "finished", batches.c.marked_at.is_(None))
            .order_by(batches.c.number)
            # Two markers at once: each takes the batches that the other has not.
            .with_for_update(skip_locked=True, key_share=True)
        )
        taken = {row.number: row.id for row in self._connection.execute(waiting)}
        if not taken:
            return 0
        chosen = is_among(batches.c.number, taken, self._connection)
        self._connection.execute(update(batches).where(chosen).values(marked_at=self._now))
        counts = self._count_events(taken)
        self._audit.add_many(
            [
                ("batch.marked", batch_id, {"events": counts.get(number, 0)})
                for number, batch_id in taken.items()
            ]
        )
        return sum(counts.values())

    def count(self) -> tuple[int, int]:
        """Events marked, and those of them that another organisation recorded."""
        elsewhere = func.count().filter(marks.c.recorded_elsewhere)
        found = self._connection.execute(select(func.count(), elsewhere).select_from(marks)).one()
        return found[0], found[1]

    def _count_events(self, batch_numbers: Collection[int]) -> dict[int, int]:
        lines = receipt_lines.c
        query = (
            select(lines.batch_number, func.count(lines.event_id.distinct()))
            .where(
                is_among(lines.batch_number, batch_numbers, self._connection),
                lines.disposition.in_(("created", "revised")),
            )
            .group_by(lines.batch_number)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}
