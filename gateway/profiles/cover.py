"""Cover a file: count what a profile makes of it, and compare that with the feed before it."""

from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import msgspec

from gateway.bootstrap import Gateway
from gateway.profiles.coverage import count_file, make_coverage
from gateway.profiles.coverage_model import Coverage
from gateway.profiles.drift import Drift, compare
from gateway.profiles.judging import Judging
from gateway.profiles.previous import find_previous, name_previous
from gateway.profiles.report_needs import list_needs
from gateway.profiles.report_tables import TableOfWords, list_tables
from gateway.profiles.report_words import summarise
from gateway.profiles.sharing import MIN_COUNT
from gateway.profiles.tally import Tally

Progress = Callable[[int], None] | None


class Covered(NamedTuple):
    """``drift`` is None where there is nothing to compare with."""

    coverage: Coverage
    drift: Drift | None

    @property
    def summary(self) -> list[str]:
        return list(summarise(self.coverage, self.drift))

    @property
    def needs(self) -> list[str]:
        """What the sender is asked for."""
        return list(list_needs(self.coverage, self.drift))

    @property
    def tables(self) -> list[TableOfWords]:
        return list(list_tables(self.coverage, self.drift))

    def as_json(self) -> dict[str, Any]:
        return {
            "summary": self.summary,
            "needs": self.needs,
            "coverage": msgspec.to_builtins(self.coverage),
            "drift": msgspec.to_builtins(self.drift),
        }


class Covering:
    """Covers one file; what it is compared with is read by the same profile."""

    def __init__(
        self,
        judging: Judging,
        stream: BinaryIO,
        name: str,
        *,
        source: str | None = None,
        min_count: int = MIN_COUNT,
        progress: Progress = None,
    ) -> None:
        self._judging = judging
        self._stream = stream
        self._progress = progress
        self._min_count = min_count
        self._tally = count_file(judging, stream, progress)
        self._coverage = make_coverage(self._tally, file=name, source=source, min_count=min_count)

    @property
    def is_empty(self) -> bool:
        """Whether no record could be read."""
        return not self._coverage.records

    def alone(self) -> Covered:
        return Covered(self._coverage, None)

    def against(self, stream: BinaryIO, name: str) -> Covered:
        """Compared with another file."""
        before = count_file(self._judging, stream, self._progress)
        return self._compare(before, name)

    def against_previous(self, gateway: Gateway, source_id: str) -> Covered:
        """Compared with the last batch of the source, where there is one."""
        batch = find_previous(gateway, source_id, self._stream)
        if batch is None:
            return self.alone()
        with gateway.raw.open_verified(batch.sha256) as stream:
            before = count_file(self._judging, stream, self._progress)
        return self._compare(before, name_previous(batch))

    def _compare(self, before: Tally, name: str) -> Covered:
        drift = compare(before, self._tally, against=name, min_count=self._min_count)
        return Covered(self._coverage, drift)
