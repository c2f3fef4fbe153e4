"""The register of organisations (ODS)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.submission import Organisation
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import organisations

_FIELDS = Organisation.__struct_fields__
_COLUMNS = [organisations.c[name] for name in _FIELDS]


class Organisations:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def add_many(self, given: Iterable[Organisation]) -> int:
        """Add organisations, or replace what stands under their codes; gives how many."""
        loaded = list(given)
        if not loaded:
            return 0
        put_organisations(self._connection, loaded)
        subject = loaded[0].code if len(loaded) == 1 else "register"
        self._audit.add("organisations.loaded", subject, {"organisations": len(loaded)})
        return len(loaded)

    def find(self, code: str) -> Organisation | None:
        query = select(*_COLUMNS).where(organisations.c.code == code)
        row = self._connection.execute(query).one_or_none()
        return _read(row) if row else None

    def get_register(self) -> dict[str, Organisation]:
        """Every organisation, by code."""
        rows = self._connection.execute(select(*_COLUMNS))
        return {row.code: _read(row) for row in rows}


def put_organisations(connection: Connection, given: Iterable[Organisation]) -> None:
    """Some, in place of what stands under their codes; the entry in the audit log is the
    caller's."""
    rows = [{name: getattr(one, name) for name in _FIELDS} for one in given]
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(organisations)
    fresh = {name: statement.excluded[name] for name in _FIELDS if name != "code"}
    connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh), rows)


def _read(row: Sequence[Any]) -> Organisation:
    return Organisation(*row)
