"""Survey a feed before it is loaded: whether it is whole, and what its profile expects."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gateway.adapters.indexing import Index
from gateway.adapters.parts import index_feed
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_mapper
from gateway.pipeline.judge import Judge, judge_all, make_submission
from gateway.pipeline.read import FeedReading, place_finding
from gateway.pipeline.unpack import LINE_SHAPES, OpenFeed
from mappers.profile_parts import Expectations
from schemas.batch import Batch
from schemas.catalogue import expectations as catalogue
from schemas.finding import Finding, has_error
from schemas.submission import Source

_NOTHING_EXPECTED: Final = Expectations()
_BLOCK: Final = 1 << 20


class Survey(msgspec.Struct, frozen=True):
    """``indexes``: of each content, what one pass over it tells; empty where nobody had to look.
    ``findings``: those of reading. ``reasons`` why the batch is to be held; None where it is
    not."""

    indexes: list[Index]
    findings: list[Finding]
    reasons: list[Finding] | None = None


def survey_feed(gateway: Gateway, source: Source, batch: Batch, feed: OpenFeed) -> Survey:
    """Reads the feed through once, where that is needed to know whether to hold it or where to cut
    it: without mapping. Only one of whose records a share may be rejected is judged as well."""
    part_bytes = gateway.settings.part_bytes
    if _is_large(feed, part_bytes):
        indexes, findings = index_contents(feed, part_bytes)
        terms = find_hold_terms(source, feed, findings)
    else:
        terms = find_hold_terms(source, feed)
        if not terms.is_read:
            return Survey([], [])
        indexes, findings = index_contents(feed, part_bytes)
    rejected = 0
    if terms.is_judged and not (terms.is_whole_asked and has_error(findings)):
        judge = _make_judge(gateway, source, batch, feed)
        for judged in judge_all(judge, FeedReading(feed, mapped_only=True)):
            rejected += judged.acceptance is None and judged.fault is None
    records = sum(index.records for index in indexes)
    reasons = terms.find_reasons(records, rejected, [*feed.findings, *findings])
    return Survey(indexes, findings, reasons)


def index_contents(feed: OpenFeed, part_bytes: int) -> tuple[list[Index], list[Finding]]:
    """One pass over all there is; a content that breaks off does not cost the next."""
    indexes: list[Index] = []
    findings: list[Finding] = []
    for content in feed.contents:
        with feed.open(content) as stream:
            index = index_feed(
                stream,
                content.shape,
                feed.terms.profile,
                feed.terms.limits,
                size=content.size,
                part_bytes=part_bytes,
                before=sum(one.records for one in indexes),
            )
        indexes.append(index)
        for finding in index.findings:
            placed = place_finding(finding, content.member)
            # Once, as the store keeps it.
            if placed not in findings:
                findings.append(placed)
    return indexes, findings


def _is_large(feed: OpenFeed, part_bytes: int) -> bool:
    """More than one part, or may be."""
    return len(feed.contents) > 1 or any(one.size > part_bytes for one in feed.contents)


def _make_judge(gateway: Gateway, source: Source, batch: Batch, feed: OpenFeed) -> Judge:
    with gateway.store.read() as work:
        register = work.organisations.get_register()
    mapper = make_mapper(source, feed.terms)
    return Judge(mapper, make_submission(source, batch.received_at, register))


class HoldTerms(msgspec.Struct, frozen=True):
    """Under which a feed is loaded at once, or held. ``is_whole_asked``: it is held where it
    breaks off half-way."""

    is_whole_asked: bool
    expected: Expectations

    @property
    def is_judged(self) -> bool:
        return self.expected.rejected_at_most < 1

    @property
    def is_read(self) -> bool:
        return self.is_whole_asked or self.expected != _NOTHING_EXPECTED

    def find_reasons(
        self, records: int, rejected: int, findings: list[Finding]
    ) -> list[Finding] | None:
        """The findings that hold the feed beside those that are found already; None: it is not
        held. A feed without a record is not held: there is nothing to decide."""
        if not records:
            return None
        if self.is_whole_asked and has_error(findings):
            return []
        return _find_unmet(self.expected, records, rejected) or None


def find_hold_terms(
    source: Source, feed: OpenFeed, findings: Sequence[Finding] | None = None
) -> HoldTerms:
    """A feed that is read line by line cannot break off half-way, and is not asked whether it is
    whole: unless it came packed, or may hold more records than are read. ``findings``: those of
    reading it, which tell that; where it was not read yet, its lines are counted."""
    profile = feed.terms.profile
    may_break = (
        has_error(feed.findings)
        or any(content.shape not in LINE_SHAPES for content in feed.contents)
        or (
            _has_many_lines(feed, feed.terms.limits.records)
            if findings is None
            else any(one.code == catalogue.RECORDS_BEYOND_LIMIT.code for one in findings)
        )
    )
    return HoldTerms(
        source.on_break == "wait" and may_break,
        profile.expectations if profile else _NOTHING_EXPECTED,
    )


def _has_many_lines(feed: OpenFeed, limit: int) -> bool:
    """Whether the contents have more lines than records are read."""
    # A line takes a byte at least.
    if sum(content.size for content in feed.contents) <= limit:
        return False
    lines = 0
    for content in feed.contents:
        with feed.open(content) as stream:
            stream.seek(0)
            while block := stream.read(_BLOCK):
                # A carriage return alone ends a line of CSV too.
                lines += max(block.count(b"\n"), block.count(b"\r"))
    return lines >= limit


def _find_unmet(expected: Expectations, records: int, rejected: int) -> list[Finding]:
    unmet: list[Finding] = []
    least, most = expected.records.min, expected.records.max
    if records < least:
        unmet.append(catalogue.TOO_FEW_RECORDS.at(records=records, expected=least))
    if most is not None and records > most:
        unmet.append(catalogue.TOO_MANY_RECORDS.at(records=records, expected=most))
    if rejected > expected.rejected_at_most * records:
        unmet.append(
            catalogue.TOO_MANY_REJECTED.at(
                records=records,
                rejected=rejected,
                found=_percent(rejected / records),
                expected=_percent(expected.rejected_at_most),
            )
        )
    return unmet


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
