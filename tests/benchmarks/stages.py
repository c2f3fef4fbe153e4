"""The stages one by one: read, map, validate, and the generator; no store behind them."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape
from gateway.generator import write_feed
from gateway.pipeline.feeds import make_feed_terms, make_mapper, read_records
from gateway.pipeline.judge import make_submission
from mappers.profile_load import make_shelf
from schemas.batch import Part
from schemas.event import encode_event
from schemas.record import SourceRecord
from schemas.submission import Source
from tests.benchmarks.measuring import Job, Measured, Stopwatch
from tests.lib.line import NOW, read_register
from validation.organisations import resolve_organisations
from validation.validate import validate_event

T = TypeVar("T")
CHUNK = 500
MAX_RECORD = 8 * 2**20


class Stage:
    """A feed opened for reading and mapping, without a store behind it."""

    def __init__(self, job: Job, stream: BinaryIO) -> None:
        register = read_register()
        self._stream = stream
        self._size = Path(job.feed).stat().st_size
        self.source = Source(
            id=f"test-{job.format}",
            organisation=register[0].code,
            format=job.format,
            profile=None if job.format == "fhir" else f"lrms-{job.format}",
            submits_for=frozenset(one.code for one in register),
        )
        self.shelf = make_shelf()
        self.mapper = make_mapper(self.source, make_feed_terms(self.source, self.shelf, Limits()))
        self.submission = make_submission(self.source, NOW, {one.code: one for one in register})

    def read(self) -> Iterator[SourceRecord]:
        shape = find_shape(self._stream, self.source.format, limits=Limits(record_bytes=MAX_RECORD))
        self._stream.seek(0)
        part = Part(batch_number=0, number=0, start=0, end=self._size)
        limits = Limits(record_bytes=MAX_RECORD)
        terms = make_feed_terms(self.source, self.shelf, limits)
        # As the line reads: what is read is mapped, and nothing else looks at it.
        yield from read_records(self._stream, shape, part, terms, mapped_only=True)


@contextmanager
def open_stage(job: Job) -> Iterator[Stage]:
    with Path(job.feed).open("rb") as stream:
        yield Stage(job, stream)


def in_chunks(items: Iterator[T], size: int = CHUNK) -> Iterator[list[T]]:
    while chunk := list(itertools.islice(items, size)):
        yield chunk


def measure_read(job: Job) -> Measured:
    """Bytes → source records."""
    watch, count = Stopwatch(), 0
    with open_stage(job) as stage, watch.running():
        for _ in stage.read():
            count += 1
    return watch.read(count)


def measure_map(job: Job) -> Measured:
    """Source record → national event; reading is not timed."""
    watch, count = Stopwatch(), 0
    with open_stage(job) as stage:
        for records in in_chunks(stage.read()):
            with watch.running():
                for record in records:
                    stage.mapper.map_record(record)
            count += len(records)
    return watch.read(count)


def measure_validate(job: Job) -> Measured:
    """National event → its encoding and findings: taxonomy, rules, organisations."""
    watch, count = Stopwatch(), 0
    with open_stage(job) as stage:
        for records in in_chunks(stage.read()):
            events = [stage.mapper.map_record(record).event for record in records]
            with watch.running():
                for event in events:
                    resolved, _ = resolve_organisations(event, stage.submission)
                    validate_event(resolved, stage.submission, encode_event(resolved))
            count += len(events)
    return watch.read(count)


def measure_generate(job: Job) -> Measured:
    """How fast the generator makes such a feed: of FHIR, one of version 5."""
    watch = Stopwatch()
    with Path(job.home, "generated").open("wb") as stream, watch.running():
        write_feed(stream, events=job.limit, format="fhir-5", seed=1)
    return watch.read(job.limit)
