"""Writes the rows of one load, a table in one go each."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Table, delete, update
from sqlalchemy.dialects import sqlite

from store import bulk, few_rows, rows
from store.audit import Audit
from store.changing import update_rows
from store.gathering import Gathering
from store.partitions import make_years
from store.tables import alerts, event_search, events, revisions

CURRENT = ("revision", "content_hash", "seen_batch", "seen_record", "first_batch", "year")


class Writing(Gathering):
    """Rows to be, and then written."""

    def __init__(
        self, connection: Connection, audit: Audit, now: datetime, *, batch_id: str | None = None
    ) -> None:
        super().__init__(audit.actor, now, batch_id=batch_id)
        self._connection = connection

    def write(self, more: Sequence[few_rows.Given] = ()) -> None:
        """``more``: rows of other tables that go with these."""
        connection = self._connection
        self._delete(revisions, self._rewritten)
        self._delete(event_search, self._replaced)
        update_rows(connection, events, ("id",), (*CURRENT, "updated_at"), self._events)
        make_years(connection, {rows.get_year([row]) for row in self._search})
        update_rows(connection, revisions, ("event_id",), ("year",), self._moved)
        self._write_seen()
        few_rows.insert_together(connection, [*self.list_new(), *more])
        self._write_late_alerts()

    def _write_seen(self) -> None:
        """One statement a batch: a feed sent again whole is nothing but this and its receipt
        lines."""
        for batch_number, pairs in self._seen.items():
            newest = bulk.make_pairs(pairs, self._connection)
            self._connection.execute(
                update(events)
                .where(events.c.id == newest.c.key)
                .values(seen_batch=batch_number, seen_record=newest.c.value)
            )

    def _write_late_alerts(self) -> None:
        if not self._late_alerts:
            return
        given = list(self._late_alerts.values())
        if bulk.is_postgresql(self._connection):
            few_rows.insert_new(self._connection, (alerts, alerts.columns.keys(), given), ())
            return
        named = [dict(zip(alerts.columns.keys(), row, strict=True)) for row in given]
        self._connection.execute(sqlite.insert(alerts).on_conflict_do_nothing(), named)

    def _delete(self, table: Table, event_ids: list[int]) -> None:
        if event_ids:
            chosen = bulk.is_among(table.c.event_id, event_ids, self._connection)
            self._connection.execute(delete(table).where(chosen))
