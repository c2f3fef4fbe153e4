"""``make bench``: events a second, CPU, peak memory and bytes written, of each stage and of the
whole line by one process and by two, beside three baselines in the same run; and single creates
over HTTP, beside a fourth.

Every figure is taken in a process of its own, on a fresh database, in interleaved rounds; printed
are the medians. What was stored is counted in the end: a run whose rows are not all there fails.
``--curve`` and ``--year`` measure at size.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from tests.benchmarks import at_size, creates
from tests.benchmarks.baseline_dlt import has_adbc
from tests.benchmarks.databases import Databases, open_databases
from tests.benchmarks.feeds import FEEDS, make_feed
from tests.benchmarks.measuring import Job, Measured, describe_machine, run_child, take_median

NOTHING = Job(name="", feed="", format="", url="", home="")


class Work(NamedTuple):
    """What a child does, on which feed, with which database behind it, by how many processes."""

    name: str
    feed: str
    database: str = ""
    workers: int = 1


class Ratio(NamedTuple):
    """One line over another: the least that it is to be, and of what."""

    line: str
    baseline: str
    goal: float


STAGES = {
    "generate FHIR": Work("generate", "fhir"),
    "receive FHIR": Work("receive", "fhir", "sqlite"),
    **{
        f"{label} {shape}": Work(name, feed, database)
        for shape, feed in (
            ("FHIR", "fhir"),
            ("FHIR XML", "fhir-xml"),
            ("XML", "xml"),
            ("CSV", "csv"),
        )
        for label, name, database in (
            ("plan", "plan", "sqlite"),
            ("read", "read", ""),
            ("map", "map", ""),
        )
    },
    "validate": Work("validate", "fhir"),
    "load, PostgreSQL": Work("load", "fhir", "postgresql"),
    "load, SQLite": Work("load", "fhir", "sqlite"),
}
LINES = {
    "end to end, PostgreSQL": Work("line", "fhir", "postgresql"),
    "end to end, PostgreSQL, two": Work("line", "fhir", "postgresql", 2),
    "end to end FHIR XML, PostgreSQL, two": Work("line", "fhir-xml", "postgresql", 2),
    "end to end XML, PostgreSQL, two": Work("line", "xml", "postgresql", 2),
    "end to end CSV, PostgreSQL, two": Work("line", "csv", "postgresql", 2),
    "end to end, SQLite": Work("line", "fhir", "sqlite"),
    "obvious loader, PostgreSQL": Work("obvious", "fhir", "postgresql"),
    "obvious loader, SQLite": Work("obvious", "fhir", "sqlite"),
    "bare path, PostgreSQL": Work("bare", "fhir", "postgresql"),
    "bare path, PostgreSQL, two": Work("bare", "fhir", "postgresql", 2),
    "bare path, SQLite": Work("bare", "fhir", "sqlite"),
    "dlt Arrow, PostgreSQL": Work("dlt", "fhir", "postgresql"),
    "dlt Arrow, PostgreSQL, two": Work("dlt", "fhir", "postgresql", 2),
    "dlt Arrow, a column an element, PostgreSQL": Work("dlt-wide", "fhir", "postgresql"),
    "dlt Arrow, a column an element, PostgreSQL, two": Work("dlt-wide", "fhir", "postgresql", 2),
}
if has_adbc():
    LINES["dlt Arrow over ADBC, PostgreSQL"] = Work("dlt-adbc", "fhir", "postgresql")
RATIOS = (
    Ratio("end to end, PostgreSQL", "bare path, PostgreSQL", 0.5),
    Ratio("end to end, PostgreSQL, two", "bare path, PostgreSQL, two", 0.5),
    Ratio("end to end, SQLite", "bare path, SQLite", 0.5),
    Ratio("end to end, PostgreSQL", "obvious loader, PostgreSQL", 10),
    Ratio("end to end, SQLite", "obvious loader, SQLite", 10),
    Ratio("end to end, PostgreSQL", "dlt Arrow, PostgreSQL", 2),
    Ratio("end to end, PostgreSQL, two", "dlt Arrow, PostgreSQL, two", 2),
    Ratio("end to end, PostgreSQL", "dlt Arrow, a column an element, PostgreSQL", 2),
    Ratio("end to end, PostgreSQL, two", "dlt Arrow, a column an element, PostgreSQL, two", 2),
    Ratio("end to end, PostgreSQL", "dlt Arrow over ADBC, PostgreSQL", 2),
)
# Events a second, by two processes on two cores.
RATES = {
    "end to end, PostgreSQL, two": 8_400,
    "end to end FHIR XML, PostgreSQL, two": 3_000,
    "end to end XML, PostgreSQL, two": 3_000,
    "end to end CSV, PostgreSQL, two": 8_000,
}
MOST_MIB = 300
# The obvious loader takes two milliseconds an event, however many there are.
_MOST_OBVIOUS = 4_000


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--events", type=int, default=20_000, help="for each stage")
    parser.add_argument("--line-events", type=int, default=60_000, help="for each whole line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only what has this in its name")
    parser.add_argument(
        "--postgresql", nargs="+", default=[], metavar="NAME=VALUE", help="settings of the server"
    )
    at_size.add_options(parser)
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    with open_databases(dict(one.split("=", 1) for one in options.postgresql)) as databases:
        print(describe_machine(databases.version), file=sys.stderr)
        if options.year or options.curve:
            at_size.run(databases, options)
            return
        for works, events in ((STAGES, options.events), (LINES, options.line_events)):
            chosen = {name: work for name, work in works.items() if options.only in name}
            if chosen:
                medians = measure_works(databases, chosen, events, options.rounds)
                print("\n".join(make_report(medians, events, options.rounds)), flush=True)
        if options.only in creates.NAME:
            terms = creates.Terms(rounds=options.rounds)
            result = creates.measure_creates(databases, terms)
            print("\n".join(creates.make_report(result, terms)))


def measure_works(
    databases: Databases, works: Mapping[str, Work], events: int, count: int
) -> dict[str, Measured]:
    """The medians of so many interleaved rounds, by name."""
    feeds = {name: make_feed(name, events) for name in {work.feed for work in works.values()}}
    rounds: dict[str, list[Measured]] = {name: [] for name in works}
    for number in range(1, count + 1):
        for name, work in works.items():
            print(f"\rround {number}: {name:<40}", end="", file=sys.stderr, flush=True)
            job = msgspec.structs.replace(
                NOTHING,
                name=work.name,
                feed=str(feeds[work.feed]),
                format=FEEDS[work.feed].source,
                limit=min(events, _MOST_OBVIOUS) if work.name == "obvious" else events,
                workers=work.workers,
            )
            rounds[name].append(run(databases, job, work.database))
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return {name: take_median(measured) for name, measured in rounds.items()}


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


def make_report(medians: Mapping[str, Measured], events: int, rounds: int) -> Iterator[str]:
    yield ""
    yield f"{events:,} events, medians of {rounds} interleaved rounds"
    yield ""
    yield "| what | events/s | µs/event | CPU s | server CPU s | peak MiB | WAL MiB | raw MiB |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, one in medians.items():
        server = f"{one.server_cpu:.1f}" if one.server_cpu else ""
        written = [f"{mib:.0f}" if mib else "" for mib in (one.wal_mib, one.raw_mib)]
        yield (
            f"| {name} | {one.rate:,.0f} | {1e6 / one.rate:,.1f} | {one.cpu:.2f} | {server}"
            f" | {one.peak_mib:.0f} | {written[0]} | {written[1]} |"
        )
    yield ""
    yield from make_verdicts(medians)


def make_verdicts(medians: Mapping[str, Measured]) -> Iterator[str]:
    for line, baseline, goal in RATIOS:
        if line in medians and baseline in medians:
            ratio = medians[line].rate / medians[baseline].rate
            yield f"{line} ÷ {baseline}: {ratio:.2f} (goal ≥ {goal:g}: {word(ratio >= goal)})"
    for line, rate in RATES.items():
        if line in medians:
            found = medians[line].rate
            yield f"{line}: {found:,.0f} events/s (goal ≥ {rate:,}: {word(found >= rate)})"
    lines = {name: one.peak_mib for name, one in medians.items() if name.startswith("end to end")}
    if lines:
        name = max(lines, key=lambda one: lines[one])
        met = word(lines[name] < MOST_MIB)
        yield f"largest process: {lines[name]:.0f} MiB, {name} (goal < {MOST_MIB}: {met})"


def word(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
