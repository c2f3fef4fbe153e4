"""What operators set to be expected of sources."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.alarm import Expected
from schemas.errors import UnknownError
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import expected, sources

_COLUMNS = [expected.c[name] for name in Expected.__struct_fields__]


class ExpectedOfSources:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def set(self, source_id: str, changed: dict[str, Any]) -> Expected:
        """With these fields changed, the others as they are. UnknownError for an unknown
        source."""
        known = select(sources.c.id).where(sources.c.id == source_id)
        if self._connection.execute(known).one_or_none() is None:
            raise UnknownError(f"no such source: {source_id}")
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        values = {**changed, "set_at": self._now}
        self._connection.execute(
            into(expected)
            .values(source_id=source_id, **values)
            .on_conflict_do_update(index_elements=["source_id"], set_=values)
        )
        self._audit.add("source.expected", source_id, changed)
        return self.find_all()[source_id]

    def forget(self, source_id: str) -> bool:
        """All of it is learned again; False where nothing was set."""
        gone = self._connection.execute(
            delete(expected).where(expected.c.source_id == source_id)
        ).rowcount
        if gone:
            self._audit.add("source.expected", source_id, {"forgotten": True})
        return bool(gone)

    def find_all(self) -> dict[str, Expected]:
        """By source; of those that something was set for."""
        rows = self._connection.execute(select(*_COLUMNS)).mappings()
        return {row["source_id"]: Expected(**row) for row in rows}
