"""The register of organisations (ODS)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.submission import Organisation
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import organisations

# Former names are what the sync found out, whoever loads a register by hand.
_GIVEN = tuple(name for name in Organisation.__struct_fields__ if name != "former_names")
_COLUMNS = [organisations.c[name] for name in (*_GIVEN, "former_names")]
_decode_names = msgspec.json.Decoder(tuple[str, ...]).decode


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
        return {row[0]: _read(row) for row in rows}


def put_organisations(connection: Connection, given: Iterable[Organisation]) -> None:
    """Some, in place of what stands under their codes; the entry in the audit log is the
    caller's."""
    rows = [make_row(one) for one in given]
    insert = postgresql.insert if is_postgresql(connection) else sqlite.insert
    statement = insert(organisations)
    fresh = {name: statement.excluded[name] for name in _GIVEN if name != "code"}
    connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=fresh), rows)


def make_row(one: Organisation) -> dict[str, Any]:
    """Without its former names."""
    return {name: getattr(one, name) for name in _GIVEN}


def read_organisation(row: Row[Any]) -> Organisation:
    """Of a row of the whole table."""
    return _read([*(getattr(row, name) for name in _GIVEN), row.former_names])


def _read(values: Sequence[Any]) -> Organisation:
    """In the order of the columns: a register of many thousands is read for every part."""
    *given, former = values
    return Organisation(*given, *([_decode_names(former)] if former else []))
