"""What comes of the records of a golden case, and how two of that differ."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from schemas.event import NationalEvent
from schemas.finding import Severity

NOT_THERE: Final = "(nothing)"


class OutcomeFinding(msgspec.Struct, frozen=True):
    code: str
    severity: Severity
    path: str = ""
    source_path: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """What comes of one record; where there are findings on the feed, the last is the feed itself.
    The event stands there also where the record is rejected: what the profile makes of it is what
    a case is about."""

    locator: str
    local_id: str | None = None
    event: NationalEvent | None = None
    derived: list[str] = []
    findings: list[OutcomeFinding] = []


class Difference(msgspec.Struct, frozen=True):
    """``record`` is its locator; ``path`` names the element, or what else of the record differs."""

    record: str
    path: str
    expected: Any
    found: Any


def compare_outcomes(expected: list[Outcome], found: list[Outcome]) -> Iterator[Difference]:
    """Record by record (known by its locator), element by element."""
    wanted = {one.locator: one for one in expected}
    given = {one.locator: one for one in found}
    for locator in dict.fromkeys([*wanted, *given]):
        if locator not in given:
            yield Difference(locator, "the record", "a record", NOT_THERE)
        elif locator not in wanted:
            yield Difference(locator, "the record", NOT_THERE, "a record")
        else:
            yield from _compare_one(wanted[locator], given[locator])


def _compare_one(wanted: Outcome, given: Outcome) -> Iterator[Difference]:
    before, after = _flatten(wanted), _flatten(given)
    for path in dict.fromkeys([*before, *after]):
        old, new = before.get(path, NOT_THERE), after.get(path, NOT_THERE)
        if old != new:
            yield Difference(given.locator, path, old, new)


def _flatten(outcome: Outcome) -> dict[str, Any]:
    """Path → value: one an element of the event, one a finding."""
    flat: dict[str, Any] = {"local_id": outcome.local_id, "derived": outcome.derived}
    if outcome.event is None:
        flat["event"] = None
    else:
        flat |= _flatten_event(outcome.event)
    return flat | _flatten_findings(outcome.findings)


def _flatten_event(event: NationalEvent) -> dict[str, Any]:
    flat: dict[str, Any] = msgspec.to_builtins(event)
    flat.pop("groups", None)
    for name, group in event.groups.items():
        if isinstance(group, dict):
            flat |= {f"{name}.{element}": value for element, value in group.items()}
            continue
        for place, one in enumerate(group):
            flat |= {f"{name}[{place}].{element}": value for element, value in one.items()}
    return flat


def _flatten_findings(findings: list[OutcomeFinding]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for one in findings:
        name = first = f"finding {one.code} {one.path or one.source_path}".strip()
        number = 1
        while name in flat:
            number += 1
            name = f"{first} ({number})"
        flat[name] = f"{one.severity}, from {one.source_path or NOT_THERE}"
    return flat
