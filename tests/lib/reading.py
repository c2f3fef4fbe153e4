"""Bytes and a profile → what reading them gives: the records, and what is told of the feed."""

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO

from gateway.adapters.broken import BrokenFeed
from schemas.catalogue import word_fix, word_message
from schemas.finding import Finding
from schemas.record import SourceRecord


class Reading:
    """``records`` in order; ``broken`` is the finding that ended the feed, ``told`` are the other
    findings on it as a whole. Every finding is worded once, so that its parameters are right."""

    def __init__(self, read: Callable[[BinaryIO], Iterator[SourceRecord]], raw: bytes) -> None:
        self.records: list[SourceRecord] = []
        self.broken: Finding | None = None
        try:
            for record in read(io.BytesIO(raw)):
                self.records.append(record)
        except BrokenFeed as stopped:
            self.broken = stopped.finding
            assert self.broken.scope == "batch"
        found = [finding for record in self.records for finding in record.findings]
        found += [self.broken] if self.broken else []
        self.words = [word_message(one) for one in found]
        assert all(word_fix(one) for one in found)
        numbers = [record.number for record in self.records]
        assert numbers == list(range(1, len(numbers) + 1))
        for record in self.records:
            errors = [one for one in record.findings if one.severity == "error"]
            assert (record.content is None) == bool(errors), record
            assert len(record.raw_hash) == 32

    @property
    def contents(self) -> list[object]:
        return [record.content for record in self.records]

    @property
    def outcome(self) -> list[tuple[str, str]]:
        """(locator, code of the first finding or "ok") of each record."""
        return [
            (record.locator, record.findings[0].code if record.findings else "ok")
            for record in self.records
        ]

    @property
    def codes(self) -> list[str]:
        return [code for _, code in self.outcome]
