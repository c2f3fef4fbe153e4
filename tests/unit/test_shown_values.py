"""What of a record's values a finding may show."""

import pytest

from mappers.profile_load import parse_profile
from mappers.profile_read import ProfileMapper
from schemas.record import SourceRecord
from schemas.values import shown
from tests.lib.events import make_submission
from validation.validate import validate_event


@pytest.mark.parametrize(
    "value",
    [
        "99",
        "y",
        "unk",
        "RZA01",
        "20111231999",
        "2.1.2",
        "20260099",
        "2.40pm",
        "true",
        "322236009",
        "v1.2-b",
        "9990000019",
    ],
)
def test_codes_and_dates_are_shown(value):
    assert shown(value) == f"'{value}'"


@pytest.mark.parametrize(
    "value",
    [
        "31/02/2026",
        "2026-02-31",
        "3.11.81",
        "03-Nov-1981",
        "3/November/1981",
        "03NOV81",
        "1981-11-03T10:00:00",
        "19811103",
        "03111981",
        3111981 + 10**7,
    ],
)
def test_a_date_is_shown_only_where_one_is_expected(value):
    """Elsewhere it is somebody's date of birth, in the wrong column."""
    assert shown(value, is_date=True) == f"'{value}'"
    assert shown(value) == f"({len(str(value))} characters)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Featherstonehaugh", "(17 characters)"),
        ("near-miss", "(9 characters)"),
        ("two words", "(9 characters)"),
        ("é", "(1 character)"),
        ("", "(0 characters)"),
        ("x" * 25, "(25 characters)"),
        # An NHS number of the test range, and telephone numbers.
        ("9990000018", "(10 characters)"),
        ("999-000-0018", "(12 characters)"),
        (9990000018, "(10 characters)"),
        ("01632960123", "(11 characters)"),
    ],
)
def test_what_may_be_a_person_is_not(value, words):
    assert shown(value) == words


def test_a_date_of_birth_in_the_wrong_column_is_not_shown() -> None:
    profile = parse_profile(
        "name: x\nversion: '1'\nformat: csv\ntaxonomy_version: '5'\nevent_type: {value: '1'}\n"
        "event_date: {field: date, date_format: DD/MM/YYYY}\n"
        "patients:\n  elements:\n"
        "    sex: {to: PatientInformation.Gender, codes: {F: '2'}}\n"
        "    harm: PatientInformation.PhysicalHarm\n"
        "    age: {to: PatientInformation.AgeAtTimeOfIncidentDays, age: text}\n",
        "x.yaml",
    )
    mapper = ProfileMapper(profile, strict=True, default_version="5")
    for born in ("13/11/1981", "13111981", "1981-11-13", "13-Nov-1981", "13/11/81"):
        content = {"date": born, "sex": born, "harm": born, "age": born}
        mapped = mapper.map_record(SourceRecord(1, "", content, b""))
        assert mapped.event is not None
        told = [*mapped.findings, *validate_event(mapped.event, make_submission())]
        assert {"MAP-050", "TAX-007"} <= {one.code for one in told}
        assert born not in str([one.params for one in told if one.path != "event_date"])
