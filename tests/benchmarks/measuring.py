"""What is measured of a piece of work, and running each piece in a process of its own, so that its
peak memory is its own."""

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
from sqlalchemy import make_url

# Of every feed that is generated to be measured on.
SEED = 20261122


class Measured(msgspec.Struct, frozen=True):
    """``seconds`` and ``cpu`` are those of the timed stretches only, with all processes that took
    part; ``peak_mib`` is that of the largest of them. ``server_cpu`` is the database server's,
    ``wal_mib`` what it wrote to its log, ``raw_mib`` the raw files kept; 0 where there is none."""

    events: int
    seconds: float
    cpu: float
    peak_mib: float
    server_cpu: float = 0.0
    wal_mib: float = 0.0
    raw_mib: float = 0.0

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Job(msgspec.Struct, frozen=True):
    """One piece of work for a child: its name in ``tests.benchmarks.child``, the feed and its
    format, a database address and a folder of its own; how many processes do it; how many events
    the database holds before."""

    name: str
    feed: str
    format: str
    url: str
    home: str
    limit: int = 0
    workers: int = 1
    before: int = 0


class Stopwatch:
    """Adds up wall and CPU seconds over the stretches it runs, and what PostgreSQL at ``url`` wrote
    meanwhile."""

    def __init__(self, url: str = "") -> None:
        self._url = url if url.startswith("postgresql") else ""
        self.seconds = 0.0
        self.cpu = 0.0
        self._wal = 0
        self._peak = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        wal = read_wal(self._url)
        with _watch_children() as peaks:
            wall, cpu = time.perf_counter(), _read_cpu()
            yield
            self.seconds += time.perf_counter() - wall
            self.cpu += _read_cpu() - cpu
        self._wal += read_wal(self._url) - wal
        self._peak = max(self._peak, *peaks)

    def read(self, events: int, *, raw: Path | None = None) -> Measured:
        kept = sum(one.stat().st_size for one in raw.rglob("*") if one.is_file()) if raw else 0
        return Measured(
            events,
            self.seconds,
            self.cpu,
            max(read_peak_memory(), self._peak),
            wal_mib=self._wal / 2**20,
            raw_mib=kept / 2**20,
        )


def read_wal(url: str) -> int:
    """Bytes that the server has written to its log so far."""
    if not url:
        return 0
    with psycopg.connect(make_plain(url)) as server:
        found = server.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    return int(found[0]) if found else 0


def count_rows(url: str, table: str) -> int:
    """Past everything that is measured."""
    query = f"SELECT count(*) FROM {table}"
    if url.startswith("sqlite"):
        connection = sqlite3.connect(make_url(url).database or "")
        (found,) = connection.execute(query).fetchone()
        connection.close()
        return int(found)
    with psycopg.connect(make_plain(url)) as server:
        row = server.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def check_stored(job: Job, table: str, expected: int) -> None:
    """A figure for rows that are not there would be worth nothing."""
    found = count_rows(job.url, table)
    if found != expected:
        raise SystemExit(f"{job.name}: {found} rows in {table}, expected {expected}")


def make_plain(url: str) -> str:
    """As libpq reads it, without SQLAlchemy's name of the driver."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def _read_cpu() -> float:
    """Of this process, and of its children that have ended."""
    return sum(os.times()[:4])


@contextmanager
def _watch_children() -> Iterator[list[float]]:
    """The peaks of the children that run meanwhile, looked at ten times a second."""
    peaks, is_over = [0.0], threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            for child in _list_children():
                with suppress(OSError):
                    peaks[0] = max(peaks[0], read_peak_memory(child))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peaks
    finally:
        is_over.set()
        thread.join()


def _list_children() -> list[str]:
    found: list[str] = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            found += (task / "children").read_text().split()
    return found


def read_peak_memory(process: int | str = "self") -> float:
    """MiB. From the kernel's high-water mark, which starts anew with a program; ``ru_maxrss`` is
    inherited from the parent on Linux."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"no VmHWM in /proc/{process}/status")


def run_child(job: Job) -> Measured:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.child"],
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        check=True,
    )
    return msgspec.json.decode(done.stdout, type=Measured)


def take_median(rounds: Sequence[Measured]) -> Measured:
    """Of each quantity on its own."""
    fields = [name for name in Measured.__struct_fields__ if name != "events"]
    medians = {name: statistics.median(getattr(one, name) for one in rounds) for name in fields}
    return Measured(events=rounds[0].events, **medians)


def describe_machine(postgresql: str) -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = Path("/proc/meminfo").read_text().split()[1]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {model}, {len(os.sched_getaffinity(0))} CPUs, "
        f"{int(memory) // 2**20} GiB, Python {platform.python_version()}, PostgreSQL {postgresql}"
    )
