"""Fields with more to them than one element: several rules, conditions, pieces of a text, decision
tables, ages, organisations by name, texts under headings."""

from typing import Any

import pytest

from mappers.profile_conditions import View, make_condition
from mappers.profile_load import parse_profile
from mappers.profile_read import ProfileMapper
from mappers.profile_terms import Asked
from schemas.catalogue import word_fix, word_message
from schemas.event import Groups
from schemas.record import Mapped, SourceRecord

WARD = parse_profile(
    """
name: ward
version: "1"
format: csv
taxonomy_version: Version
local_id: Ref
event_type: {value: "1"}
event_date: {field: When, date_format: ["DD/MM/YYYY HH:MM", "DD/MM/YYYY"]}
narrative: {field: Story, more: {Causes: Apparent causes, Actions: Actions taken}}
separator: ;
code_lists: {agents: {drug: "4", device: "3", none: ""}}
elements:
  When:
    to: AdverseEventEstimatedDate.PreciseTime
    date_format: "DD/MM/YYYY HH:MM"
    when: {When: {contains: [":"]}}
  Category:
    - {to: AdverseEventAgent.InvolvedAgents, take: {separator: /, part: 1}, codes: agents}
    - to: AdverseEventProblemMedication.ProblemDescriptionDrugs
      when: {Category: {contains: [drug]}}
      take: {separator: /, part: 2}
    - to: AdverseEventProblemDevices.ProblemDescriptionDevices
      when: {Category: {contains: [device]}}
      take: {separator: /, part: -1}
  Sub agent:
    to: AdverseEventAgent.InvolvedAgents
    codes: agents
    when: {Category: {given: false}}
    derived: true
  Level: {to: AdverseEventClassification.LevelOfConcern, when: {Old form: {none: ["yes"]}}}
  Old level: {to: AdverseEventClassification.LevelOfConcern, when: {Old form: ["yes"]}}
  Never: AdverseEventGovernance.NeverEvent
  Never kind:
    - AdverseEventGovernance.NeverEventType
    - to: AdverseEventGovernance.NeverEvent
      when: {Never kind: {given: true}}
      derived: true
      booleans: {"true": ["1"], "false": [-]}
  Risk: {to: AdverseEventRiskDetails.RiskDescription, when: {Story: {given: true}}}
  Risk more:
    to: AdverseEventRiskDetails.RiskDescription
    heading: More
    when: [{Old form: "yes"}, {Level: {any: ["1", "2"]}, Ref: {given: true}}]
  Risk last: {to: AdverseEventRiskDetails.RiskDescription, heading: Last}
  Trust: {to: LocationDetails.Organisation, by_name: true}
  Other trust: {to: LocationDetails.Organisation, by_name: true}
  Reporter trust: {to: PractitionerDetails.ReporterOrganisation, by_name: true}
  Process:
    - AdverseEventProcess.Process
    - AdverseEventProcess.HealthcareProcess
  New process: {to: AdverseEventProcess.HealthcareProcess, when: {Old form: "no"}}
derive:
  AdverseEventSafetyChallenges.SafetyChallenges:
    - {when: {Category: {contains: [fall]}}, value: ["2"]}
    - {when: [{Category: "self harm"}, {Story: {contains: [ligature]}}], value: ["5", "3"]}
    - {when: {Old form: "yes"}, value: []}
    - {value: "6"}
  AdverseEventGovernance.NeverEvent:
    - {when: {Ref: {any: [X1]}}, value: "no"}
  LocationDetails.Organisation:
    - {when: {Ref: {any: [X1]}}, value: RZA}
constants:
  PractitionerDetails.ReporterType: "3"
ignored: {Handler: internal}
""",
    "ward.yaml",
)
ALWAYS: dict[str, Any] = {
    "PractitionerDetails": {"ReporterType": "3"},
    "AdverseEventSafetyChallenges": {"SafetyChallenges": ["6"]},
}
MAPPER = ProfileMapper(WARD, strict=False, default_version="5")


def map_ward(fields: dict[str, Any]) -> Mapped:
    mapped = MAPPER.map_record(SourceRecord(1, "row 2", {"Ref": "17", **fields}, b""))
    for finding in mapped.findings:
        assert word_message(finding)
        assert word_fix(finding)
    return mapped


def groups(mapped: Mapped) -> Groups:
    """Those of the event that the record itself says."""
    assert mapped.event is not None
    return {name: one for name, one in mapped.event.groups.items() if one != ALWAYS.get(name)}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"Category": "Drug / wrong dose / twice"},
            {
                "AdverseEventAgent": {"InvolvedAgents": ["4"]},
                "AdverseEventProblemMedication": {"ProblemDescriptionDrugs": "wrong dose"},
            },
        ),
        (
            {"Category": "device/broken/in use"},
            {
                "AdverseEventAgent": {"InvolvedAgents": ["3"]},
                "AdverseEventProblemDevices": {"ProblemDescriptionDevices": "in use"},
            },
        ),
        # There is no second piece.
        ({"Category": "drug"}, {"AdverseEventAgent": {"InvolvedAgents": ["4"]}}),
        ({"Sub agent": "drug;device"}, {"AdverseEventAgent": {"InvolvedAgents": ["3", "4"]}}),
        (
            {"Sub agent": "drug", "Category": "device"},
            {
                "AdverseEventAgent": {"InvolvedAgents": ["3"]},
                "AdverseEventProblemDevices": {"ProblemDescriptionDevices": "device"},
            },
        ),
        ({"Level": "1"}, {"AdverseEventClassification": {"LevelOfConcern": "1"}}),
        (
            {"Level": "1", "Old level": "2", "Old form": " YES "},
            {
                "AdverseEventClassification": {"LevelOfConcern": "2"},
            },
        ),
        ({"Old level": "2"}, {}),
        (
            {"Never kind": "1"},
            {"AdverseEventGovernance": {"NeverEventType": "1", "NeverEvent": True}},
        ),
        (
            {"Never kind": "1", "Never": "yes"},
            {"AdverseEventGovernance": {"NeverEventType": "1", "NeverEvent": True}},
        ),
        (
            {"Story": "x", "Risk": "a", "Risk last": "c"},
            {"AdverseEventRiskDetails": {"RiskDescription": "a\n\nLast: c"}},
        ),
        (
            {"Risk last": "c", "Risk": "a", "Level": "2", "Risk more": "b", "Story": "x"},
            {
                "AdverseEventRiskDetails": {"RiskDescription": "a\n\nMore: b\n\nLast: c"},
                "AdverseEventClassification": {"LevelOfConcern": "2"},
            },
        ),
        ({"Risk": "a", "Risk more": "b"}, {}),
        ({"Risk last": "c"}, {"AdverseEventRiskDetails": {"RiskDescription": "Last: c"}}),
        ({"Process": "1"}, {"AdverseEventProcess": {"Process": "1"}}),
        # Its condition does not hold, so the version does not matter.
        ({"New process": "1"}, {}),
        ({"When": "03/11/2026"}, {}),
        ({"When": "03/11/2026 02:40"}, {"AdverseEventEstimatedDate": {"PreciseTime": "02:40:00"}}),
    ],
)
def test_rules_are_followed_where_they_hold(
    fields: dict[str, str], expected: dict[str, Any]
) -> None:
    mapped = map_ward(fields)
    assert mapped.findings == []
    if fields.get("Old form"):
        expected = {**expected}
        assert groups(mapped) == expected
        assert mapped.event is not None
        assert "AdverseEventSafetyChallenges" not in mapped.event.groups
    else:
        assert groups(mapped) == expected


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        (
            {"Never kind": "1", "Never": "no"},
            ("MAP-059", "error", "AdverseEventGovernance.NeverEvent", "Never kind"),
        ),
        (
            {"Never": ["yes", "no"]},
            ("MAP-055", "error", "AdverseEventGovernance.NeverEvent", "Never"),
        ),
        (
            {"Risk last": ["a", "b"]},
            ("MAP-055", "error", "AdverseEventRiskDetails.RiskDescription", "Risk last"),
        ),
        (
            {"Category": "martian / x"},
            ("MAP-050", "error", "AdverseEventAgent.InvolvedAgents[0]", "Category"),
        ),
        (
            {"New process": "1", "Old form": "No"},
            ("MAP-056", "warning", "AdverseEventProcess.HealthcareProcess", "New process"),
        ),
        ({"Story": "x", "Causes": ["a", "b"]}, ("MAP-055", "error", "narrative", "Causes")),
        ({"Sub agent": {"a": "b"}}, ("MAP-001", "warning", "", "Sub agent")),
        ({"Unheard of": "x"}, ("MAP-001", "warning", "", "Unheard of")),
        (
            {"When": "03/11/26 02:40"},
            ("MAP-060", "error", "event_date", "When"),
        ),
    ],
)
def test_what_does_not_fit_is_a_finding(
    fields: dict[str, Any], finding: tuple[str, str, str, str]
) -> None:
    found = map_ward(fields).findings
    assert (found[0].code, found[0].severity, found[0].path, found[0].source_path) == finding


def test_a_disagreement_leaves_the_element_out() -> None:
    mapped = map_ward({"Never kind": "1", "Never": "no"})
    assert groups(mapped) == {"AdverseEventGovernance": {"NeverEventType": "1"}}
    assert mapped.findings[0].params == {
        "fields": "Never, Never kind",
        "element": "AdverseEventGovernance.NeverEvent",
    }


@pytest.mark.parametrize(
    ("fields", "value"),
    [
        ({"Category": "A FALL from a bed"}, ["2"]),
        ({"Category": " Self Harm "}, ["3", "5"]),
        ({"Category": "self harm, again"}, ["6"]),
        ({"Story": "With a Ligature."}, ["3", "5"]),
        ({"Old form": "yes"}, None),
        ({}, ["6"]),
    ],
)
def test_the_first_case_that_holds_is_derived(fields: dict[str, str], value: object) -> None:
    mapped = map_ward(fields)
    assert mapped.event is not None
    element = "AdverseEventSafetyChallenges.SafetyChallenges"
    found = mapped.event.group("AdverseEventSafetyChallenges").get("SafetyChallenges")
    assert found == value
    assert (element in mapped.derived) == (value is not None)


@pytest.mark.parametrize(
    ("fields", "derived"),
    [
        ({}, set()),
        ({"Sub agent": "drug"}, {"AdverseEventAgent.InvolvedAgents"}),
        ({"Sub agent": "none"}, set()),
        ({"Never kind": "1"}, {"AdverseEventGovernance.NeverEvent"}),
        # The feed says so itself, too.
        ({"Never kind": "1", "Never": "yes"}, set()),
        (
            {"Ref": "x1"},
            {"AdverseEventGovernance.NeverEvent", "LocationDetails.Organisation"},
        ),
        ({"Ref": "x1", "Never": "yes"}, {"LocationDetails.Organisation"}),
        # Named is filled, though the code is still to be found.
        ({"Ref": "x1", "Trust": "Leeds"}, {"AdverseEventGovernance.NeverEvent"}),
    ],
)
def test_what_the_feed_does_not_say_is_marked_derived(
    fields: dict[str, str], derived: set[str]
) -> None:
    always = {
        "event_type",
        "AdverseEventSafetyChallenges.SafetyChallenges",
        "PractitionerDetails.ReporterType",
    }
    assert set(map_ward(fields).derived) == always | derived


@pytest.mark.parametrize(
    ("fields", "narrative"),
    [
        ({"Story": " It broke. "}, "It broke."),
        (
            {"Story": "It broke.", "Causes": "age\r\n", "Actions": " "},
            "It broke.\n\nApparent causes: age",
        ),
        (
            {"Story": "It broke.", "Actions": "new one", "Causes": "age"},
            "It broke.\n\nApparent causes: age\n\nActions taken: new one",
        ),
        ({"Story": " ", "Causes": ""}, None),
    ],
)
def test_further_texts_follow_the_narrative(fields: dict[str, str], narrative: str | None) -> None:
    mapped = map_ward(fields)
    assert mapped.event is not None
    assert mapped.event.narrative == narrative


def test_organisations_by_name_stand_beside_the_event() -> None:
    mapped = map_ward(
        {
            "Trust": "Leeds; York ;Leeds",
            "Other trust": ["York", "Hull"],
            "Reporter trust": "St Mary's; West Wing",
        }
    )
    assert mapped.findings == []
    assert groups(mapped) == {}
    assert mapped.organisation_names == {
        "LocationDetails.Organisation": ["Leeds", "York", "Hull"],
        "PractitionerDetails.ReporterOrganisation": ["St Mary's; West Wing"],
    }


def test_source_paths_say_which_field_it_was() -> None:
    record = {"Ref": "x1", "Old level": "2", "Old form": "yes", "Category": "Fall"}
    paths = MAPPER.source_paths(SourceRecord(1, "", record, b""))
    assert paths["AdverseEventClassification.LevelOfConcern"] == "Old level"
    assert paths["AdverseEventSafetyChallenges.SafetyChallenges"] == "Category"
    assert paths["event_date"] == "When"
    assert paths["AdverseEventGovernance.NeverEventType"] == "Never kind"


@pytest.mark.parametrize(
    ("asked", "cell", "holds"),
    [
        ("yes", "YES", True),
        ("yes", "  yes\n", True),
        ("yes", "yes please", False),
        ("yes", None, False),
        (["a", "b"], "B", True),
        (["a", "b"], ["x", " a "], True),
        (["a", "b"], ["x", "y"], False),
        ([""], None, True),
        ([""], "  ", True),
        ([""], "x", False),
        ({"none": ["a"]}, "b", True),
        ({"none": ["a"]}, "A ", False),
        ({"none": ["a"]}, ["a", "b"], False),
        ({"none": ["a"]}, None, True),
        ({"none": [""]}, None, False),
        ({"contains": ["fall", "trip"]}, "He TRIPPED", True),
        ({"contains": ["fall"]}, ["no", "a Fall"], True),
        ({"contains": ["fall"]}, "stood", False),
        ({"contains": ["fall"]}, None, False),
        ({"given": True}, "x", True),
        ({"given": True}, " ", False),
        ({"given": True}, [" ", "x"], True),
        ({"given": False}, [" ", ""], True),
        ({"given": False}, "x", False),
        ({"given": True, "none": ["n/a"]}, "N/A", False),
        ({"given": True, "none": ["n/a"]}, "7", True),
        ("straße", "STRASSE", True),
        ({"given": True}, 7, False),
        ({"given": True}, {"a": "b"}, False),
    ],
)
def test_what_is_asked_of_a_field(asked: Any, cell: Any, *, holds: bool) -> None:
    condition = make_condition([{"a": Asked.model_validate(asked)}])
    assert condition is not None
    assert condition.holds(View({} if cell is None else {"a": cell})) == holds


def test_all_of_one_or_any_of_several() -> None:
    both = {"a": Asked.model_validate("1"), "b": Asked.model_validate("2")}
    either = [both, {"c": Asked.model_validate("3")}]
    for fields, holds, reason in (
        ({"a": "1", "b": "2"}, True, "a"),
        ({"a": "1"}, False, None),
        ({"a": "1", "c": "3"}, True, "c"),
    ):
        condition = make_condition(either)
        assert condition is not None
        assert condition.holds(View(fields)) == holds
        assert condition.find_reason(View(fields)) == reason
    assert make_condition(None) is None
