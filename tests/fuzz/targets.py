"""What is fuzzed: each way from bytes to national events, and unpacking. A target takes any bytes;
it may end in BrokenFeed, its verdict on the feed, and in nothing else."""

import io
from collections.abc import Callable
from pathlib import Path

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.packing import find_packing, unpack
from gateway.adapters.shapes import find_shape
from gateway.adapters.unpacking import Member
from gateway.pipeline.feeds import make_feed_terms, make_mapper, read_records
from mappers.profile_load import make_shelf
from schemas.batch import Part
from schemas.finding import Finding
from schemas.submission import FeedFormat, Source

SHELF = make_shelf(Path("samples/hostile"))
LIMITS = Limits(
    record_bytes=100_000, columns=200, depth=50, text_chars=10_000, unpacked_bytes=10_000_000
)
Target = Callable[[bytes], None]


def _make_reading(feed_format: FeedFormat, profile: str | None) -> Target:
    source = Source(id="fuzz", organisation="RZA", format=feed_format, profile=profile)
    terms = make_feed_terms(source, SHELF, LIMITS)
    mapper = make_mapper(source, terms)
    pointer = terms.profile.record if terms.profile else None

    def read(raw: bytes) -> None:
        stream, number = io.BytesIO(raw), 0
        part = Part(batch_number=0, number=0, start=0, end=len(raw))
        shape = find_shape(stream, feed_format, limits=LIMITS, pointer=pointer)
        records = read_records(stream, shape, part, terms, tell=_check_scope)
        for number, record in enumerate(records, start=1):
            assert record.number == number
            assert record.content is not None or record.findings
            mapped = mapper.map_record(record)
            if record.content is not None and mapped.findings:
                mapper.source_paths(record)

    return _with_verdict(read)


def _unpack(raw: bytes) -> None:
    stream = io.BytesIO(raw)
    how = find_packing(stream)
    if how is None:
        return
    unpacked = 0
    for found in unpack(stream, how, limits=LIMITS):
        if isinstance(found, Finding):
            _check_scope(found)
        else:
            unpacked += _read_member(found)
    assert unpacked <= LIMITS.unpacked_bytes


def _read_member(member: Member) -> int:
    """So many bytes came out of it."""
    size = 0
    try:
        while piece := member.read():
            size += len(piece)
    except BrokenFeed as broken:
        _check_scope(broken.finding)
    return size


def _with_verdict(read: Target) -> Target:
    def target(raw: bytes) -> None:
        try:
            read(raw)
        except BrokenFeed as broken:
            _check_scope(broken.finding)

    return target


def _check_scope(finding: Finding) -> None:
    assert finding.scope == "batch", finding.code


TARGETS: dict[str, Target] = {
    "fhir": _make_reading("fhir", None),
    "csv": _make_reading("csv", "lrms-csv"),
    "csv-rows": _make_reading("csv", "datix-like-csv"),
    "xml": _make_reading("xml", "lrms-xml"),
    "xml-fields": _make_reading("xml", "ulysses-like-xml"),
    "json": _make_reading("json", "tiny-json"),
    "json-nested": _make_reading("json", "inphase-like-json"),
    "packed": _with_verdict(_unpack),
}
