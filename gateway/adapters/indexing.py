"""What one pass over a feed tells: how many records it has, what is to be said of it, and where it
may be cut."""

from typing import NamedTuple

import msgspec

from gateway.adapters.around import Around
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.catalogue import expectations
from schemas.finding import Finding


class Piece(NamedTuple):
    """What a part is to be: bytes ``start`` to ``end``, the number of its first record in the batch
    and its place in the feed, and what stands around it."""

    start: int
    end: int
    first_record: int
    first_line: int
    around: Around | None = None


class Index(msgspec.Struct):
    """``findings``: of the feed as a whole, as reading it from start to end tells them; what ends
    it is the last. ``pieces``: what it may be cut into; empty where it is one. ``before``: records
    of the batch that came before the feed."""

    before: int = 0
    records: int = 0
    findings: list[Finding] = []
    pieces: list[Piece] = []
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
        """It cannot be read on: no part may go on behind the break."""
        self.tell(broken.finding)
        self.is_broken = True
        self.pieces.clear()
