"""Databases to measure on: a PostgreSQL server from a wheel, with its own defaults (so fsync and
synchronous_commit are on) unless told otherwise, and SQLite files; a fresh one for each run."""

import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks.measuring import make_plain
from tests.lib.databases import load_pgserver

_TICKS = os.sysconf("SC_CLK_TCK")


class Databases:
    """Addresses of empty databases, in a folder that goes away with everything in it. ``given``:
    settings of PostgreSQL that are not to be its defaults."""

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self.folder = folder
        self._numbers = itertools.count(1)
        server = load_pgserver(folder)
        self._server = server.get_server(folder / "postgresql", cleanup_mode="delete")
        if given:
            self._set(given)
        with psycopg.connect(self._server.get_uri()) as connection:
            found = connection.execute("SHOW server_version").fetchone()
        self.version = str(found[0]) if found else "unknown"

    def _set(self, given: Mapping[str, str]) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            for name, value in given.items():
                connection.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        # Most of what matters is read at its start only.
        self._server.stop()
        self._server.ensure_postgres_running()
        with psycopg.connect(self._server.get_uri()) as connection:
            waiting = connection.execute(
                "SELECT name FROM pg_settings WHERE pending_restart"
            ).fetchall()
        if waiting:
            raise ValueError(f"PostgreSQL did not take {waiting}")

    def make_postgresql(self) -> str:
        name = f"bench_{next(self._numbers)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(self._server.get_uri(database=name))

    def drop(self, url: str) -> None:
        name = url.split("?", maxsplit=1)[0].rpartition("/")[2]
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
            connection.execute("CHECKPOINT")

    def checkpoint(self, url: str) -> None:
        """What a load left to be written later is written now."""
        with psycopg.connect(make_plain(url), autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def analyze(self, url: str) -> None:
        """As the server would by itself within minutes."""
        with psycopg.connect(make_plain(url), autocommit=True) as connection:
            connection.execute("ANALYZE")

    def make_sqlite(self, home: Path) -> str:
        return f"sqlite:///{home / 'bench.sqlite'}"

    def read_cpu(self) -> float:
        """Seconds the server's processes have used, those already gone included."""
        leader = self._server.get_pid()
        total = sum(_read_times(leader))
        for process in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = process.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == leader:
                total += int(fields[11]) + int(fields[12])
        return total / _TICKS

    def close(self) -> None:
        self._server.cleanup()


@contextmanager
def open_databases(given: Mapping[str, str] | None = None) -> Iterator[Databases]:
    with tempfile.TemporaryDirectory(prefix="lrms-bench-") as folder:
        databases = Databases(Path(folder), given or {})
        try:
            yield databases
        finally:
            databases.close()


def read_process_cpu(pid: int) -> float:
    """Seconds a process has used, those of its children that have ended included."""
    return sum(_read_times(pid)) / _TICKS


def _read_times(pid: int) -> tuple[int, int, int, int]:
    """User and system ticks of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]), int(fields[12]), int(fields[13]), int(fields[14])
