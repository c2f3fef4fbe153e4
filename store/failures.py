"""What a database says when it fails, in our words: never a parameter, never a row."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy.exc

from schemas.errors import GatewayError, UnavailableError, WrongUseError

# What another try may cure. The rest of sqlite3's OperationalErrors are ours: bad SQL, no table.
_SQLITE_PASSING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_POSTGRESQL_PASSING = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    # To psycopg these are "internal". This process was paused for so long that the server ended
    # its transaction; or the server is, for now, the standby of a pair.
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,
)


class RefusedError(GatewayError):
    """The database refused what we wrote: a fault of ours, and nothing of it was stored."""


@contextmanager
def translated() -> Iterator[None]:
    """Failures of the database as errors of ours. The cause is cut off on purpose: a driver's
    text can hold the row that failed."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        raise _translate(error.orig) from None
    except sqlalchemy.exc.TimeoutError:
        raise UnavailableError("no database connection came free in time") from None
    except (psycopg.Error, sqlite3.Error) as error:
        raise _translate(error) from None


def _translate(error: BaseException | None) -> GatewayError:
    if isinstance(error, psycopg.Error):
        return _translate_postgresql(error)
    if isinstance(error, sqlite3.Error):
        return _translate_sqlite(error)
    return RefusedError(f"database: {type(error).__name__}")


def _translate_postgresql(error: psycopg.Error) -> GatewayError:
    name = type(error).__name__
    if isinstance(error, psycopg.errors.UndefinedTable):
        return _not_migrated()
    if isinstance(error, _POSTGRESQL_PASSING) and not _is_too_much(error):
        # The server's first line names locks, disks and time-outs, not rows; without a state
        # nothing was sent yet and the text is about the connection.
        text = error.diag.message_primary if error.sqlstate else str(error)
        return UnavailableError(f"PostgreSQL: {name}: {text}")
    where = ", ".join(x for x in (error.diag.table_name, error.diag.constraint_name) if x)
    return RefusedError(f"PostgreSQL refused: {name}{f' ({where})' if where else ''}")


def _is_too_much(error: psycopg.Error) -> bool:
    """A limit of the server (class 54): to psycopg operational, but the same row meets it again."""
    return (error.sqlstate or "").startswith("54")


def _translate_sqlite(error: sqlite3.Error) -> GatewayError:
    code: int = getattr(error, "sqlite_errorcode", 0)
    name: str = getattr(error, "sqlite_errorname", type(error).__name__)
    if "no such table" in str(error):
        return _not_migrated()
    if code & 0xFF in _SQLITE_PASSING:
        return UnavailableError(f"SQLite: {name}")
    if code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        # "UNIQUE constraint failed: table.column": names, no values.
        return RefusedError(f"SQLite refused: {name}: {error}")
    return RefusedError(f"SQLite refused: {name}")


def _not_migrated() -> GatewayError:
    return WrongUseError("the database lacks a table: run 'lrms-gateway migrate'")
