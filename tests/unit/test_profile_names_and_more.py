"""Organisations by name with a code list of the profile's own; a narrative and what follows it."""

import pytest

from mappers.profile_model import Profile
from mappers.profile_read import ProfileMapper
from schemas.record import SourceRecord

ORGANISATION = "PractitionerDetails.ReporterOrganisation"


def map_content(content, **changes):
    profile = Profile.model_validate(
        {
            "name": "named",
            "version": "1",
            "format": "csv",
            "taxonomy_version": "5",
            "local_id": "id",
            "event_type": "type",
            "narrative": {"field": "told", "more": {"lessons": "Lessons"}},
            **changes,
        }
    )
    mapper = ProfileMapper(profile, strict=False, default_version="5")
    return mapper.map_record(SourceRecord(1, "row 2", {"id": "1", "type": "1"} | content, b""))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Northmoor", "RZA"),
        ("  NORTHMOOR ", "RZA"),
        ("St  Hilda's site", "RZA01"),
        ("Ashcombe", "Ashcombe"),
        ("RZB", "RZB"),
    ],
)
def test_the_profile_may_know_a_name_that_the_register_writes_otherwise(name, found):
    codes = {"Northmoor": "RZA", "St Hilda's Site": "RZA01"}
    rule = {"to": ORGANISATION, "by_name": True, "codes": codes}
    mapped = map_content({"trust": name}, elements={"trust": rule})
    assert mapped.organisation_names == {ORGANISATION: [found]}
    assert mapped.findings == []


def test_what_follows_a_narrative_stands_under_its_heading():
    event = map_content({"told": "It fell.", "lessons": "Fix it."}).event
    assert event.narrative == "It fell.\n\nLessons: Fix it."


@pytest.mark.parametrize(("kind", "narrative"), [("1", None), ("2", "Lessons: Fix it.")])
def test_an_incident_is_not_told_by_what_only_follows(kind, narrative):
    event = map_content({"type": kind, "lessons": "Fix it."}).event
    assert event.narrative == narrative
