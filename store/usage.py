"""What sources used, minute by minute, of all processes together: for their limits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.identity import Usage
from store.audit import Audit
from store.bulk import is_postgresql
from store.pruning import prune
from store.tables import usage

_COUNTS = ("requests", "records", "bytes", "refused")
_FIELDS = ("source_id", "window", *_COUNTS)


class UsageCounts:
    """Counts, no facts about events: the audit log has an entry for each refused attempt, and none
    for a number that went up."""

    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def add(self, counted: Sequence[Usage]) -> list[Usage]:
        """Adds what one process counted; gives the totals of all. One entry a source and window."""
        if not counted:
            return []
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        # In one order, so that two processes cannot lock two rows crosswise.
        ordered = sorted(counted, key=lambda one: (one.source_id, one.window))
        statement = insert(usage).values([_as_row(one) for one in ordered])
        added = statement.on_conflict_do_update(
            index_elements=["source_id", "window"],
            set_={name: usage.c[name] + statement.excluded[name] for name in _COUNTS},
        ).returning(*(usage.c[name] for name in _FIELDS))
        return [Usage(**row) for row in self._connection.execute(added).mappings()]

    def find(self, source_id: str, since: int) -> list[Usage]:
        """Of windows that began at ``since`` or later, oldest first."""
        query = (
            select(*(usage.c[name] for name in _FIELDS))
            .where(usage.c.source_id == source_id, usage.c.window >= since)
            .order_by(usage.c.window)
        )
        return [Usage(**row) for row in self._connection.execute(query).mappings()]

    def prune(self, before: int) -> None:
        prune(self._connection, usage, usage.c.window < before)


def _as_row(one: Usage) -> dict[str, str | int]:
    return {name: getattr(one, name) for name in _FIELDS}
