"""Opening the store: an engine with the settings that keep what was acknowledged."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    column,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from schemas.errors import WrongUseError
from store.at_once import AtOnce
from store.failures import translated
from store.unit_of_work import UnitOfWork

# A paused attempt that holds locks must not stop the one that took over (tried with SIGSTOP).
LOCK_TIMEOUT = "30s"
IDLE_TIMEOUT = "60s"
BUSY_MILLISECONDS = 30_000
_BUSY_STEP = 20
_NO_IDLE_TIMEOUT = text("SET LOCAL idle_in_transaction_session_timeout = 0")
_IDLE_SINCE = "lrms_idle_since"
_IDLE_SECONDS = 1.0
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
# Alembic's own table, and the head of ``store/migrations``; a test holds the two together.
_VERSION_TABLE = table("alembic_version", column("version_num"))
_UNREADABLE = (
    "the database address cannot be read; accepted: postgresql://user:password@host:port/name (in"
    " the password @ is written %40 and % is %25), sqlite:///folder/name.sqlite"
)
NEWEST_MIGRATION = "0010"


class Store:
    """The database behind the gateway. Make one with :func:`open_store`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open_at_once(self, *, actor: str) -> AtOnce | None:
        """For one event loop: what is loaded there in a statement of its own. None on SQLite, which
        has no ways there and back to be saved."""
        if not self.is_postgresql:
            return None
        _, given = self._engine.dialect.create_connect_args(self._engine.url)
        return AtOnce({**given, "options": _make_options()}, actor=actor)

    @property
    def is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    @contextmanager
    def begin(self, *, actor: str, at: datetime) -> Iterator[UnitOfWork]:
        """One transaction that writes, committed at the end, undone by any exception.
        ``UnavailableError`` where the database did not answer or a lock did not come free; after
        one raised by the commit itself the caller asks what is stored instead of assuming."""
        with translated(), self._engine.begin() as connection:
            yield UnitOfWork(connection, actor=actor, at=at)

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """One transaction that sees the store as it is now, throughout; the database refuses any
        write. Results that stream are read inside it."""
        with translated(), self._begin_reading() as connection:
            yield UnitOfWork(connection, actor="reader", at=_NEVER)

    def migrate(self) -> None:
        """Bring the tables to the newest version; safe to call at any time and at once from many
        processes."""
        # Alembic takes 0.15 s to import, and most commands never need it.
        from store.migrate import migrate  # noqa: PLC0415

        with translated(), self._engine.begin() as connection:
            migrate(connection)

    def is_migrated(self) -> bool:
        """The tables are those this program was written for. WrongUseError where a newer one made
        them."""
        with translated(), self._begin_reading() as connection:
            if not inspect(connection).has_table(_VERSION_TABLE.name):
                return False
            found = connection.execute(select(_VERSION_TABLE.c.version_num)).scalar_one_or_none()
            check_version(found)
            return found == NEWEST_MIGRATION

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _begin_reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection:
            if self.is_postgresql:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            connection.execution_options(lrms_read_only=True)
            with connection.begin():
                if self.is_postgresql:
                    # It holds no locks, and who reads a long receipt page by page is not gone.
                    connection.execute(_NO_IDLE_TIMEOUT)
                yield connection


def check_version(found: str | None) -> None:
    """WrongUseError where the tables are of a newer version of the gateway than this one."""
    if found is not None and found > NEWEST_MIGRATION:
        raise WrongUseError(
            f"the database is of a newer gateway (schema {found}; this one: {NEWEST_MIGRATION}):"
            " run the newer one; there is no way back but the backup from before it"
        )


def open_store(url: str) -> Store:
    """The store at an SQLAlchemy address, ``sqlite:///file`` or ``postgresql://…``. WrongUseError
    for any other, and for a server that acknowledges what it may lose."""
    address = _read_address(url)
    if address.get_backend_name() == "sqlite":
        return Store(_make_sqlite(address))
    if address.get_backend_name() in ("postgresql", "postgres"):
        return Store(_make_postgresql(address))
    raise WrongUseError(f"no such database: {address.drivername}; accepted: sqlite, postgresql")


def _read_address(url: str) -> URL:
    """WrongUseError, which shows none of it, also where a piece of the password would be taken for
    the name of the server: that is told wherever it does not answer."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # ValueError: of a port
        raise WrongUseError(_UNREADABLE) from None
    if address.host and "@" in f"{address.host}{address.database}":
        raise WrongUseError(_UNREADABLE)
    return address


def _make_sqlite(address: URL) -> Engine:
    if not address.database or address.database == ":memory:":
        raise WrongUseError("SQLite needs a file: sqlite:///folder/name.sqlite")
    Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(address.set(drivername="sqlite+pysqlite"), hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # sqlite3 begins nothing by itself any more; the listener below does (SQLAlchemy's own
        # recipe: "Using SQLAlchemy to emit BEGIN in lieu of SQLite's transaction control").
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
        _write_ahead(connection)
        for setting in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "cache_size = -65536",  # KiB
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("lrms_read_only", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads else 'OFF'}")
        # A transaction that reads first and writes later could not be let in behind another
        # writer; one that says at once that it writes waits its turn.
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """The busy time-out does not cover the first switch of a new file to its write-ahead log: of
    four that opened one at once, one in thirty was refused (2026-11-22, SQLite 3.40)."""
    for _ in range(BUSY_MILLISECONDS // _BUSY_STEP):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_BUSY_STEP / 1000)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _ping_idle(engine: Engine) -> None:
    """A connection that was idle for a moment is asked whether it still stands before it is used,
    and made anew where not. SQLAlchemy's own ping asks each time: a quarter of a millisecond of
    every transaction (2026-11-28)."""

    @event.listens_for(engine, "checkin")
    def remember(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        since = record.info.get(_IDLE_SINCE)
        if since is None or time.monotonic() - since < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except psycopg.Error:
            raise DisconnectionError from None


def _make_options() -> str:
    return f"-c lock_timeout={LOCK_TIMEOUT} -c idle_in_transaction_session_timeout={IDLE_TIMEOUT}"


def _make_postgresql(address: URL) -> Engine:
    engine = create_engine(
        address.set(drivername="postgresql+psycopg"),
        connect_args={"options": _make_options()},
        # The loader's locking stands on each statement seeing what was committed before it.
        isolation_level="READ COMMITTED",
        hide_parameters=True,
    )
    _ping_idle(engine)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.adapters.register_loader("json", TextLoader)
        lasting = connection.execute("SHOW synchronous_commit").fetchone()[0]
        connection.rollback()
        if lasting == "off":
            connection.close()
            # Tried: 162 acknowledged rows lost when the server crashed.
            raise WrongUseError(
                "PostgreSQL runs with synchronous_commit = off and could lose what it "
                "acknowledged; set it to on"
            )

    with translated(), engine.connect():
        return engine
