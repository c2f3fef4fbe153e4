"""What one pass over a feed tells: how many records it has, what is to be said of it, and where it
may be cut."""

from typing import NamedTuple

import msgspec

from gateway.adapters.around import Around
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.catalogue import expectations
from schemas.finding import Finding


class Cut(NamedTuple):
    """Where a part may begin, ``start`` being a record's first byte and ``end`` where what is
    before it ends; ``around`` its head, and the tail of what is before it."""

    start: int
    end: int
    first_record: int
    first_line: int
    around: Around


class Index(msgspec.Struct):
    """``findings``: of the feed as a whole, as reading it from start to end tells them; what ends
    it is the last. ``cuts``: where parts begin behind the first one; empty where it is one part.
    ``before``: records of the batch that came before the feed."""

    before: int = 0
    records: int = 0
    findings: list[Finding] = []  # noqa: RUF012 - msgspec copies it
    cuts: list[Cut] = []  # noqa: RUF012
    is_broken: bool = False

    def tell(self, finding: Finding) -> None:
        # Once, as the store keeps it.
        if finding not in self.findings:
            self.findings.append(finding)

    def count(self, limits: Limits) -> int:
        """One record more: its number in the batch. BrokenFeed where it is one too many."""
        if self.before + self.records == limits.records:
            raise BrokenFeed(expectations.RECORDS_BEYOND_LIMIT.at(limit=limits.records))
        self.records += 1
        return self.before + self.records

    def stop(self, broken: BrokenFeed) -> None:
        """It cannot be read on: what is behind the break is no part."""
        self.tell(broken.finding)
        self.is_broken = True
        self.cuts.clear()
