"""Many rows at once, on the fastest way each database has: COPY and executemany."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, cast

import msgspec
import psycopg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Table,
    any_,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.types import TypeEngine

from store.copy_text import encode_rows
from store.types import UtcDateTime

Row = tuple[Any, ...]


def is_postgresql(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], columns: Sequence[str] | None = None
) -> None:
    """Insert ``rows``, values in the order of ``columns`` (default: all, in table order). A row
    that is there already is an error."""
    if not rows:
        return
    names = tuple(columns or table.columns.keys())
    if is_postgresql(connection):
        # The names are our tables' own, never input.
        command = f"COPY {table.name} ({_quoted(names)}) FROM STDIN".encode()
        with get_driver(connection).cursor() as cursor, cursor.copy(command) as copy:
            copy.write(encode_rows(table, names, rows))
    else:
        marks = ", ".join("?" * len(names))
        statement = f"INSERT INTO {table.name} ({_quoted(names)}) VALUES ({marks})"  # noqa: S608
        connection.exec_driver_sql(statement, as_sqlite(table, names, rows))


def is_among(
    target: ColumnElement[int], ids: Iterable[int], connection: Connection
) -> ColumnElement[bool]:
    """``target`` is one of ``ids``: one parameter however many, so that the statement stays the
    same and no limit on parameters is met."""
    if is_postgresql(connection):
        return target == any_(literal(list(ids), ARRAY(BigInteger)))
    listed = func.json_each(msgspec.json.encode(list(ids)).decode()).table_valued(column("value"))
    return target.in_(select(listed.c.value))


def make_pairs(pairs: Sequence[tuple[int, int]], connection: Connection) -> FromClause:
    """Pairs of numbers as a table of ``key`` and ``value``, in one parameter or two."""
    return make_rows(pairs, {"key": BigInteger(), "value": BigInteger()}, connection)


def make_rows(
    rows: Sequence[Row], kinds: Mapping[str, TypeEngine[Any]], connection: Connection
) -> FromClause:
    """Rows of numbers and texts as a table with these columns: a parameter a column (SQLite: one)
    however many the rows, so that the statement stays the same."""
    if is_postgresql(connection):
        columns = zip(*rows, strict=True)
        arrays = [
            literal(list(values), ARRAY(kind))
            for values, kind in zip(columns, kinds.values(), strict=True)
        ]
        return func.unnest(*arrays).table_valued(*kinds).render_derived("given")
    listed = func.json_each(msgspec.json.encode(rows).decode()).table_valued(column("value"))
    cells = (
        func.json_extract(listed.c.value, f"$[{at}]", type_=kind).label(name)
        for at, (name, kind) in enumerate(kinds.items())
    )
    return select(*cells).subquery("given")


def get_driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def as_sqlite(table: Table, names: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    """Dates and instants as SQLAlchemy keeps them in SQLite; the rest goes as it is."""
    converted: list[tuple[int, Callable[[Any], str]]] = []
    for place, name in enumerate(names):
        kind = table.columns[name].type
        if isinstance(kind, UtcDateTime):
            converted.append((place, _instant_text))
        elif isinstance(kind, Date):
            converted.append((place, date.isoformat))
    if not converted:
        return list(rows)
    result = []
    for row in rows:
        values = list(row)
        for place, convert in converted:
            if values[place] is not None:
                values[place] = convert(values[place])
        result.append(tuple(values))
    return result


@lru_cache(maxsize=64)  # the rows of one load share their instant
def _instant_text(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
