"""Read what a feed holds: part by part, or all its contents one after the other."""

import io
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from gateway.adapters.around import enclose
from gateway.adapters.broken import BrokenFeed, Tell
from gateway.adapters.limits import Limits
from gateway.pipeline.feeds import FeedTerms, read_records
from gateway.pipeline.unpack import OpenFeed
from schemas.batch import Part, Shape
from schemas.catalogue import expectations
from schemas.finding import Finding
from schemas.record import SourceRecord


def read_part(
    stream: BinaryIO,
    shape: Shape,
    part: Part,
    terms: FeedTerms,
    tell: Tell,
    *,
    counted_only: bool = False,
    mapped_only: bool = False,
) -> Iterator[SourceRecord]:
    """The records of a part; BrokenFeed where it cannot be read on, or where the batch holds more
    records than are read. What is told of a file in a zip of several names it."""
    member = part.member
    own, inside = _open_part(stream, shape, part)
    records = read_records(
        own,
        shape,
        inside,
        terms,
        tell=lambda finding: tell(place_finding(finding, member)),
        counted_only=counted_only,
        mapped_only=mapped_only,
    )
    try:
        for record in records:
            _check_number(record, terms.limits)
            if member:
                yield msgspec.structs.replace(record, locator=f"{member} {record.locator}")
            else:
                yield record
    except BrokenFeed as broken:
        raise BrokenFeed(place_finding(broken.finding, member)) from None


def _check_number(record: SourceRecord, limits: Limits) -> None:
    if record.number > limits.records:
        raise BrokenFeed(expectations.RECORDS_BEYOND_LIMIT.at(limit=limits.records))


def place_finding(finding: Finding, member: str) -> Finding:
    is_placed = finding.source_path or finding.code == expectations.RECORDS_BEYOND_LIMIT.code
    return finding if is_placed else msgspec.structs.replace(finding, source_path=member)


def _open_part(stream: BinaryIO, shape: Shape, part: Part) -> tuple[BinaryIO, Part]:
    """A stream in which the part is all there is, and the part as it lies there."""
    if part.around:
        return enclose(stream, part)
    if shape == "csv" and part.end < stream.seek(0, io.SEEK_END):
        # Of a feed that was cut off, without what may be half a last line.
        return enclose(stream, part)
    stream.seek(0)
    return stream, part


class FeedReading:
    """The records of a whole feed, numbered on from content to content. A content that breaks off
    does not cost the next. Afterwards ``findings`` is what was told of the feed and what stopped
    it, ``counts`` how many records each content gave."""

    def __init__(
        self, feed: OpenFeed, *, counted_only: bool = False, mapped_only: bool = False
    ) -> None:
        self._feed = feed
        self._counted_only = counted_only
        self._mapped_only = mapped_only
        self.findings: list[Finding] = []
        self.counts: list[int] = []

    @property
    def terms(self) -> FeedTerms:
        return self._feed.terms

    @property
    def records(self) -> int:
        return sum(self.counts)

    def __iter__(self) -> Iterator[SourceRecord]:
        for content in self._feed.contents:
            part = Part(
                batch_number=0,
                number=0,
                start=0,
                end=content.size,
                first_record=self.records + 1,
                member=content.member,
            )
            self.counts.append(0)
            with self._feed.open(content) as stream:
                stream.seek(0)
                yield from self._read(part, content.shape, stream)

    def _read(self, part: Part, shape: Shape, stream: BinaryIO) -> Iterator[SourceRecord]:
        try:
            for record in read_part(
                stream,
                shape,
                part,
                self._feed.terms,
                self._tell,
                counted_only=self._counted_only,
                mapped_only=self._mapped_only,
            ):
                self.counts[-1] += 1
                yield record
        except BrokenFeed as broken:
            self._tell(broken.finding)

    def _tell(self, finding: Finding) -> None:
        # Once, as the store keeps it.
        if finding not in self.findings:
            self.findings.append(finding)
