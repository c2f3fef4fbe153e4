"""The golden cases of a profile: ``cases/<case>/input.*`` in its folder, and what must come of each
record in ``expected.json``.

No register is asked (``gateway.profiles.judging``), and the day of receipt is the same for ever,
so that a case says the same on every machine and every day.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.adapters.limits import Limits
from gateway.profiles.judging import Judging, Told
from mappers.profile_load import Shelf
from mappers.profile_model import Profile
from schemas.errors import WrongUseError
from schemas.event import NationalEvent
from schemas.finding import Finding, Severity

PROFILE_FILE: Final = "profile.yaml"
CASES: Final = "cases"
EXPECTED: Final = "expected.json"
# Later than any date that a case would have by mistake; the dates of a case do not grow old.
RECEIVED_AT: Final = datetime(2100, 1, 1, 12, tzinfo=UTC)
NOT_THERE: Final = "(nothing)"
_FEED: Final = "the feed"


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


class CaseResult(msgspec.Struct, frozen=True):
    """``found`` is what ``expected.json`` would hold; ``is_new``: there is none yet."""

    name: str
    expected_file: Path
    found: list[Outcome]
    differences: list[Difference]
    is_new: bool = False


def run_cases(
    profile_folder: Path, shelf: Shelf, *, limits: Limits | None = None
) -> list[CaseResult]:
    """Every case of the profile in this folder, by name; WrongUseError where there is none."""
    profile = shelf.read_file(profile_folder / PROFILE_FILE)
    folder = profile_folder / CASES
    found = sorted(one for one in folder.glob("*") if one.is_dir()) if folder.is_dir() else []
    if not found:
        raise WrongUseError(
            f"profile {profile.name} has no golden cases: put a small feed into"
            f" {folder / '<case>' / f'input.{profile.format}'} and run profile test --write"
        )
    return [_run_case(profile, one, limits or Limits()) for one in found]


def write_expected(result: CaseResult) -> None:
    """Makes what was found what is expected, for the author to READ."""
    result.expected_file.write_bytes(encode_outcomes(result.found))


def encode_outcomes(outcomes: list[Outcome]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(outcomes), indent=2) + b"\n"


def _run_case(profile: Profile, folder: Path, limits: Limits) -> CaseResult:
    inputs = sorted(one for one in folder.glob("input.*") if one.is_file())
    if len(inputs) != 1:
        raise WrongUseError(f"{folder}: a case has one file input.*, not {len(inputs)}")
    judging = Judging(profile, limits=limits, received_at=RECEIVED_AT)
    found = list(_find_outcomes(judging, inputs[0]))
    expected_file = folder / EXPECTED
    is_new = not expected_file.exists()
    expected = [] if is_new else _read_expected(expected_file)
    differences = list(compare_outcomes(expected, found))
    return CaseResult(folder.name, expected_file, found, differences, is_new)


def _find_outcomes(judging: Judging, path: Path) -> Iterator[Outcome]:
    with path.open("rb") as stream:
        yield from map(_outcome_of, judging.read(stream))
    if judging.findings:
        yield Outcome(_FEED, findings=[_plain(finding) for finding in judging.findings])


def _outcome_of(told: Told) -> Outcome:
    mapped = told.mapped
    return Outcome(
        locator=told.record.locator,
        local_id=mapped.local_id if mapped else told.record.local_id,
        event=mapped.event if mapped else None,
        derived=sorted(mapped.derived) if mapped else [],
        findings=[_plain(finding) for finding in told.findings],
    )


def _plain(finding: Finding) -> OutcomeFinding:
    return OutcomeFinding(finding.code, finding.severity, finding.path, finding.source_path)


def _read_expected(path: Path) -> list[Outcome]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Outcome])
    except msgspec.DecodeError as error:
        raise WrongUseError(f"{path}: not a list of records as JSON: {error}") from None


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
