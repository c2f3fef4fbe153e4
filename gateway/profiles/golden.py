"""The golden cases of a profile: ``cases/<case>/input.*`` in its folder, and what must come of each
record in ``expected.json``.

No register is asked (``gateway.profiles.judging``), and the day of receipt is the same for ever,
so that a case says the same on every machine and every day.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from gateway.adapters.limits import Limits
from gateway.profiles.judging import Judging, Told
from gateway.profiles.outcomes import Difference, Outcome, OutcomeFinding, compare_outcomes
from mappers.profile_load import Shelf
from mappers.profile_model import Profile
from schemas.errors import WrongUseError
from schemas.finding import Finding

PROFILE_FILE: Final = "profile.yaml"
CASES: Final = "cases"
EXPECTED: Final = "expected.json"
# Later than any date that a case would have by mistake; the dates of a case do not grow old.
RECEIVED_AT: Final = datetime(2100, 1, 1, 12, tzinfo=UTC)
_FEED: Final = "the feed"


class CaseResult(msgspec.Struct, frozen=True):
    """``found`` is what ``expected.json`` would hold; ``is_new``: there is none yet."""

    name: str
    expected_file: Path
    found: list[Outcome]
    differences: list[Difference]
    is_new: bool = False

    @property
    def records(self) -> int:
        """How many were found; what is said of the feed as a whole is none."""
        return sum(one.locator != _FEED for one in self.found)


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
