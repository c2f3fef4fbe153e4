"""Which field fills what, in words."""

from gateway.profiles.outline import Filling, list_fillings, shorten
from mappers.profile_load import find_profiles, load_profile, parse_profile

PROFILE = """\
name: x
version: 1
format: csv
taxonomy_version: v
local_id: id
event_type: {value: 1}
event_date: {field: day, date_format: [ISO, DD/MM/YYYY]}
narrative: {field: text, more: {lesson: Lesson}}
elements:
  place:
    - {to: LocationDetails.ServiceArea, take: {separator: ">", part: 1}, separator: ";"}
    - to: LocationDetails.LocationWithinService
      when: [{a: [x, y], b: {none: [z], given: true}}, {c: {contains: [w]}}]
      codes: {ward: "4"}
      derived: true
  site: {to: LocationDetails.Organisation, by_name: true}
  note: {to: AdverseEventOutcome.ImmediateActions, heading: Note}
patients:
  number: PatientSequence
  elements:
    age_{n}: {to: PatientInformation.AgeAtTimeOfIncidentDays, age: months}
    born_{n}:
      to: PatientInformation.AgeAtTimeOfIncidentDays
      age: date_of_birth
      when: {"age_{n}": {given: false}}
derive:
  LocationDetails.LocationKnown:
    - {when: {site: {given: true}}, value: "y"}
    - {value: "u"}
constants:
  AdverseEventAgent.InvolvedAgents: ["4", "3"]
"""


def test_every_way_to_fill_an_element_has_words() -> None:
    assert list_fillings(parse_profile(PROFILE, "x.yaml")) == [
        Filling("taxonomy_version", "v"),
        Filling("local_id", "id"),
        Filling("event_date", "day", "ISO, DD/MM/YYYY"),
        Filling("narrative", "text, lesson"),
        Filling("event_type", "", "always 1"),
        Filling("AdverseEventAgent.InvolvedAgents", "", "always 4, 3"),
        Filling("AdverseEventOutcome.ImmediateActions", "note", "under 'Note'"),
        Filling("PatientInformation.AgeAtTimeOfIncidentDays", "age_{n}", "age in months"),
        Filling(
            "PatientInformation.AgeAtTimeOfIncidentDays",
            "born_{n}",
            "age by date of birth; where age_{n} is empty",
        ),
        Filling(
            "PatientInformation.PatientSequence", "", "the number of the occurrence (patients)"
        ),
        Filling("LocationDetails.LocationKnown", "", "derived: y, where site is filled"),
        Filling("LocationDetails.LocationKnown", "", "else u"),
        Filling("LocationDetails.Organisation", "site", "by name"),
        Filling(
            "LocationDetails.ServiceArea", "place", "piece 1 at '>'; several, separated by ';'"
        ),
        Filling(
            "LocationDetails.LocationWithinService",
            "place",
            "1 codes; derived; where a is x or y and b is not z and is filled, or c contains w",
        ),
    ]


def test_every_shipped_profile_can_be_told() -> None:
    for name in find_profiles():
        profile = load_profile(name)
        told = {one.element for one in list_fillings(profile)}
        assert {"event_type", "taxonomy_version", *profile.derive, *profile.constants} <= told


def test_rules_that_say_no_more_are_short() -> None:
    given = {"a": {"to": "X.Y"}, "b": [{"to": "X.Y"}, {"to": "X.Y", "codes": {}}], "c": {}}
    assert shorten(given) == {"a": "X.Y", "b": ["X.Y", {"to": "X.Y"}]}
