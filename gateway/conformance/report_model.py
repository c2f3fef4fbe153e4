"""The report of a run: what was sent, what was expected, what came, and what to do."""

from collections import Counter
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from gateway.conformance.case import Contract

FORMAT_VERSION: Final = "1"
Verdict = Literal["passed", "failed", "not_applicable"]


class Fault(msgspec.Struct, frozen=True):
    """One expectation that was not met. ``what`` is the thing looked at."""

    what: str
    expected: str
    came: str


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request without any secret: headers by name only. ``body`` in words."""

    method: str
    path: str
    headers: list[str]
    body: str
    bytes: int
    times: int


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """``status`` 0: no answer. Of several answers, that of the first; ``statuses`` has all."""

    status: int
    statuses: dict[int, int]
    media_type: str
    bytes: int
    milliseconds: int


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    sent: Sent
    expected: list[str]
    came: Came
    faults: list[Fault]


class CaseResult(msgspec.Struct, frozen=True, kw_only=True):
    """``says``: the rule; ``of``: whose it is. ``reason``: why it was not applicable, or not
    played to its end."""

    name: str
    says: str
    of: Contract
    verdict: Verdict
    milliseconds: int
    to_do: str = ""
    reason: str = ""
    steps: list[StepResult] = []


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0

    @property
    def all(self) -> int:
        return self.passed + self.failed + self.not_applicable


class GroupResult(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    title: str
    says: str
    counts: Counts
    milliseconds: int
    cases: list[CaseResult]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """``started_at``: ISO 8601, UTC. ``run``: the part that all local ids of this run have."""

    format: str = FORMAT_VERSION
    kit: str
    base: str
    contract: Contract
    organisation: str
    versions: list[str]
    run: str
    started_at: str
    milliseconds: int
    counts: Counts
    groups: list[GroupResult]

    @property
    def failed(self) -> list[CaseResult]:
        return [case for group in self.groups for case in group.cases if case.verdict == "failed"]


def count(verdicts: Iterable[Verdict]) -> Counts:
    return msgspec.convert(Counter(verdicts), Counts)
