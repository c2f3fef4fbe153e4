"""What is fuzzed: each way from bytes to national events. A target takes any bytes; it may end in
BrokenFeed, its verdict on the feed, and in nothing else."""

import io
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape
from gateway.pipeline.feeds import make_mapper, read_records
from mappers.profile_load import Shelf, make_shelf
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.record import SourceRecord
from schemas.submission import FeedFormat, Source


class _KeptShelf(Shelf):
    """Reads each profile once: a fuzzer asks for it a million times."""

    @lru_cache  # noqa: B019 - there is one shelf, for as long as the process lives
    def load(self, name: str) -> Profile:
        return make_shelf(Path("samples/hostile")).load(name)


SHELF = _KeptShelf([])
LIMITS = Limits(record_bytes=100_000, columns=200, depth=50, text_chars=10_000)
Target = Callable[[bytes], None]


def _read_feed(source: Source, raw: bytes) -> Iterator[SourceRecord]:
    stream = io.BytesIO(raw)
    shape = find_shape(stream, source.format, limits=LIMITS)
    part = Part(batch_number=0, number=0, start=0, end=len(raw))
    yield from read_records(stream, shape, source, part, shelf=SHELF, limits=LIMITS)


def _make_target(feed_format: FeedFormat, profile: str | None) -> Target:
    source = Source(id="fuzz", organisation="RZA", format=feed_format, profile=profile)
    mapper = make_mapper(source, SHELF)

    def target(raw: bytes) -> None:
        number = 0
        try:
            for number, record in enumerate(_read_feed(source, raw), start=1):
                assert record.number == number
                assert record.content is not None or record.findings
                mapped = mapper.map_record(record)
                if record.content is not None and mapped.findings:
                    mapper.source_paths(record)
        except BrokenFeed as broken:
            if broken.finding.scope != "batch":
                raise

    return target


TARGETS: dict[str, Target] = {
    "fhir": _make_target("fhir", None),
    "csv": _make_target("csv", "lrms-csv"),
    "csv-rows": _make_target("csv", "datix-like-csv"),
    "xml": _make_target("xml", "lrms-xml"),
    "json": _make_target("json", "tiny-json"),
}
