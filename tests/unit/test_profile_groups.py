"""Patients and medications of a record: rows, items of a JSON list, columns with a number, fields
of the record itself; their conditions, derivations, ages and places in the feed."""

import io
from typing import Any

import pytest

from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from mappers.profile_load import parse_profile
from mappers.profile_model import ROWS
from mappers.profile_read import ProfileMapper
from schemas.batch import Part
from schemas.catalogue import word_fix, word_message
from schemas.record import Mapped, SourceRecord

CONTACTS = parse_profile(
    """
name: contacts
version: "1"
format: csv
taxonomy_version: "6"
event_type: type
event_date: {field: date, date_format: "DD/MM/YYYY"}
rows: {id: ref}
elements:
  agents: {to: AdverseEventAgent.InvolvedAgents, separator: ","}
  never: AdverseEventGovernance.NeverEvent
patients:
  rows: true
  when: {role: [patient, service user]}
  number: PatientSequence
  elements:
    harm: {to: PatientInformation.PhysicalHarm, when: {level: {none: [psychological]}}}
    dob: {to: PatientInformation.AgeAtTimeOfIncidentDays, age: date_of_birth,
      date_format: DD/MM/YYYY}
    bracket: {to: PatientInformation.AgeBracket, when: {dob: {given: false}}}
medications:
  rows: true
  elements: {drug: MedicationDmd.VTMCode}
derive:
  PatientInformation.PsychologicalHarm:
    - {when: {level: psychological, severe: "yes"}, value: "1"}
    - {when: {level: psychological}, value: "2"}
  AdverseEventClassification.LevelOfConcern:
    - {when: {harm: "1"}, value: "1"}
""",
    "contacts.yaml",
)
DOCUMENT = parse_profile(
    """
name: document
version: "1"
format: json
record: /incidents
taxonomy_version: "5"
event_type: /type
event_date: {field: /happened, date_format: ISO-datetime}
separator: "|"
elements:
  /agents: AdverseEventAgent.InvolvedAgents
  /items/*/agent: AdverseEventAgent.InvolvedAgents
patients:
  at: /people
  when: {/role: patient}
  number: PatientSequence
  elements:
    /harm: PatientInformation.PhysicalHarm
    /age/text: {to: PatientInformation.AgeAtTimeOfIncidentDays, age: text}
    /sex: {to: PatientInformation.Gender, when: {/coded: "true"}}
ignored: {/audit: theirs, /people/notes: theirs, /people/*/staff: theirs}
""",
    "document.yaml",
)
ONE = parse_profile(
    """
name: one
version: "1"
format: csv
taxonomy_version: "5"
event_type: {value: "1"}
event_date: date
patients:
  number: PatientSequence
  elements:
    harm: PatientInformation.PhysicalHarm
    age: [{to: PatientInformation.AgeAtTimeOfIncidentDays, age: years}]
""",
    "one.yaml",
)
NUMBERED = parse_profile(
    """
name: numbered
version: "1"
format: csv
taxonomy_version: "5"
event_type: {value: "1"}
patients:
  number: PatientSequence
  when: {"role {n}": {none: [staff]}, kind: {none: [staff only]}}
  elements:
    "harm {n}": PatientInformation.PhysicalHarm
    "age {n}": {to: PatientInformation.AgeBracket, age: years, when: {"estimated {n}": "yes"}}
derive:
  PatientInformation.PsychologicalHarm: [{when: {kind: upsetting}, value: "3"}]
""",
    "numbered.yaml",
)


def map_record(profile: Any, content: dict[str, Any]) -> Mapped:
    mapper = ProfileMapper(profile, strict=False, default_version="5")
    mapped = mapper.map_record(SourceRecord(1, "", content, b""))
    for finding in mapped.findings:
        assert word_message(finding)
        assert word_fix(finding)
    return mapped


def map_rows(*rows: dict[str, str], **fields: Any) -> Mapped:
    return map_record(CONTACTS, {"type": "1", "date": "03/11/2026", **fields, ROWS: list(rows)})


def groups(mapped: Mapped) -> dict[str, Any]:
    assert mapped.event is not None
    return dict(mapped.event.groups)


def test_each_row_that_is_meant_gives_a_patient() -> None:
    mapped = map_rows(
        {"role": "Staff", "harm": "2", "dob": "nonsense"},
        {"role": "Patient", "harm": "4", "dob": "04/11/1980"},
        {"role": "Patient"},
        {"role": "service user", "bracket": "9", "drug": "12"},
    )
    assert mapped.findings == []
    assert groups(mapped) == {
        "PatientInformation": [
            {"PhysicalHarm": "4", "AgeAtTimeOfIncidentDays": 45 * 372, "PatientSequence": 1},
            {"AgeBracket": "9", "PatientSequence": 2},
        ],
        "MedicationDmd": [{"VTMCode": ["12"]}],
    }


def test_a_condition_in_a_row_sees_that_row() -> None:
    mapped = map_rows(
        {"role": "patient", "harm": "4", "level": "psychological", "bracket": "9"},
        {"role": "patient", "harm": "1", "level": ""},
    )
    assert groups(mapped)["PatientInformation"] == [
        {"AgeBracket": "9", "PatientSequence": 1, "PsychologicalHarm": "2"},
        {"PhysicalHarm": "1", "PatientSequence": 2},
    ]
    # Of the record as a whole: any of its rows.
    assert groups(mapped)["AdverseEventClassification"] == {"LevelOfConcern": "1"}
    assert mapped.derived == (
        "PatientInformation[0].PsychologicalHarm",
        "AdverseEventClassification.LevelOfConcern",
    )


def test_a_condition_in_a_row_sees_the_record_too() -> None:
    row = {"role": "patient", "level": "psychological", "bracket": "9"}
    for severe, harm in (("yes", "1"), ("no", "2")):
        (patient,) = groups(map_rows(row, severe=severe))["PatientInformation"]
        assert patient["PsychologicalHarm"] == harm


def test_columns_of_the_record_that_differ_between_its_rows() -> None:
    mapped = map_rows({}, agents=["4,3", "4"], never=["yes", "no"])
    assert groups(mapped) == {"AdverseEventAgent": {"InvolvedAgents": ["3", "4"]}}
    assert [(finding.code, finding.source_path) for finding in mapped.findings] == [
        ("MAP-020", "agents"),
        ("MAP-055", "never"),
        ("MAP-066", "agents"),
    ]
    assert mapped.findings[-1].path == "AdverseEventAgent.InvolvedAgents"
    assert mapped.findings[-1].severity == "warning"
    assert mapped.findings[-1].params == {"field": "agents", "count": 2}


ROLES = parse_profile(
    """
name: roles
version: "1"
format: csv
taxonomy_version: "5"
event_type: {value: "1"}
rows: {id: ref}
elements:
  role: {to: AdverseEventAgent.InvolvedAgents, codes: {staff: "3", patient: "9"}}
  stage: {to: AdverseEventAgent.InvolvedAgents, codes: {a: "4", b: "10"}, when: {kind: device}}
  level: AdverseEventClassification.LevelOfConcern
patients:
  rows: true
  when: {role: patient}
  elements: {harm: PatientInformation.PhysicalHarm}
derive:
  PatientInformation.PsychologicalHarm: [{when: {upset: "yes"}, value: "3"}]
  PatientInformation.ClinicalOutcome: [{when: {level: "2"}, value: Grave}]
ignored: {name: names nobody}
""",
    "roles.yaml",
)


def read_roles(text: str) -> Mapped:
    limits = Limits()
    part = Part(batch_number=0, number=0, start=0, end=0)
    (record,) = read_csv(io.BytesIO(text.encode()), part, ROLES, limits=limits)
    mapped = ProfileMapper(ROLES, strict=True, default_version="5").map_record(record)
    assert not record.findings
    return mapped


def test_a_row_is_judged_by_its_own_role_though_the_record_is_mapped_from_it_too() -> None:
    mapped = read_roles("ref,role,harm\n1,patient,5\n1,staff,4\n1,,3\n")
    assert groups(mapped) == {
        "AdverseEventAgent": {"InvolvedAgents": ["3", "9"]},
        "PatientInformation": [{"PhysicalHarm": "5"}],
    }
    # That rows differ in what is a row's own is no disagreement.
    assert mapped.findings == []


def test_what_is_derived_of_a_patient_is_derived_from_its_row() -> None:
    mapped = read_roles("ref,role,harm,upset\n1,patient,5,yes\n1,patient,4,no\n1,patient,3,\n")
    assert groups(mapped)["PatientInformation"] == [
        {"PhysicalHarm": "5", "PsychologicalHarm": "3"},
        {"PhysicalHarm": "4"},
        {"PhysicalHarm": "3"},
    ]
    assert mapped.derived == ("event_type", "PatientInformation[0].PsychologicalHarm")


def test_what_the_record_says_once_holds_for_each_of_its_rows() -> None:
    mapped = read_roles("ref,role,harm,level\n1,patient,5,2\n1,patient,4,\n")
    patients = groups(mapped)["PatientInformation"]
    assert [one["ClinicalOutcome"] for one in patients] == ["Grave", "Grave"]


def test_rows_that_disagree_are_told_only_of_what_is_taken_over() -> None:
    rows = "ref,role,stage,kind,name\n1,patient,a,{0},a\n1,,b,{0},b\n"
    told = read_roles(rows.format("device"))
    assert [(one.code, one.source_path) for one in told.findings] == [("MAP-066", "stage")]
    assert read_roles(rows.format("drug")).findings == []


def test_findings_of_a_row_say_which() -> None:
    mapped = map_rows(
        {"role": "staff"},
        {"role": "patient", "harm": "4", "dob": "04/11/80"},
        {"role": "patient", "dob": "04/11/2062"},
    )
    assert [(one.code, one.path, one.source_path) for one in mapped.findings] == [
        ("MAP-060", "PatientInformation[0].AgeAtTimeOfIncidentDays", "dob[2]"),
        ("MAP-063", "PatientInformation[2].AgeAtTimeOfIncidentDays", "dob[3]"),
    ]
    assert all("04/11" not in str(one.params) for one in mapped.findings)


def test_a_single_row_needs_no_number() -> None:
    fields = {"role": "patient", "harm": "4", "dob": "x", "type": "1"}
    for content in (fields, {"type": "1", ROWS: [fields]}):
        mapped = map_record(CONTACTS, content)
        assert [one.source_path for one in mapped.findings if one.code != "MAP-001"] == ["dob"]
        mapper = ProfileMapper(CONTACTS, strict=True, default_version="6")
        paths = mapper.source_paths(SourceRecord(1, "", content, b""))
        assert paths["PatientInformation[0].PhysicalHarm"] == "harm"


def test_paths_of_rows() -> None:
    rows = [{"role": "staff"}, {"role": "patient", "harm": "4"}, {"role": "patient", "dob": "x"}]
    mapper = ProfileMapper(CONTACTS, strict=True, default_version="6")
    content = {"type": "1", ROWS: [*rows, {"role": "patient", "bracket": "1"}]}
    paths = mapper.source_paths(SourceRecord(1, "", content, b""))
    assert paths["PatientInformation[0].PhysicalHarm"] == "harm[2]"
    assert paths["PatientInformation[1].AgeBracket"] == "bracket[4]"


@pytest.mark.parametrize("rows", [None, "x", ["x"], [None], {"role": "patient"}, [["x"]], 7])
def test_rows_that_are_none(rows: object) -> None:
    mapped = map_record(CONTACTS, {"type": "1", "date": "03/11/2026", ROWS: rows})
    assert groups(mapped) == {}
    assert {one.code for one in mapped.findings} <= {"MAP-001"}


def test_born_on_the_day_is_a_bracket_and_derived() -> None:
    mapped = map_rows({"role": "patient", "dob": "03/11/2026"})
    assert mapped.findings == []
    assert groups(mapped) == {"PatientInformation": [{"AgeBracket": "1", "PatientSequence": 1}]}
    assert mapped.derived == ("PatientInformation[0].AgeBracket",)


def test_no_age_without_the_date_of_the_event() -> None:
    mapped = map_record(
        CONTACTS, {"type": "1", ROWS: [{"role": "patient", "dob": "03/11/1980", "harm": "4"}]}
    )
    assert [(one.code, one.severity) for one in mapped.findings] == [("MAP-064", "warning")]
    assert "1980" not in str(mapped)


def test_a_json_document() -> None:
    people = [
        {"/role": "nurse", "/harm": "1", "/shoe": "44"},
        {"/role": "patient", "/harm": "4", "/age/text": "3 months", "/sex": "1"},
        {"/role": "patient", "/coded": "true", "/sex": "2", "/notes/0/text": "x", "/staff": "y"},
    ]
    content = {
        "/type": "1",
        "/happened": "2026-07-01T23:30:00Z",
        "/agents": ["4", "3"],
        "/items/*/agent": ["10", "11"],
        "/audit/by/name": "x",
        "/people": people,
    }
    mapped = map_record(DOCUMENT, content)
    assert mapped.findings == []
    assert mapped.event is not None
    assert mapped.event.event_date == "2026-07-02"
    assert groups(mapped) == {
        "AdverseEventAgent": {"InvolvedAgents": ["10", "11", "3", "4"]},
        "PatientInformation": [
            {"PhysicalHarm": "4", "AgeAtTimeOfIncidentDays": 93, "PatientSequence": 1},
            {"Gender": "2", "PatientSequence": 2},
        ],
    }
    mapper = ProfileMapper(DOCUMENT, strict=True, default_version="5")
    paths = mapper.source_paths(SourceRecord(1, "", content, b""))
    assert paths["PatientInformation"] == "/people"
    assert paths["PatientInformation[0]"] == "/people/1"
    assert paths["PatientInformation[1].Gender"] == "/people/2/sex"
    assert paths["AdverseEventAgent.InvolvedAgents"] == "/agents"


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (
            {"/agents": ["4", "3"], "/type": ["3", "9"]},
            ("MAP-055", "event_type", "/type"),
        ),
        (
            {"/people": [{"/role": "patient", "/harm": ["1", "2"]}]},
            ("MAP-055", "PatientInformation[0].PhysicalHarm", "/people/0/harm"),
        ),
        (
            {"/people": [{"/role": "patient", "/age/text": "old"}]},
            ("MAP-061", "PatientInformation[0].AgeAtTimeOfIncidentDays", "/people/0/age/text"),
        ),
        ({"/people": [{"/role": "patient", "/shoe": "44"}]}, ("MAP-001", "", "/people/0/shoe")),
        ({"/people": ["Jo"]}, ("MAP-001", "", "/people/0")),
        ({"/people/name": "Jo"}, ("MAP-001", "", "/people/name")),
        ({"/auditor": "Jo"}, ("MAP-001", "", "/auditor")),
    ],
)
def test_findings_of_json_are_pointers(
    content: dict[str, Any], finding: tuple[str, str, str]
) -> None:
    found = map_record(DOCUMENT, {"/type": "1", **content}).findings
    assert [(one.code, one.path, one.source_path) for one in found] == [finding]


def test_the_one_patient_of_a_record() -> None:
    mapped = map_record(ONE, {"harm": "4", "age": "28/365", "date": "2026-11-03"})
    assert groups(mapped) == {
        "PatientInformation": [
            {"PhysicalHarm": "4", "AgeAtTimeOfIncidentDays": 28, "PatientSequence": 1}
        ]
    }
    assert mapped.derived == ("event_type",)
    assert groups(map_record(ONE, {"harm": " ", "date": "2026-11-03"})) == {}
    mapper = ProfileMapper(ONE, strict=True, default_version="5")
    paths = mapper.source_paths(SourceRecord(1, "", {"harm": "4"}, b""))
    assert paths["PatientInformation[0].PhysicalHarm"] == "harm"


def test_numbered_columns_under_conditions() -> None:
    mapped = map_record(
        NUMBERED,
        {
            "harm 1": "1",
            "role 1": "Staff",
            "age 1": "nonsense",
            "harm 2": "2",
            "age 2": "30",
            "kind": "Upsetting",
            "harm 4": "4",
            "age 4": "30",
            "estimated 4": "Yes",
        },
    )
    assert mapped.findings == []
    assert groups(mapped) == {
        "PatientInformation": [
            {"PhysicalHarm": "2", "PatientSequence": 1, "PsychologicalHarm": "3"},
            {
                "PhysicalHarm": "4",
                "AgeBracket": "9",
                "PatientSequence": 2,
                "PsychologicalHarm": "3",
            },
        ]
    }
    assert mapped.derived == (
        "event_type",
        "PatientInformation[0].PsychologicalHarm",
        "PatientInformation[1].PsychologicalHarm",
    )
    assert groups(map_record(NUMBERED, {"harm 2": "2", "kind": "Staff only"})) == {}


def test_where_no_column_is_known_no_name_is_shown() -> None:
    mapped = map_record(ONE, {"Margaret Testcase": "x"})
    assert "Testcase" not in str(mapped)
    assert map_record(ONE, {"harm": "4", "ward": "x"}).findings[0].params["field"] == "ward"
