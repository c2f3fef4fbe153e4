"""``python -m tests.benchmarks.reading``: read and map, each format at two sizes.

Printed for each: events a second and peak memory at both sizes, how the cost of an event and the
memory grow from the small to the large (1.0: time linear, memory flat), and the ratio to the barest
reading of the same file: ``json.loads`` a line, lxml's ``iterparse``, ``csv.reader``.
"""

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from lxml import etree

from gateway.generator import write_feed
from tests.benchmarks.__main__ import NOTHING
from tests.benchmarks.measuring import (
    SEED,
    Job,
    Measured,
    Stopwatch,
    describe_machine,
    run_child,
    take_median,
)
from tests.benchmarks.stages import open_stage

# Label → the generator's format and that of the source.
FEEDS = {
    "FHIR NDJSON": ("fhir-5", "fhir"),
    "FHIR XML": ("fhir-xml-5", "fhir"),
    "vendor XML": ("xml", "xml"),
    "CSV": ("csv", "csv"),
}
RECORD_TAGS = ("{http://hl7.org/fhir}AdverseEvent", "{urn:lrms:incidents:1}incident")


def measure(job: Job) -> Measured:
    """Bytes → source records → national events."""
    watch, count = Stopwatch(), 0
    with open_stage(job) as stage, watch.running():
        for record in stage.read():
            stage.mapper.map_record(record)
            count += 1
    return watch.read(count)


def measure_barest(job: Job) -> Measured:
    """The records found and parsed, nothing else."""
    path, watch = Path(job.feed), Stopwatch()
    with watch.running():
        count = sum(1 for _ in _read_barest(path))
    return watch.read(count)


def _read_barest(path: Path) -> Iterator[object]:
    if path.suffix == ".xml":
        for _, element in etree.iterparse(str(path), tag=RECORD_TAGS):
            yield element
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            next(rows)
            yield from rows
    else:
        with path.open("rb") as lines:
            yield from map(json.loads, lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reading", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=2, default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(describe_machine("none"), file=sys.stderr)
    print("| feed | events | events/s | µs/event | peak MiB | ÷ barest reading |")
    print("|---|---:|---:|---:|---:|---:|")
    growth = []
    for label, (feed_format, source_format) in FEEDS.items():
        measured = {}
        for size in options.sizes:
            ours, barest = measure_feed(feed_format, source_format, size, options.rounds)
            measured[size] = ours
            print(
                f"| {label} | {size:,} | {ours.rate:,.0f} | {1e6 / ours.rate:.1f}"
                f" | {ours.peak_mib:.0f} | {ours.rate / barest.rate:.2f} |",
                flush=True,
            )
        small, large = (measured[size] for size in options.sizes)
        growth.append(
            f"{label}: cost of an event x {small.rate / large.rate:.2f},"
            f" peak memory x {large.peak_mib / small.peak_mib:.2f}"
        )
    print()
    print("\n".join(growth))


def measure_feed(
    feed_format: str, source_format: str, size: int, rounds: int
) -> tuple[Measured, Measured]:
    """Medians of interleaved rounds: ours, and the barest reading."""
    with tempfile.TemporaryDirectory() as folder:
        suffix = "xml" if "xml" in feed_format else source_format
        path = Path(folder, f"feed.{suffix}")
        with path.open("wb") as stream:
            write_feed(stream, events=size, format=feed_format, seed=SEED)
        job = msgspec.structs.replace(NOTHING, feed=str(path), format=source_format)
        taken: dict[str, list[Measured]] = {"read-map": [], "barest": []}
        for _ in range(rounds):
            for name, measurements in taken.items():
                measurements.append(run_child(msgspec.structs.replace(job, name=name)))
    return take_median(taken["read-map"]), take_median(taken["barest"])


if __name__ == "__main__":
    main()
