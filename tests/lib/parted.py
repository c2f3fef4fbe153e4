"""A feed read whole, and read part by part: what each gives."""

import io
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.indexing import Index
from gateway.adapters.limits import Limits
from gateway.adapters.parts import index_feed, make_parts
from gateway.pipeline.feeds import FeedTerms
from gateway.pipeline.read import read_part
from mappers.profile_model import Profile
from schemas.batch import Part, Shape
from schemas.finding import Finding
from schemas.record import SourceRecord


class Read(msgspec.Struct):
    """``records`` as they came, ``told`` each once, the break last."""

    records: list[SourceRecord]
    told: list[Finding]


def make_terms(shape: Shape, profile: Profile | None, limits: Limits) -> FeedTerms:
    formats: dict[str, Any] = {"csv": "csv", "xml": "xml", "json": "json", "ndjson": "json"}
    return FeedTerms(formats.get(shape, "fhir"), profile, limits)


def read_whole(raw: bytes, shape: Shape, terms: FeedTerms) -> Read:
    return read_parts(raw, shape, terms, [Part(batch_number=0, number=0, start=0, end=len(raw))])


def read_parts(raw: bytes, shape: Shape, terms: FeedTerms, parts: Sequence[Part]) -> Read:
    """In the order given, each with nothing but its own bytes and what is known around it."""
    found = Read([], [])
    for part in parts:
        # What is not the part's own is not there to be read.
        blind = bytearray(len(raw))
        blind[part.start : part.end] = raw[part.start : part.end]
        own: list[Finding] = []
        try:
            found.records += read_part(
                io.BytesIO(bytes(blind[: part.end])), shape, part, terms, own.append
            )
        except BrokenFeed as broken:
            own.append(broken.finding)
        found.told += [finding for finding in own if finding not in found.told]
    return found


def index(raw: bytes, shape: Shape, terms: FeedTerms, part_bytes: int) -> tuple[Index, list[Part]]:
    found = index_feed(
        io.BytesIO(raw),
        shape,
        terms.profile,
        terms.limits,
        size=len(raw),
        part_bytes=part_bytes,
    )
    return found, make_parts(found, batch_number=0, size=len(raw))


def check_parts(raw: bytes, shape: Shape, terms: FeedTerms, part_bytes: int, order: Any) -> int:
    """Reading in parts, in the order that ``order`` makes of them, gives what reading whole does;
    and so does the index. Gives the number of parts."""
    whole = read_whole(raw, shape, terms)
    found, parts = index(raw, shape, terms, part_bytes)
    assert found.records == len(whole.records)
    assert found.findings == whole.told
    assert [part.number for part in parts] == list(range(len(parts)))
    read = read_parts(raw, shape, terms, order(parts))
    read.records.sort(key=lambda record: record.number)
    for one, other in zip(read.records, whole.records, strict=False):
        assert one == other
    assert len(read.records) == len(whole.records)
    assert read.told == whole.told
    return len(parts)
