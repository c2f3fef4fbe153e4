"""The conformance kit in a test: a target, a run without a clock, and cases made on the spot."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.conformance.case import Case, Group
from gateway.conformance.read_cases import read_groups
from gateway.conformance.report_model import CaseResult, Report
from gateway.conformance.run import run_kit
from gateway.conformance.target import Key, Target
from tests.lib.wire_server import KEY

RUN = "AB12CD34"
STARTED = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


def make_target(base: str = "https://gateway.example", **more: Any) -> Target:
    values = {"key": Key(KEY), "organisation": "RZA", "not_granted": "RZB", "timeout": 5} | more
    return Target(base=base, **values)


def run_groups(target: Target, *names: str, groups: Sequence[Group] = ()) -> Report:
    return run_kit(
        target,
        groups or read_groups(names),
        run=RUN,
        started_at=STARTED,
        told=lambda group: None,
    )


def play_named(target: Target, group: str, *names: str) -> dict[str, CaseResult]:
    """The results of some cases of a shipped group."""
    (whole,) = read_groups((group,))
    chosen = [case for case in whole.cases if case.name in names]
    assert {case.name for case in chosen} == set(names)
    report = run_groups(target, groups=[msgspec.structs.replace(whole, cases=chosen)])
    return {case.name: case for case in report.groups[0].cases}


def play_steps(target: Target, *steps: dict[str, Any], **more: Any) -> CaseResult:
    """A case of these steps, as a file would have them."""
    case = {"name": "made", "says": "it is so", "of": "any", "to_do": "make it so", **more}
    made = msgspec.convert({**case, "steps": list(steps)}, Case)
    group = Group(name="made", title="Made", says="of a test", cases=[made])
    return run_groups(target, groups=[group]).groups[0].cases[0]


def list_faults(result: CaseResult) -> list[tuple[str, str, str]]:
    return [(one.what, one.expected, one.came) for step in result.steps for one in step.faults]


def list_cases() -> list[tuple[str, Case]]:
    """Every shipped case, with the name of its group."""
    return [(group.name, case) for group in read_groups() for case in group.cases]
