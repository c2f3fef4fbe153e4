"""The audit log: who did what to what, in the transaction that did it. Insert only."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert

from store.bulk import insert_rows
from store.few_rows import Given
from store.tables import audit

# Action, subject and details.
Entry = tuple[str, str, Mapping[str, Any] | None]
COLUMNS = ("at", "actor", "action", "subject", "details")


class Audit:
    """Writes the entries of one unit of work. ``details`` hold ids and counts, never content."""

    def __init__(self, connection: Connection, *, actor: str, at: datetime) -> None:
        self._connection = connection
        self._actor = actor
        self._at = at

    @property
    def actor(self) -> str:
        return self._actor

    def add(self, action: str, subject: str, details: Mapping[str, Any] | None = None) -> None:
        self._connection.execute(
            insert(audit).values(
                at=self._at,
                actor=self._actor,
                action=action,
                subject=subject,
                details=_encode(details),
            )
        )

    def add_many(self, entries: Sequence[Entry]) -> None:
        """In order, in one go."""
        table, names, rows = make_entries(entries, self._actor, self._at)
        insert_rows(self._connection, table, rows, names)


def make_entries(entries: Sequence[Entry], actor: str, at: datetime) -> Given:
    """The rows of entries, in order: for whoever inserts them together with other rows."""
    rows = [(at, actor, action, subject, _encode(details)) for action, subject, details in entries]
    return audit, COLUMNS, rows


def _encode(details: Mapping[str, Any] | None) -> str | None:
    return None if details is None else msgspec.json.encode(details).decode()
