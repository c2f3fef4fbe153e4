"""What a profile makes of the fields of one record, and every MAP finding it can give."""

from typing import Any

import pytest

from mappers.profile_load import load_profile, parse_profile
from mappers.profile_read import ProfileMapper
from mappers.profile_values import Unreadable, make_code_reader
from schemas.catalogue import word_fix, word_message
from schemas.finding import Finding
from schemas.record import Mapped, SourceRecord

CSV = parse_profile(
    """
name: ward-csv
version: "3"
format: csv
taxonomy_version: {field: version, codes: {"five": "5", "six": "6"}}
local_id: Ref
event_type: {field: Kind, codes: {Incident: "1", RISK: "2", n/a: ""}}
event_date: {field: Day, date_format: "%d/%m/%Y"}
narrative: What happened
separator: ;
booleans: {"true": [J], "false": [N]}
code_lists: {agents: {drug: "4", device: "3", Pump: "3", none: ""}}
elements:
  Agents: {to: AdverseEventAgent.InvolvedAgents, codes: agents}
  More agents: AdverseEventAgent.InvolvedAgents
  Drugs: {to: AdverseEventAgent.DrugsInvolved, separator: "{~@~}"}
  Never: AdverseEventGovernance.NeverEvent
  Candour: {to: AdverseEventGovernance.DutyOfCandour, booleans: {"true": ["told"], "false": ["-"]}}
  Time: AdverseEventEstimatedDate.PreciseTime
  Recorded: {to: AdverseEventEstimatedDate.TodaysDate, date_format: "%d-%b-%Y"}
  Clock: {to: AdverseEventEstimatedDate.ApproximateDate}
  Process 6: AdverseEventProcess.HealthcareProcess
  National number: AdverseEventReferenceMetadata.ReferenceNumber
patients:
  number: PatientSequence
  elements:
    Harm {n}: {to: PatientInformation.PhysicalHarm, codes: {severe: "2", low: "4"}}
    Age {n} (days): PatientInformation.AgeAtTimeOfIncidentDays
    Seq {n}: PatientInformation.PatientSequence
medications:
  elements: {"Drug code {n}": MedicationDmd.VTMCode}
constants:
  LocationDetails.Organisation: [RZA]
  PractitionerDetails.ReporterType: "3"
ignored:
  Handler: internal
  "Staff {n} name": people are not part of a national event
""",
    "ward-csv.yaml",
)
HEAD = {"Ref": " 17 ", "Kind": "Incident", "Day": "03/11/2026", "What happened": " It broke.\r\n "}
CONSTANTS = {
    "LocationDetails": {"Organisation": ["RZA"]},
    "PractitionerDetails": {"ReporterType": "3"},
}
XML = load_profile("lrms-xml")


def map_csv(fields: dict[str, Any], *, strict: bool = False, default: str = "5") -> Mapped:
    mapper = ProfileMapper(CSV, strict=strict, default_version=default)
    return mapper.map_record(SourceRecord(1, "row 2", {**HEAD, **fields}, b""))


def map_xml(content: dict[str, Any], *, strict: bool = False) -> Mapped:
    mapper = ProfileMapper(XML, strict=strict, default_version="5")
    return mapper.map_record(SourceRecord(1, "", {"@type": "incident"} | content, b""))


def groups(mapped: Mapped) -> dict[str, Any]:
    assert mapped.event is not None
    return {name: group for name, group in mapped.event.groups.items() if name not in CONSTANTS}


def briefly(findings: list[Finding]) -> list[tuple[str, str, str, str]]:
    for finding in findings:
        assert word_message(finding)
        assert word_fix(finding)
    return [(f.code, f.severity, f.path, f.source_path) for f in findings]


def test_the_head_of_a_record() -> None:
    mapped = map_csv({"version": "six"})
    assert mapped.findings == []
    assert mapped.local_id == "17"
    assert mapped.event is not None
    assert mapped.event.taxonomy_version == "6"
    assert mapped.event.event_type == "1"
    assert mapped.event.event_date == "2026-11-03"
    assert mapped.event.narrative == "It broke."
    assert mapped.event.groups == CONSTANTS
    assert mapped.derived == ("LocationDetails.Organisation", "PractitionerDetails.ReporterType")


def test_what_a_head_does_not_say_is_left_out() -> None:
    mapped = map_csv({"Ref": "", "Day": " ", "What happened": " \n", "version": " "}, default="4")
    assert mapped.findings == []
    assert mapped.local_id is None
    assert mapped.event is not None
    assert (mapped.event.event_date, mapped.event.narrative) == (None, None)
    assert mapped.event.taxonomy_version == "4"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"Agents": "drug"}, {"AdverseEventAgent": {"InvolvedAgents": ["4"]}}),
        ({"Agents": "drug;device; "}, {"AdverseEventAgent": {"InvolvedAgents": ["3", "4"]}}),
        ({"Agents": " DRUG ;pump"}, {"AdverseEventAgent": {"InvolvedAgents": ["3", "4"]}}),
        ({"Agents": "none"}, {}),
        ({"Agents": " ; "}, {}),
        (
            {"Agents": "drug;device", "More agents": "13;10"},
            {"AdverseEventAgent": {"InvolvedAgents": ["10", "13", "3", "4"]}},
        ),
        ({"More agents": "99"}, {"AdverseEventAgent": {"InvolvedAgents": ["99"]}}),
        (
            {"Drugs": "zinc {~@~} aspirin;50mg"},
            {"AdverseEventAgent": {"DrugsInvolved": ["zinc", "aspirin;50mg"]}},
        ),
        ({"Never": "j"}, {"AdverseEventGovernance": {"NeverEvent": True}}),
        ({"Never": "N"}, {"AdverseEventGovernance": {"NeverEvent": False}}),
        ({"Candour": "-"}, {"AdverseEventGovernance": {"DutyOfCandour": False}}),
        ({"Time": "02:40"}, {"AdverseEventEstimatedDate": {"PreciseTime": "02:40:00"}}),
        ({"Time": "02:40:09"}, {"AdverseEventEstimatedDate": {"PreciseTime": "02:40:09"}}),
        (
            {"Recorded": "03-Nov-2026"},
            {"AdverseEventEstimatedDate": {"TodaysDate": "2026-11-03"}},
        ),
        (
            {"Harm 1": "severe", "Age 1 (days)": "+7"},
            {
                "PatientInformation": [
                    {"PhysicalHarm": "2", "AgeAtTimeOfIncidentDays": 7, "PatientSequence": 1}
                ]
            },
        ),
        (
            {"Harm 2": "low", "Harm 10": "severe", "Harm 3": " "},
            {
                "PatientInformation": [
                    {"PhysicalHarm": "4", "PatientSequence": 2},
                    {"PhysicalHarm": "2", "PatientSequence": 10},
                ]
            },
        ),
        (
            {"Harm 1": "low", "Seq 1": "2", "Harm 2": "severe", "Seq 2": "1"},
            {
                "PatientInformation": [
                    {"PhysicalHarm": "2", "PatientSequence": 1},
                    {"PhysicalHarm": "4", "PatientSequence": 2},
                ]
            },
        ),
        ({"Handler": "x", "Staff 3 name": "y", "unknown": "  "}, {}),
    ],
)
def test_fields_become_elements(fields: dict[str, str], expected: dict[str, Any]) -> None:
    mapped = map_csv(fields)
    assert mapped.findings == []
    assert groups(mapped) == expected


@pytest.mark.parametrize(
    "fields", [{"Agents": "drug;device; DRUG"}, {"Agents": "drug;device", "More agents": "4"}]
)
def test_a_code_given_twice_counts_once_and_is_told(fields: dict[str, str]) -> None:
    mapped = map_csv(fields)
    assert groups(mapped) == {"AdverseEventAgent": {"InvolvedAgents": ["3", "4"]}}
    (finding,) = mapped.findings
    assert (finding.code, finding.severity) == ("MAP-020", "information")
    assert finding.path == "AdverseEventAgent.InvolvedAgents"
    assert finding.source_path == list(fields)[-1]


def test_codes_that_differ_only_by_case_are_told_apart_exactly() -> None:
    read = make_code_reader({"a": "1", "A": "2", "b": "3"})
    assert [read(text) for text in ("a", " A", "B")] == ["1", "2", "3"]
    ambiguous = make_code_reader({"ab": "1", "AB": "2"})
    with pytest.raises(Unreadable):
        ambiguous("Ab")


def test_blanks_around_a_code_of_the_map_do_not_count() -> None:
    read = make_code_reader({" Ward ": "4", "Bay\t": "5", "": "", "x": "1", " x": "2"})
    texts = ("Ward", " ward", "BAY", "x", " x", " ")
    assert [read(text) for text in texts] == ["4", "4", "5", "1", "2", ""]
    with pytest.raises(Unreadable):
        read("X")


def test_a_constant_gives_way_to_what_the_record_says() -> None:
    text = "name: x\nversion: '1'\nformat: csv\ntaxonomy_version: '5'\nevent_type: t\n"
    text += "elements: {who: PractitionerDetails.ReporterType}\n"
    text += (
        "constants: {DetectionFactors.DetectionPoint: '1', AdverseEventGovernance.NeverEvent: 'no'}"
    )
    mapper = ProfileMapper(parse_profile(text, "x.yaml"), strict=True, default_version="5")
    mapped = mapper.map_record(SourceRecord(1, "", {"t": "1", "who": "2"}, b""))
    assert mapped.event is not None
    assert mapped.event.groups == {
        "PractitionerDetails": {"ReporterType": "2"},
        "DetectionFactors": {"DetectionPoint": "1"},
        "AdverseEventGovernance": {"NeverEvent": False},
    }


def test_the_reference_number_stands_beside_the_event() -> None:
    mapped = map_csv({"National number": "7K2M-9QXB-4T8D-V"})
    assert mapped.reference == "7K2M-9QXB-4T8D-V"
    assert groups(mapped) == {}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"Agents": "drug;martian"},
            ("MAP-050", "error", "AdverseEventAgent.InvolvedAgents[1]", "Agents"),
        ),
        ({"Kind": "Party"}, ("MAP-050", "error", "event_type", "Kind")),
        ({"version": "seven"}, ("MAP-050", "error", "taxonomy_version", "version")),
        (
            {"Age 2 (days)": "45 years"},
            ("MAP-051", "error", "PatientInformation[1].AgeAtTimeOfIncidentDays", "Age 2 (days)"),
        ),
        (
            {"Harm 1": "low", "Harm 3": "low", "Age 3 (days)": "1.5"},
            ("MAP-051", "error", "PatientInformation[1].AgeAtTimeOfIncidentDays", "Age 3 (days)"),
        ),
        ({"Never": "maybe"}, ("MAP-052", "error", "AdverseEventGovernance.NeverEvent", "Never")),
        ({"Day": "31/02/2026"}, ("MAP-053", "error", "event_date", "Day")),
        ({"Day": "03/11/26"}, ("MAP-060", "error", "event_date", "Day")),
        ({"Day": "2026-11-03"}, ("MAP-053", "error", "event_date", "Day")),
        (
            {"Time": "quarter past two"},
            ("MAP-054", "error", "AdverseEventEstimatedDate.PreciseTime", "Time"),
        ),
        (
            {"Process 6": "1"},
            ("MAP-056", "warning", "AdverseEventProcess.HealthcareProcess", "Process 6"),
        ),
        ({"Drug code 1": "1"}, ("MAP-056", "warning", "MedicationDmd.VTMCode", "Drug code 1")),
        ({"Kind": " "}, ("MAP-057", "error", "event_type", "Kind")),
        ({"Kind": "n/a"}, ("MAP-057", "error", "event_type", "Kind")),
        ({"ward phone": "1"}, ("MAP-001", "warning", "", "ward phone")),
        ({"Harm 0": "low"}, ("MAP-001", "warning", "", "Harm 0")),
        ({"Harm 1000": "low"}, ("MAP-001", "warning", "", "Harm 1000")),
    ],
)
def test_what_cannot_be_mapped_is_a_finding(
    fields: dict[str, str], expected: tuple[str, str, str, str]
) -> None:
    assert briefly(map_csv(fields).findings) == [expected]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            {"narrative": ["one", "two"]},
            ("MAP-055", "error", "narrative", "narrative"),
        ),
        (
            {"governance/neverEvent": ["yes", "no"]},
            ("MAP-055", "error", "AdverseEventGovernance.NeverEvent", "governance/neverEvent"),
        ),
        (
            {"patients/patient": [{"gender": "1"}, {"gender": ["1", "2"]}]},
            (
                "MAP-055",
                "error",
                "PatientInformation[1].Gender",
                "patients/patient[2]/gender",
            ),
        ),
        (
            {"patients/patient": [{"shoeSize": "44"}]},
            ("MAP-001", "warning", "", "patients/patient[1]/shoeSize"),
        ),
        ({"patients/patient": "Jo"}, ("MAP-001", "warning", "", "patients/patient[1]")),
        ({"patients/patient/x": "Jo"}, ("MAP-001", "warning", "", "patients/patient/x")),
        (
            {"medications/medication": [{"vtmCode": "1"}]},
            ("MAP-056", "warning", "MedicationDmd", "medications/medication"),
        ),
        (
            {"location/locationKnown": "maybe"},
            ("MAP-050", "error", "LocationDetails.LocationKnown", "location/locationKnown"),
        ),
        ({"@type": "party"}, ("MAP-050", "error", "event_type", "@type")),
        ({"@taxonomy": "7"}, ("MAP-058", "error", "taxonomy_version", "@taxonomy")),
        ({"agent/@kind": "x"}, ("MAP-001", "warning", "", "agent/@kind")),
        ({".": "loose text"}, ("MAP-001", "warning", "", ".")),
    ],
)
def test_xml_findings_say_the_path(
    content: dict[str, Any], expected: tuple[str, str, str, str]
) -> None:
    assert briefly(map_xml(content).findings) == [expected]


def test_lists_of_an_xml_element_are_located_one_by_one() -> None:
    text = "name: x\nversion: '1'\nformat: xml\nrecord: a/b\ntaxonomy_version: '5'\nevent_type: t\n"
    text += "elements: {c: {to: AdverseEventAgent.InvolvedAgents, codes: {d: '4'}}}\n"
    text += "ignored: {audit: theirs}"
    mapper = ProfileMapper(parse_profile(text, "x.yaml"), strict=True, default_version="5")
    content = {"t": "1", "c": ["d", "e"], "audit/by/name": "x", "audit": "y", "audit/@at": "z"}
    mapped = mapper.map_record(SourceRecord(1, "", content, b""))
    assert briefly(mapped.findings) == [
        ("MAP-050", "error", "AdverseEventAgent.InvolvedAgents[1]", "c[2]")
    ]
    assert groups(mapped) == {"AdverseEventAgent": {"InvolvedAgents": ["4"]}}


def test_patients_without_a_number_have_that_of_their_place() -> None:
    mapped = map_xml({"patients/patient": [{"gender": "1"}, {}, {"@sequence": "1", "gender": "2"}]})
    assert groups(mapped) == {
        "PatientInformation": [
            {"gender".capitalize(): "1", "PatientSequence": 1},
            {"Gender": "2", "PatientSequence": 1},
            {"PatientSequence": 2},
        ]
    }


def test_strict_makes_what_is_not_mapped_an_error() -> None:
    findings = map_csv({"ward phone": "1", "Process 6": "1", "Agents": "x"}, strict=True).findings
    assert {finding.severity for finding in findings} == {"error"}


def test_no_event_without_its_type_or_version_but_its_id_and_findings() -> None:
    for fields in ({"Kind": "Party"}, {"version": "old"}):
        mapped = map_csv({**fields, "ward phone": "1"})
        assert mapped.event is None
        assert mapped.local_id == "17"
        assert mapped.findings


def test_no_free_text_of_the_record_in_findings() -> None:
    secret = "Margaret Testcase, 999 000 0018"
    fields = {"Agents": secret, "Never": secret, "Time": secret, "Day": secret, "Harm 1": secret}
    findings = map_csv(fields).findings
    assert len(findings) == 5
    assert all("Testcase" not in word_message(f) + word_fix(f) for f in findings)


def test_where_the_header_is_missing_its_cells_are_not_shown() -> None:
    mapper = ProfileMapper(CSV, strict=False, default_version="5")
    mapped = mapper.map_record(SourceRecord(1, "row 2", {"Margaret Testcase": "x"}, b""))
    assert [finding.code for finding in mapped.findings] == ["MAP-057", "MAP-001"]
    assert all("Testcase" not in str(finding) for finding in mapped.findings)


def test_source_paths_of_a_row() -> None:
    mapper = ProfileMapper(CSV, strict=False, default_version="5")
    content = {**HEAD, "Harm 2": "low", "Harm 5": "low"}
    paths = mapper.source_paths(SourceRecord(1, "", content, b""))
    assert paths["event_date"] == "Day"
    assert paths["AdverseEventAgent.InvolvedAgents"] == "Agents"
    assert paths["PatientInformation[0].PhysicalHarm"] == "Harm 2"
    assert paths["PatientInformation[1].AgeAtTimeOfIncidentDays"] == "Age 5 (days)"
    assert "PatientInformation[2].PhysicalHarm" not in paths


def test_source_paths_of_an_xml_record() -> None:
    mapper = ProfileMapper(XML, strict=False, default_version="5")
    content = {"patients/patient": [{"@sequence": "2", "gender": "1"}, {"@sequence": "1"}]}
    paths = mapper.source_paths(SourceRecord(1, "", content, b""))
    assert paths["LocationDetails"] == "location"
    assert paths["LocationDetails.Organisation"] == "location/organisation"
    assert paths["PatientInformation"] == "patients/patient"
    assert paths["PatientInformation[0]"] == "patients/patient[2]"
    assert paths["PatientInformation[1].Gender"] == "patients/patient[1]/gender"


def test_content_that_is_no_record_is_no_event() -> None:
    for content in (None, [], "x", 7):
        mapper = ProfileMapper(CSV, strict=False, default_version="5")
        record = SourceRecord(1, "", content, b"")
        assert mapper.map_record(record) == Mapped(None, None, [])
        assert mapper.source_paths(record) == {}


def test_a_default_version_nobody_knows_is_a_finding() -> None:
    mapped = map_csv({}, default="9")
    assert briefly(mapped.findings) == [("MAP-058", "error", "taxonomy_version", "version")]


def test_provenance_names_the_profile() -> None:
    mapper = ProfileMapper(CSV, strict=False, default_version="5")
    assert (mapper.name, mapper.version) == ("ward-csv", "3")
