"""Baseline (c): dlt's Arrow path, given what is already validated.

The events are read, flattened and checked as the bare path does it, made into Arrow tables and laid
on disk as Parquet, all before the clock starts. What is timed is dlt alone: extract, normalise and
load into PostgreSQL, append only: no duplicates, no rules, no receipt, no audit, no alerts. The
columns are those of the bare path, its rows the same; or, as the events lie in a warehouse, one for
each element that any of them has.

As ``dlt[postgres]`` installs it, CSV by COPY is its fastest way into PostgreSQL (20,000 events in
9.7 s, by ``insert_values`` 13.0 s; on a machine full of other work, 2026-11-28). Parquet through
ADBC is faster still and needs two more packages, ``adbc-driver-manager`` and
``adbc-driver-postgresql``: where they are installed, it has a line of its own.
"""

import importlib.util
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import make_url

from tests.benchmarks.baseline_bare import read_rows
from tests.benchmarks.flat_event import COLUMNS
from tests.benchmarks.measuring import Job, Measured, Stopwatch, check_stored

BATCH = 5_000
TABLE = "events"
_TYPES: dict[str, Any] = {
    "occurred_on": pa.date32(),
    "never_event": pa.bool_(),
    "patients": pa.int32(),
}
SCHEMA = pa.schema([(name, _TYPES.get(name, pa.string())) for name in COLUMNS])


def has_adbc() -> bool:
    names = ("adbc_driver_manager", "adbc_driver_postgresql")
    return all(importlib.util.find_spec(name) for name in names)


def measure(job: Job) -> Measured:
    return _measure(job, "csv")


def measure_adbc(job: Job) -> Measured:
    return _measure(job, "parquet")


def measure_wide(job: Job) -> Measured:
    return _measure(job, "csv", is_wide=True)


def _measure(job: Job, file_format: str, *, is_wide: bool = False) -> Measured:
    """Importing dlt, and making the tables of Arrow, is not timed."""
    home = Path(job.home)
    _set_environment(home, job.workers)
    import dlt  # noqa: PLC0415 - it reads its settings when it is imported

    write = write_wide_tables if is_wide else write_tables
    count = write(Path(job.feed), home / "tables.parquet")
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(_add_host(job.url)),
        dataset_name="bare_dlt",
        pipelines_dir=str(home / "dlt"),
    )
    watch = Stopwatch(job.url)
    with watch.running():
        pipeline.run(
            read_tables(home / "tables.parquet"),
            table_name=TABLE,
            loader_file_format=file_format,
            write_disposition="append",
        ).raise_on_failed_jobs()
    check_stored(job, f"bare_dlt.{TABLE}", count)
    return watch.read(count)


def write_tables(feed: Path, path: Path) -> int:
    count = 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        rows: list[tuple[Any, ...]] = []
        for key, *row in read_rows(feed):
            # CSV takes no bytes.
            rows.append((key.hex(), *row))
            if len(rows) == BATCH:
                writer.write_table(_make_table(rows))
                count += len(rows)
                rows = []
        if rows:
            writer.write_table(_make_table(rows))
            count += len(rows)
    return count


def write_wide_tables(feed: Path, path: Path) -> int:
    """Elements that repeat, and patients, are JSON in their column."""
    names = sorted({name for event in _read_wide(feed) for name in event})
    schema = pa.schema([(name, pa.string()) for name in names])
    count = 0
    with pq.ParquetWriter(path, schema) as writer:
        events = _read_wide(feed)
        while batch := list(itertools.islice(events, BATCH)):
            columns = {name: [event.get(name) for event in batch] for name in names}
            writer.write_table(pa.table(columns, schema=schema))
            count += len(batch)
    return count


def _read_wide(feed: Path) -> Iterator[dict[str, str]]:
    for row in read_rows(feed):
        told = dict(zip(COLUMNS, row, strict=True))
        event = {"key": told["key"].hex()} | {
            name: str(told[name])
            for name in ("local_id", "event_type", "occurred_on", "narrative")
            if told[name] is not None
        }
        groups = msgspec.json.decode(told["payload"])
        event["patients"] = msgspec.json.encode(groups.pop("patients")).decode()
        for group, elements in groups.items():
            for name, value in elements.items():
                text = value if type(value) is str else msgspec.json.encode(value).decode()
                event[f"{group}__{name}"] = text
        yield event


def read_tables(path: Path) -> Iterator[pa.Table]:
    """As a source of Arrow gives them: memory flat."""
    for batch in pq.ParquetFile(path).iter_batches(BATCH):
        yield pa.Table.from_batches([batch])


def _make_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table(
        {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}, schema=SCHEMA
    )


def _add_host(url: str) -> str:
    """dlt asks for a host and a password, also where there is a socket; the socket counts."""
    address = make_url(url).set(drivername="postgresql", host="localhost", password="none")
    return address.render_as_string(hide_password=False)


def _set_environment(home: Path, workers: int) -> None:
    """No telemetry, nothing outside its folder; as many processes as are measured."""
    os.environ.update(
        {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "DLT_DATA_DIR": str(home),
            "NORMALIZE__WORKERS": str(workers),
            "LOAD__WORKERS": str(4 * workers),
            "DATA_WRITER__FILE_MAX_ITEMS": str(BATCH * 2),
        }
    )
