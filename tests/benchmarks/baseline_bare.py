"""Baseline (b): the bare path. Read a line, one model, one bulk insert; nothing else.

A line is decoded by msgspec (the fastest JSON reader in the lock), flattened to a dict, checked by
one flat pydantic model, and inserted 2,000 at a time, one transaction each: ``COPY`` straight into
the table on PostgreSQL, ``executemany`` on SQLite, with the same durability settings as the
gateway's own store. No code lists, no rules, no duplicates, no revisions, no receipt, no audit, no
alerts: what a gateway must do comes on top of this, so this is the bound it is held against.
"""

import sqlite3
import sys
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing import get_context
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
from tests.benchmarks.measuring import Job, Measured, Stopwatch, check_stored, make_plain

BATCH = 2_000
TABLE = "bare_events"
Row = tuple[Any, ...]


def measure(job: Job) -> Measured:
    """Making the tables is not timed."""
    prepare(job.url)
    watch = Stopwatch(job.url)
    with watch.running():
        count = load_together(Path(job.feed), job.url, job.workers)
    check_stored(job, TABLE, count)
    return watch.read(count)


def prepare(url: str) -> None:
    if url.startswith("sqlite"):
        connection = _open_sqlite(url)
        connection.execute(make_table_statement("sqlite", TABLE))
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(make_plain(url)) as server:
            server.execute(make_table_statement("postgresql", TABLE).encode())


def load_together(feed: Path, url: str, workers: int) -> int:
    """The number of events stored: by so many processes, a stretch of the feed each."""
    if workers == 1:
        return load(feed, url)
    cuts = find_cuts(feed, workers)
    with get_context("spawn").Pool(workers) as pool:
        return sum(pool.starmap(load, [(feed, url, *cut) for cut in pairwise(cuts)]))


def find_cuts(feed: Path, parts: int) -> list[int]:
    """Bytes at which lines begin."""
    size = feed.stat().st_size
    cuts = [0]
    with feed.open("rb") as lines:
        for part in range(1, parts):
            lines.seek(size * part // parts)
            lines.readline()
            cuts.append(lines.tell())
    return [*cuts, size]


def load(feed: Path, url: str, start: int = 0, end: int = sys.maxsize) -> int:
    """The number of events stored, of those between two bytes."""
    rows = read_rows(feed, start, end)
    return _load_sqlite(rows, url) if url.startswith("sqlite") else _load_postgresql(rows, url)


def read_rows(feed: Path, start: int = 0, end: int = sys.maxsize) -> Iterator[Row]:
    decode = msgspec.json.Decoder().decode
    with feed.open("rb") as lines:
        lines.seek(start)
        left = end - start
        for line in lines:
            if left <= 0:
                return
            left -= len(line)
            resource = decode(line)
            groups = flatten(resource)
            yield make_row(make_flat(resource, groups), groups)


def _load_postgresql(rows: Iterator[Row], url: str) -> int:
    count = 0
    statement = f"COPY {TABLE} ({', '.join(COLUMNS)}) FROM STDIN".encode()
    with psycopg.connect(make_plain(url)) as connection, connection.cursor() as cursor:
        for batch in _in_batches(rows):
            with cursor.copy(statement) as copy:
                for row in batch:
                    copy.write_row(row)
            connection.commit()
            count += len(batch)
    return count


def _load_sqlite(rows: Iterator[Row], url: str) -> int:
    count = 0
    connection = _open_sqlite(url)
    statement = f"INSERT INTO {TABLE} VALUES ({', '.join('?' * len(COLUMNS))})"
    for batch in _in_batches(rows):
        connection.executemany(statement, [_as_sqlite(row) for row in batch])
        connection.commit()
        count += len(batch)
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
