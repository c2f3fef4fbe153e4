"""The golden cases in a profile's folder: run, compared, written anew."""

import json
from pathlib import Path

import pytest

from gateway.profiles.golden import run_cases, write_expected
from gateway.profiles.outcomes import NOT_THERE
from mappers.profile_load import make_shelf
from schemas.errors import WrongUseError
from tests.lib.profile_files import SMALL_PROFILE, make_row, write_rows


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A profile with one case, whose expectations are written."""
    folder = tmp_path / "small"
    (folder / "cases" / "first").mkdir(parents=True)
    (folder / "profile.yaml").write_text(SMALL_PROFILE)
    raw = write_rows(make_row(1), make_row(2, harm_1="bad"), make_row(3, trust="NOWHERE1"))
    (folder / "cases" / "first" / "input.csv").write_bytes(raw)
    for result in run_cases(folder, make_shelf()):
        assert result.is_new
        write_expected(result)
    return folder


def run(folder: Path) -> list[tuple[str, str, object, object]]:
    (result,) = run_cases(folder, make_shelf())
    assert not result.is_new
    return [(one.record, one.path, one.expected, one.found) for one in result.differences]


def change(folder: Path, **values: object) -> None:
    """Changes what is expected of the first record."""
    path = folder / "cases" / "first" / "expected.json"
    expected = json.loads(path.read_text())
    expected[0] |= values
    path.write_text(json.dumps(expected))


def test_what_was_written_is_what_is_found(folder: Path):
    assert run(folder) == []


def test_the_expectation_tells_event_derivation_and_findings(folder: Path):
    first, second, third = json.loads((folder / "cases/first/expected.json").read_text())
    assert first["event"]["groups"]["PatientInformation"][0]["PhysicalHarm"] == "4"
    assert first["derived"] == ["LocationDetails.LocationKnown"]
    assert second["findings"] == [
        {
            "code": "MAP-050",
            "severity": "error",
            "path": "PatientInformation[0].PhysicalHarm",
            "source_path": "harm_1",
        }
    ]
    # No register is asked.
    assert "findings" not in third or third["findings"] == []


def test_an_element_that_differs_is_named_with_both_values(folder: Path):
    expected = json.loads((folder / "cases/first/expected.json").read_text())
    expected[0]["event"]["groups"]["PatientInformation"][0]["PhysicalHarm"] = "5"
    change(folder, event=expected[0]["event"])
    assert run(folder) == [("row 2", "PatientInformation[0].PhysicalHarm", "5", "4")]


def test_a_finding_that_is_gone_is_told(folder: Path):
    finding = {"code": "TAX-007", "severity": "error", "path": "X.Y", "source_path": "x"}
    change(folder, findings=[finding])
    assert run(folder) == [("row 2", "finding TAX-007 X.Y", "error, from x", NOT_THERE)]


def test_a_record_too_many_or_too_few_is_told(folder: Path):
    change(folder, locator="row 99")
    assert run(folder) == [
        ("row 99", "the record", "a record", NOT_THERE),
        ("row 2", "the record", NOT_THERE, "a record"),
    ]


def test_what_is_found_of_the_feed_itself_is_an_outcome(folder: Path):
    (folder / "cases/first/input.csv").write_bytes(b"a,b\n")
    (result,) = run_cases(folder, make_shelf())
    assert [one.locator for one in result.found] == ["the feed"]
    assert [one.code for one in result.found[0].findings] == ["READ-069"]


def test_a_profile_without_cases_says_how_to_make_one(tmp_path: Path):
    (tmp_path / "profile.yaml").write_text(SMALL_PROFILE)
    with pytest.raises(WrongUseError, match=r"cases/<case>/input\.csv.*--write"):
        run_cases(tmp_path, make_shelf())


def test_an_expectation_that_is_no_list_of_records_is_wrong_use(folder: Path):
    (folder / "cases/first/expected.json").write_text('{"locator": 1}')
    with pytest.raises(WrongUseError, match=r"expected\.json"):
        run_cases(folder, make_shelf())


def test_a_case_has_one_input(folder: Path):
    (folder / "cases/first/input.xml").write_text("<a/>")
    with pytest.raises(WrongUseError, match="one file"):
        run_cases(folder, make_shelf())
