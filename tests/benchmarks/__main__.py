"""``make bench``: events a second, CPU and peak memory of each stage and of the whole line, beside
two baselines in the same run; and single creates over HTTP, beside a third.

Every figure is taken in a process of its own, in interleaved rounds; printed are the medians.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.generator import write_feed
from tests.benchmarks import creates
from tests.benchmarks.databases import Databases, open_databases
from tests.benchmarks.measuring import (
    SEED,
    Job,
    Measured,
    describe_machine,
    run_child,
    take_median,
)

OBVIOUS_GOAL = 5.0
BARE_GOAL = 0.25
NOTHING = Job(name="", feed="", format="", url="", home="")

# Label → the work, the feed it is done on, and the database behind it.
STAGES = {
    "generate FHIR": ("generate", "fhir-5", ""),
    "read FHIR": ("read", "fhir", ""),
    "map FHIR": ("map", "fhir", ""),
    "validate": ("validate", "fhir", ""),
    "read XML": ("read", "xml", ""),
    "map XML": ("map", "xml", ""),
    "read CSV": ("read", "csv", ""),
    "map CSV": ("map", "csv", ""),
    "load, PostgreSQL": ("load", "fhir", "postgresql"),
    "load, SQLite": ("load", "fhir", "sqlite"),
}
LINES = {
    f"{label}, {database}": (work, "fhir", database.lower())
    for database in ("PostgreSQL", "SQLite")
    for label, work in (
        ("end to end", "line"),
        ("obvious loader", "obvious"),
        ("bare path", "bare"),
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only what has this in its name")
    options = parser.parse_args()
    works = {name: work for name, work in (STAGES | LINES).items() if options.only in name}
    with open_databases() as databases:
        print(describe_machine(databases.version), file=sys.stderr)
        if works:
            medians = measure_works(databases, works, options.events, options.rounds)
            print("\n".join(make_report(medians, options.events, options.rounds)), flush=True)
        if options.only in creates.NAME:
            terms = creates.Terms(rounds=options.rounds)
            result = creates.measure_creates(databases, terms)
            print("\n".join(creates.make_report(result, terms)))


def measure_works(
    databases: Databases, works: dict[str, tuple[str, str, str]], events: int, count: int
) -> dict[str, Measured]:
    """The medians of so many interleaved rounds, by name."""
    feeds = write_feeds(databases.folder, events)
    rounds: dict[str, list[Measured]] = {name: [] for name in works}
    for number in range(1, count + 1):
        for name, (work, feed, database) in works.items():
            print(f"\rround {number}: {name:<30}", end="", file=sys.stderr, flush=True)
            job = msgspec.structs.replace(
                NOTHING, name=work, feed=feeds.get(feed, ""), format=feed, limit=events
            )
            rounds[name].append(run(databases, job, database))
    print("\r" + " " * 50 + "\r", end="", file=sys.stderr)
    return {name: take_median(measured) for name, measured in rounds.items()}


def write_feeds(folder: Path, events: int) -> dict[str, str]:
    """The same seed in each format, by the source's format."""
    paths = {}
    for name, feed_format in (("fhir", "fhir-5"), ("xml", "xml"), ("csv", "csv")):
        path = folder / f"feed.{name}"
        with path.open("wb") as stream:
            write_feed(stream, events=events, format=feed_format, seed=SEED)
        paths[name] = str(path)
    return paths


def run(databases: Databases, job: Job, database: str) -> Measured:
    """One child on a fresh database and in a folder of its own."""
    home = databases.folder / "home"
    home.mkdir()
    url = ""
    if database:
        is_postgresql = database == "postgresql"
        url = databases.make_postgresql() if is_postgresql else databases.make_sqlite(home)
    before = databases.read_cpu()
    try:
        measured = run_child(msgspec.structs.replace(job, url=url, home=str(home)))
        used = databases.read_cpu() - before
    finally:
        if database == "postgresql":
            databases.drop(url)
        shutil.rmtree(home)
    return msgspec.structs.replace(measured, server_cpu=used if database == "postgresql" else 0.0)


def make_report(medians: dict[str, Measured], events: int, rounds: int) -> Iterator[str]:
    yield f"{events:,} events, medians of {rounds} interleaved rounds"
    yield ""
    yield "| what | events/s | µs/event | CPU s | server CPU s | peak MiB |"
    yield "|---|---:|---:|---:|---:|---:|"
    for name, one in medians.items():
        server = f"{one.server_cpu:.1f}" if one.server_cpu else ""
        yield (
            f"| {name} | {one.rate:,.0f} | {1e6 / one.rate:,.1f} | {one.cpu:.2f} | {server}"
            f" | {one.peak_mib:.0f} |"
        )
    yield ""
    for database in ("PostgreSQL", "SQLite"):
        for label, goal in (("obvious loader", OBVIOUS_GOAL), ("bare path", BARE_GOAL)):
            line, baseline = f"end to end, {database}", f"{label}, {database}"
            if line in medians and baseline in medians:
                ratio = medians[line].rate / medians[baseline].rate
                met = "met" if ratio >= goal else "MISSED"
                yield f"{line} ÷ {label}: {ratio:.2f} (goal ≥ {goal:g}: {met})"


if __name__ == "__main__":
    main()
