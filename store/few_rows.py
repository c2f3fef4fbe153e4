"""A few rows on PostgreSQL, where each round trip costs more than each row: as JSON in a parameter
for each table, and in one statement however many tables. ``store.bulk`` copies where there are
many, and writes on SQLite, which has no round trips."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Dialect, LargeBinary, String, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from store import bulk
from store.types import JsonText

# A table, the names of columns, and rows in their order.
Given = tuple[Table, Sequence[str], Sequence[bulk.Row]]
_Shape = tuple[Table, tuple[str, ...]]

# Beyond these copying is as fast, and knows no limits.
MOST_ROWS: Final = 1_000
MOST_BYTES: Final = 8 * 2**20
# Columns of other tables that hold a batch's number.
_NUMBERS: Final = frozenset({"batch_number", "seen_batch", "first_batch"})
_PLACE: Final = "place"
_DIALECT: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]
_INTEGER: Final = ("integer", "{}")
_encode: Final = msgspec.json.Encoder().encode


def insert_together(connection: Connection, given: Sequence[Given]) -> None:
    """Inserts rows of several tables. A row that is there already is an error."""
    count = sum(len(rows) for _, _, rows in given)
    if count and count <= MOST_ROWS and bulk.is_postgresql(connection):
        encoded = [encode_rows(names, rows) for _, names, rows in given]
        if sum(map(len, encoded)) <= MOST_BYTES:
            statement = _make_together(tuple((table, tuple(names)) for table, names, _ in given))
            with bulk.get_driver(connection).cursor() as cursor:
                cursor.execute(statement, encoded)
            return
    for table, names, rows in given:
        bulk.insert_rows(connection, table, rows, names)


def insert_new(
    connection: Connection, given: Given, returning: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Inserts those rows that are not there, one after the other as given; of each that is new the
    columns ``returning``, where any are asked for. PostgreSQL only."""
    table, names, rows = given
    statement = _make_new(table, tuple(names), tuple(returning))
    with bulk.get_driver(connection).cursor() as cursor:
        cursor.execute(statement, [encode_rows(names, rows)])
        return cursor.fetchall() if returning else []


def make_numbered(
    owner: Given, holder: Given, given: Sequence[Given]
) -> tuple[bytes, list[str]] | None:
    """A statement, with its parameters, that inserts rows of ``owner`` under numbers which the
    database draws, and rows of other tables that belong to them: those of ``holder``, which others
    may be waiting for, before all of ``given``. The first column of ``owner`` is the row's place,
    which stands for its number in the columns of the others that :data:`_NUMBERS` names. Its rows:
    place and number. PostgreSQL only.

    None where they are more than are sent so. A row that is there already is an error, and then
    none is stored."""
    every = [owner, holder, *(one for one in given if one[2])]
    if sum(len(rows) for _, _, rows in every) > MOST_ROWS:
        return None
    encoded = [encode_rows(names, rows) for _, names, rows in every]
    if sum(map(len, encoded)) > MOST_BYTES:
        return None
    return _make_numbered(tuple((table, tuple(names)) for table, names, _ in every)), encoded


def encode_rows(names: Sequence[str], rows: Sequence[bulk.Row]) -> str:
    """As a parameter of :func:`read_given`."""
    return _encode([dict(zip(names, row, strict=True)) for row in rows]).decode()


@lru_cache(maxsize=64)
def _make_together(shapes: tuple[_Shape, ...]) -> bytes:
    """PostgreSQL carries out every part of a WITH, whether or not it is asked for."""
    *parts, last = [_make_insert(*shape) for shape in shapes]
    named = ", ".join(f"part_{number} AS ({part})" for number, part in enumerate(parts))
    return f"WITH {named} {last}".encode() if parts else last.encode()


@lru_cache(maxsize=64)
def _make_new(table: Table, names: tuple[str, ...], returning: tuple[str, ...]) -> bytes:
    told = ", ".join(f'"{name}"' for name in returning)
    asked = f" RETURNING {told}" if told else ""
    return f"{_make_insert(table, names)} ON CONFLICT DO NOTHING{asked}".encode()


@lru_cache(maxsize=64)
def _make_numbered(shapes: tuple[_Shape, ...]) -> bytes:
    """PostgreSQL sees to the order only where one part reads the other: "filled" reads the numbers,
    "gate" waits for all of "filled", and the rest reads "gate"."""
    (owner, (place, *columns)), holder, *others = shapes
    names = ", ".join(f'"{name}"' for name in columns)
    parts = [
        f'given("{place}", {names}) AS MATERIALIZED ({read_given(owner, (place, *columns))})',
        (
            f"numbered AS (INSERT INTO {owner.name} ({names})"  # noqa: S608
            f" SELECT {names} FROM given ORDER BY id RETURNING id, number)"
        ),
        (
            "made AS MATERIALIZED (SELECT given.place, numbered.number"
            " FROM numbered JOIN given USING (id))"
        ),
        f"filled AS ({_make_filled(*holder, 'made')} RETURNING 1)",
        (
            "gate AS MATERIALIZED (SELECT place, number FROM made,"
            " (SELECT count(*) FROM filled) AS counted)"
        ),
        *(f"part_{at} AS ({_make_filled(*one, 'gate')})" for at, one in enumerate(others)),
    ]
    # The names are our tables' own, never input.
    return f"WITH {', '.join(parts)} SELECT place, number FROM gate".encode()  # noqa: S608


def _make_filled(table: Table, names: tuple[str, ...], source: str) -> str:
    """Rows whose numbers ``source`` tells, by their places. In one order, whoever writes: so nobody
    waits in a ring."""
    columns = ", ".join(f'"{name}"' for name in names)
    numbers = [name for name in names if name in _NUMBERS]
    values = ", ".join(
        f"{source}.number" if name in numbers else f'read."{name}"' for name in names
    )
    keys = ", ".join(f'read."{one.name}"' for one in table.primary_key if one.name in names)
    # Where no row has a number they wait all the same.
    numbered = (
        f' JOIN {source} ON {source}.place = read."{numbers[0]}"'
        if numbers
        else f" WHERE EXISTS (SELECT FROM {source})"
    )
    return (
        f"INSERT INTO {table.name} ({columns}) SELECT {values}"  # noqa: S608
        f" FROM ({read_given(table, names)}) AS read({columns}){numbered}"
        + (f" ORDER BY {keys}" if keys else "")
    )


def _make_insert(table: Table, names: tuple[str, ...]) -> str:
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table.name} ({columns}) {read_given(table, names)}"


def read_given(table: Table, names: Sequence[str]) -> str:
    """A query of the rows in a parameter, as the table has them."""
    # The names are our tables' own, never input.
    kinds = {
        name: _INTEGER
        if name == _PLACE and name not in table.columns
        else _find_kind(table.columns[name].type)
        for name in names
    }
    declared = ", ".join(f'"{name}" {kind}' for name, (kind, _) in kinds.items())
    values = ", ".join(value.format(f'"{name}"') for name, (_, value) in kinds.items())
    return f"SELECT {values} FROM json_to_recordset(%s::json) AS read({declared})"  # noqa: S608


def _find_kind(kind: TypeEngine[Any]) -> tuple[str, str]:
    """As what a column is read out of JSON, and how that becomes its value."""
    if isinstance(kind, LargeBinary):
        return "text", "decode({}, 'base64')"
    if isinstance(kind, JsonText):
        return "text", "{}::json"
    if isinstance(kind, String):
        # Its length is checked when it is stored; read as varchar(n) it would be cut.
        return "text", "{}"
    return kind.compile(dialect=_DIALECT), "{}"
