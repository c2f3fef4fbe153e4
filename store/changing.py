"""Rows that are there and change, many at once: one statement on PostgreSQL, as JSON in a
parameter; executemany on SQLite."""

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import Connection, Table

from store import bulk, few_rows


def update_rows(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Sequence[bulk.Row],
) -> None:
    """Set ``columns`` of the rows named by ``keys``; each row holds the keys first."""
    if not rows:
        return
    if bulk.is_postgresql(connection):
        statement = _make_update(table, tuple(keys), tuple(columns))
        given = few_rows.encode_rows((*keys, *columns), rows)
        with bulk.get_driver(connection).cursor() as cursor:
            cursor.execute(statement, [given])
        return
    assignments = ", ".join(f'"{name}" = ?' for name in columns)
    condition = " AND ".join(f'"{name}" = ?' for name in keys)
    turned = [row[len(keys) :] + row[: len(keys)] for row in rows]
    connection.exec_driver_sql(
        f"UPDATE {table.name} SET {assignments} WHERE {condition}",  # noqa: S608
        bulk.as_sqlite(table, (*columns, *keys), turned),
    )


@lru_cache(maxsize=64)
def _make_update(table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> bytes:
    # The names are our tables' own, never input.
    names = (*keys, *columns)
    read, named = few_rows.read_given(table, names), ", ".join(f'"{name}"' for name in names)
    assignments = ", ".join(f'"{name}" = given."{name}"' for name in columns)
    condition = " AND ".join(f'{table.name}."{name}" = given."{name}"' for name in keys)
    return (
        f"UPDATE {table.name} SET {assignments}"  # noqa: S608
        f" FROM ({read}) AS given({named})"
        f" WHERE {condition}"
    ).encode()
