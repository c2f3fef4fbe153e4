"""Baseline (b): the bare path. Read a line, one model, one bulk insert; nothing else.

A line is decoded by msgspec (the fastest JSON reader in the lock), flattened to a dict, checked by
one flat pydantic model, and inserted 2,000 at a time, one transaction each: ``COPY`` straight into
the table on PostgreSQL, ``executemany`` on SQLite, with the same durability settings as the
gateway's own store. No code lists, no rules, no duplicates, no revisions, no receipt, no audit, no
alerts: what a gateway must do comes on top of this, so this is the bound it is held against.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from sqlalchemy import make_url

from tests.benchmarks.flat_event import (
    COLUMNS,
    flatten,
    make_flat,
    make_row,
    make_table_statement,
)
from tests.benchmarks.measuring import Job, Measured, Stopwatch

BATCH = 2_000
TABLE = "bare_events"
Row = tuple[Any, ...]


def measure(job: Job) -> Measured:
    """Making the tables is not timed."""
    prepare(job.url)
    watch = Stopwatch()
    with watch.running():
        count = load(Path(job.feed), job.url)
    return watch.read(count)


def prepare(url: str) -> None:
    if url.startswith("sqlite"):
        connection = _open_sqlite(url)
        connection.execute(make_table_statement("sqlite", TABLE))
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(_plain(url)) as server:
            server.execute(make_table_statement("postgresql", TABLE).encode())


def load(feed: Path, url: str) -> int:
    """The number of events stored."""
    return _load_sqlite(feed, url) if url.startswith("sqlite") else _load_postgresql(feed, url)


def read_rows(feed: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    with feed.open("rb") as lines:
        for line in lines:
            resource = decode(line)
            groups = flatten(resource)
            yield make_row(make_flat(resource, groups), groups)


def _load_postgresql(feed: Path, url: str) -> int:
    count = 0
    statement = f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN".encode()
    with psycopg.connect(_plain(url)) as connection, connection.cursor() as cursor:
        for rows in _in_batches(read_rows(feed)):
            with cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
            connection.commit()
            count += len(rows)
    return count


def _load_sqlite(feed: Path, url: str) -> int:
    count = 0
    connection = _open_sqlite(url)
    statement = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(COLUMNS))})"
    for rows in _in_batches(read_rows(feed)):
        connection.executemany(statement, [_as_sqlite(row) for row in rows])
        connection.commit()
        count += len(rows)
    connection.close()
    return count


def _as_sqlite(row: Row) -> Row:
    day = row[3]
    return (*row[:3], day.isoformat() if day else None, *row[4:])


def _in_batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _open_sqlite(url: str) -> sqlite3.Connection:
    connection = sqlite3.connect(make_url(url).database or "")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def _plain(url: str) -> str:
    """As libpq reads it, without SQLAlchemy's name of the driver."""
    return url.replace("postgresql+psycopg://", "postgresql://")
