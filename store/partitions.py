"""The partitions of the event tables on PostgreSQL: a year of occurrence each. They come into being
by themselves, with the first event of their year."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, text

from store.audit import Audit
from store.bulk import get_driver, is_postgresql
from store.tables import event_search, revisions

# An event without a date; no year has this number.
UNDATED: Final = 0
# Years outside are mistakes more often than not: together they have one partition, "other".
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2099
PARTITIONED: Final = (event_search, revisions)
# Payloads stay in their rows as they are: see migration 0004.
# The years that have a partition.
FIND_YEARS: Final = (
    b"SELECT substr(relname, length('revisions_') + 1)"
    b" FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
    b" WHERE inhparent = 'revisions'::regclass"
)
_SETTINGS: Final = {revisions.name: "WITH (toast_tuple_target = 8160)"}
# How long a load waits for whoever reads "other".
PATIENCE = "2s"
_KNOWN: Final = "lrms_years"
# Any number but those of ``store.migrate``: whoever makes a partition makes it alone.
_ADVISORY_LOCK: Final = 7_265_511
# Not now, for who is in the way; or never, as the role may not. What is in "other" is moved later.
_POSTPONED: Final = (
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.InsufficientPrivilege,
)


def make_years(connection: Connection, years: Collection[int]) -> None:
    """Partitions for those of the years that should have their own and have none, before their rows
    are written. Whoever cannot make one leaves the rows to "other"."""
    if not is_postgresql(connection):
        return
    # Of this session; only what was committed goes in.
    known: set[int] = connection.info.setdefault(_KNOWN, {UNDATED})
    wanted = keep_own(years) - known
    if not wanted:
        return
    there = _find_years(connection)
    known |= there
    for year in sorted(wanted - there):
        try:
            with connection.begin_nested():
                _make_year(connection, year)
        except _POSTPONED:
            continue


class Partitions:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find_strays(self) -> dict[int, int]:
        """How many events are in "other", by year: out of bounds, or still to be moved."""
        return find_strays(self._connection)


def find_strays(connection: Connection) -> dict[int, int]:
    """Empty on SQLite, which has one table."""
    if not is_postgresql(connection):
        return {}
    rows = connection.execute(
        text(
            "SELECT year, count(*) AS events FROM event_search_other WHERE place = 1 GROUP BY year"
        )
    )
    return {row.year: row.events for row in rows}


def bring_home(connection: Connection) -> None:
    """Moves what is in "other" and should not be to partitions of its own. Where a load is making
    one just now, another time will do."""
    if not is_postgresql(connection):
        return
    try:
        with connection.begin_nested():
            _execute(connection, "LOCK TABLE event_search_other IN ACCESS SHARE MODE NOWAIT")
    except _POSTPONED:
        return
    make_years(connection, find_strays(connection).keys())


def keep_own(years: Collection[int]) -> set[int]:
    """Those of the years that should have a partition of their own."""
    return {year for year in years if FIRST_YEAR <= year <= LAST_YEAR}


def read_years(rows: Iterable[tuple[Any, ...]]) -> set[int]:
    """The answer to :data:`FIND_YEARS`."""
    return {int(name) for (name,) in rows if name.isdigit()}


def _find_years(connection: Connection) -> set[int]:
    return read_years(get_driver(connection).execute(FIND_YEARS).fetchall())


def _make_year(connection: Connection, year: int) -> None:
    """Attached rather than made in place: loads of other years go on meanwhile. They would wait
    behind us while we wait for a long read of "other", a backup say; so not for long."""
    _execute(connection, f"SET LOCAL lock_timeout = '{PATIENCE}'")
    _execute(connection, f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    if year not in _find_years(connection):
        for table in PARTITIONED:
            for statement in _list_steps(table.name, year):
                _execute(connection, statement)
    _execute(connection, "RESET lock_timeout")


def _execute(connection: Connection, statement: str) -> None:
    """Past SQLAlchemy, which would wrap the errors that are expected here."""
    get_driver(connection).execute(statement.encode())


def _list_steps(table: str, year: int) -> Iterable[str]:
    # Names of our own tables and a number.
    own, columns = f"{table}_{year}", ", ".join(_get_columns(table))
    yield f"CREATE TABLE {own} (LIKE {table} INCLUDING ALL) {_SETTINGS.get(table, '')}"
    yield (
        f"WITH strays AS (DELETE FROM {table}_other WHERE year = {year} RETURNING {columns})"  # noqa: S608
        f" INSERT INTO {own} ({columns}) SELECT {columns} FROM strays"
    )
    yield f"ALTER TABLE {table} ATTACH PARTITION {own} FOR VALUES IN ({year})"


def _get_columns(table: str) -> list[str]:
    return next(one.columns.keys() for one in PARTITIONED if one.name == table)
