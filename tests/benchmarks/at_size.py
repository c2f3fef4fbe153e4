"""``--year``: a national year of events, from NDJSON on disk to committed, by two workers.
``--curve``: the cost of an event in a store that already holds a year, whatever the feed's size.

Both take a PostgreSQL of their own with its defaults, as the other figures do, or with
``--database`` one that is there: empty, and left as it was filled.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.benchmarks.databases import Databases
from tests.benchmarks.feeds import make_feed
from tests.benchmarks.measuring import SEED, Job, Measured, run_child

YEAR = 2_500_000
CURVE = (10_000, 100_000, 1_000_000)
YEAR_SECONDS = 300
_FLAT = 1.25


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--year", action="store_true", help="load a national year, once")
    parser.add_argument("--year-events", type=int, default=YEAR)
    parser.add_argument("--curve", action="store_true", help="the cost of an event at each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(CURVE))
    parser.add_argument("--held", type=int, default=YEAR, help="events the store holds before")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--database", default="", help="the address of an empty database")


def run(databases: Databases, options: argparse.Namespace) -> None:
    home = databases.folder / "home"
    home.mkdir()
    url = options.database or databases.make_postgresql()
    loading = _Loading(databases, url, home, options.workers)
    try:
        if options.year:
            print("\n".join(measure_year(loading, options.year_events)), flush=True)
        if options.curve:
            held = options.held - loading.held
            for line in measure_curve(loading, held, options.sizes):
                print(line, flush=True)
    finally:
        if not options.database:
            databases.drop(url)
        shutil.rmtree(home)


class _Loading:
    """Feeds loaded one after the other into one store."""

    def __init__(self, databases: Databases, url: str, home: Path, workers: int) -> None:
        self._databases = databases
        self._job = Job(
            name="ingest", feed="", format="fhir", url=url, home=str(home), workers=workers
        )
        self.held = 0
        self._feeds = 0

    def load(self, events: int, workers: int = 0) -> Measured:
        """Other events each time, by so many processes; 0: by as many as were asked for."""
        # So far apart that no chunk of one is a chunk of another.
        feed = make_feed("fhir", events, seed=SEED + 100_000 * self._feeds)
        self._feeds += 1
        print(f"loading {events:,} events …", file=sys.stderr, flush=True)
        job = msgspec.structs.replace(self._job, feed=str(feed), limit=events, before=self.held)
        if workers:
            job = msgspec.structs.replace(job, workers=workers)
        before = self._databases.read_cpu()
        measured = run_child(job)
        self.held += events
        # The checkpoint of one load is its own, and is not to fall into the next.
        self._databases.checkpoint(job.url)
        used = self._databases.read_cpu() - before
        self._databases.analyze(job.url)
        return msgspec.structs.replace(measured, server_cpu=used)


def measure_year(loading: _Loading, events: int) -> Iterator[str]:
    one = loading.load(events)
    met = "met" if one.seconds <= YEAR_SECONDS * events / YEAR else "MISSED"
    yield f"{events:,} events in {one.seconds:,.1f} s: {one.rate:,.0f} a second"
    yield f"(goal: {YEAR:,} in {YEAR_SECONDS} s, {YEAR / YEAR_SECONDS:,.0f} a second: {met})"
    yield (
        f"CPU {one.cpu:,.0f} s, PostgreSQL's {one.server_cpu:,.0f} s; largest process"
        f" {one.peak_mib:.0f} MiB; written: WAL {one.wal_mib:,.0f} MiB, raw files"
        f" {one.raw_mib:,.0f} MiB"
    )


def measure_curve(loading: _Loading, fill: int, sizes: list[int]) -> Iterator[str]:
    if fill > 0:
        one = loading.load(fill)
        yield f"the store holds {loading.held:,} events (filled at {one.rate:,.0f} a second)"
    yield ""
    yield "| events | events/s | µs/event | CPU µs/event | server CPU µs/event | peak MiB |"
    yield "|---:|---:|---:|---:|---:|---:|"
    costs: list[float] = []
    for size in sizes:
        # Workers take a second to start, which would be most of the smallest.
        one = loading.load(size, workers=1)
        cpu = 1e6 * (one.cpu + one.server_cpu) / size
        costs.append(cpu)
        yield (
            f"| {size:,} | {one.rate:,.0f} | {1e6 / one.rate:,.1f} | {1e6 * one.cpu / size:,.1f}"
            f" | {1e6 * one.server_cpu / size:,.1f} | {one.peak_mib:.0f} |"
        )
    growth = costs[-1] / costs[0]
    met = "met" if growth <= _FLAT else "MISSED"
    yield ""
    yield f"CPU of an event, the largest feed to the smallest: x {growth:.2f} (flat: {met})"
