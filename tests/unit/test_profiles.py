"""Profiles as files: what is refused, with file, line and key; what the shipped ones carry."""

from collections.abc import Iterator

import pytest
from jsonschema import Draft202012Validator

from mappers.profile_load import find_profiles, load_profile, parse_profile
from mappers.profile_model import REFERENCE, Profile, find_spec
from mappers.profile_write import csv_header
from mappers.profile_yaml import read_yaml
from schemas.errors import UnknownError, WrongUseError
from schemas.event import PATIENTS
from schemas.taxonomy import NARRATIVE_GROUP, TAXONOMY_VERSIONS, get_taxonomy

CSV = 'name: x\nversion: 1\nformat: csv\ntaxonomy_version: "5"\nevent_type: type\n'
XML = "name: x\nversion: 1\nformat: xml\nrecord: a/b\ntaxonomy_version: '5'\nevent_type: t\n"


def test_a_small_profile_is_enough() -> None:
    profile = parse_profile(CSV, "x.yaml")
    assert profile.versions == ("5",)
    assert profile.heads.keys() == {"event_type"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name: [", "x.yaml, line 1: not YAML"),
        ("name: x\n\x07", "x.yaml: not YAML"),
        ("", "x.yaml, line 1, profile: Input should be"),
        ("- a\n", "x.yaml, line 1, profile: Input should be"),
        ("name: x\nname: y\n", "x.yaml, line 2: 'name' stands here a second time"),
        (CSV + "colour: red\n", "x.yaml, line 6, colour: Extra inputs"),
        ("name: X!\n" + CSV[8:], "x.yaml, line 1, name: String should match"),
        (CSV.replace("csv", "xls"), "x.yaml, line 3, format: Input should be 'csv' or 'xml'"),
        (CSV.replace('"5"', '"7"'), "x.yaml, line 4, taxonomy_version"),
        (
            CSV + "elements:\n  a: Agent\n",
            "x.yaml, line 7, elements.a: String should match",
        ),
        (
            CSV + "elements:\n  a: AdverseEventAgent.Nothing\n",
            "line 7, elements.a: AdverseEventAgent.Nothing is not an element of taxonomy version 5",
        ),
        (
            CSV + "elements:\n  a: MedicationDmd.VTMCode\n",
            "line 7, elements.a: MedicationDmd.VTMCode is not an element of taxonomy version 5",
        ),
        (
            CSV + "elements:\n  a: AdverseEventCore.Description\n",
            "mapped by the key 'narrative'",
        ),
        (
            CSV + "elements:\n  a: PatientInformation.PhysicalHarm\n",
            "line 7, elements.a: PatientInformation.PhysicalHarm occurs several times",
        ),
        (
            CSV + "elements:\n  a: {to: AdverseEventAgent.InvolvedAgents, codes: martian}\n",
            "line 7, elements.a.codes: no code list 'martian'; there are: none",
        ),
        (
            CSV + "elements:\n  a: {to: AdverseEventGovernance.NeverEvent, separator: ;}\n",
            "elements.a.separator: AdverseEventGovernance.NeverEvent holds one value",
        ),
        (
            CSV + 'elements:\n  a: {to: AdverseEventAgent.InvolvedAgents, separator: " "}\n',
            "a separator is more than blanks",
        ),
        (
            CSV + "elements:\n  a: {to: AdverseEventGovernance.NeverEvent, codes: {x: y}}\n",
            "is not a code but a boolean",
        ),
        (
            CSV + "elements:\n  a: {to: AdverseEventGovernance.NeverEvent, date_format: '%Y'}\n",
            "is not a date or a time but a boolean",
        ),
        (
            CSV + "elements:\n  a: {to: DetectionFactors.DetectionPoint,"
            " booleans: {'true': [a], 'false': [b]}}\n",
            "is not true or false but a code",
        ),
        (
            CSV + "elements:\n  a: DetectionFactors.DetectionPoint\n"
            "  b: DetectionFactors.DetectionPoint\n",
            "DetectionFactors.DetectionPoint holds one value and 2 fields fill it",
        ),
        (CSV + "event_date: {field: d, date_format: '%d/%m/%y'}\n", "years have four digits"),
        (CSV + "event_date: {field: d, date_format: DD/MM}\n", "a format such as %d/%m/%Y"),
        (CSV + "narrative: {field: d, date_format: '%Y'}\n", "only event_date has a date format"),
        (
            CSV.replace("event_type: type", "event_type: {field: t, codes: {a: '9'}}"),
            "line 5, event_type.codes.a: '9': accepted are 1, 2, 3, 4",
        ),
        (CSV + "record: a/b\n", "line 6, record: a csv profile has no record"),
        (CSV + "ignored: {type: twice}\n", "field 'type' is named 2 times"),
        (CSV + "constants: {AdverseEventAgent.InvolvedAgents: '3'}\n", "is a list"),
        (CSV + "constants: {AdverseEventGovernance.NeverEvent: maybe}\n", "neither true nor false"),
        (CSV + "constants: {PatientInformation.Gender: '1'}\n", "a group that occurs once"),
        (CSV + "constants: {Nothing.Here: '1'}\n", "a group that occurs once"),
        (CSV + f"constants: {{{REFERENCE}: '1'}}\n", "a reference number is no constant"),
        (
            CSV + "patients:\n  elements:\n    harm: PatientInformation.PhysicalHarm\n",
            "line 8, patients.elements.harm: the column name holds {n} once",
        ),
        (
            CSV + "patients:\n  elements:\n    'h{n}': AdverseEventGovernance.NeverEvent\n",
            "AdverseEventGovernance.NeverEvent is not of PatientInformation",
        ),
        (
            CSV + "patients: {at: p, elements: {'h{n}': PatientInformation.PhysicalHarm}}\n",
            "csv has no 'at'",
        ),
        (
            CSV + "patients:\n  number: Place\n  elements: {}\n",
            "line 7, patients.number: PatientInformation has no element Place",
        ),
        (XML.replace("record: a/b\n", ""), "an xml profile names its record"),
        (XML + "patients: {elements: {h: PatientInformation.PhysicalHarm}}\n", "xml says 'at'"),
        (XML + "narrative: y:text\n", "prefix 'y' is used and not declared"),
        (XML + "narrative: '{urn:y}text'\n", "declare a prefix for each namespace"),
    ],
)
def test_a_bad_profile_says_what_is_wrong_and_where(text: str, problem: str) -> None:
    with pytest.raises(WrongUseError) as refused:
        parse_profile(text, "x.yaml")
    assert problem in str(refused.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(WrongUseError) as refused:
        parse_profile(CSV + "elements: {a: No.Such, b: No.Such}\nnarrative: b\n", "x.yaml")
    assert len(str(refused.value).splitlines()) >= 3


def test_words_of_yaml_stay_text() -> None:
    content, lines = read_yaml("a: {yes: y, no: 1.0}\nb: [null, ~]\n", "x.yaml")
    assert content == {"a": {"yes": "y", "no": "1.0"}, "b": ["null", "~"]}
    assert lines["a", "no"] == 1
    assert lines["b", 1] == 2


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(UnknownError, match=r"no profile 'nothing'; there are: .*lrms-csv"):
        load_profile("nothing")
    with pytest.raises(UnknownError):
        load_profile("../profiles/lrms-csv")


def test_the_published_schema_accepts_a_profile() -> None:
    schema = Profile.model_json_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) >= {"name", "version", "format", "event_type"}


def _elements() -> Iterator[tuple[str, str]]:
    for version in TAXONOMY_VERSIONS:
        for group in get_taxonomy(version).groups:
            for element in group.elements:
                yield version, f"{group.name}.{element.name}"


@pytest.mark.parametrize("name", ["lrms-csv", "lrms-xml"])
def test_the_shipped_profiles_carry_the_whole_taxonomy(name: str) -> None:
    profile = load_profile(name)
    mapped = {rule.to for rule in profile.elements.values()}
    for repeated in profile.repeated.values():
        mapped |= {rule.to for rule in repeated.elements.values()}
    asked = {target for _, target in _elements() if not target.startswith(f"{NARRATIVE_GROUP}.")}
    assert mapped == asked
    assert profile.narrative is not None


def test_every_shipped_profile_loads() -> None:
    assert {"lrms-csv", "lrms-xml"} <= set(find_profiles())
    for name in find_profiles():
        assert load_profile(name).name == name


def test_an_element_is_the_same_kind_of_value_in_every_version() -> None:
    """What ``find_spec`` stands on."""
    for version, target in _elements():
        group, _, element = target.partition(".")
        spec = get_taxonomy(version).find_element(group, element)
        first = find_spec(target, TAXONOMY_VERSIONS)
        assert spec is not None
        assert first is not None
        assert (spec.type, spec.many) == (first.type, first.many)


def test_the_header_holds_the_numbered_columns_asked_for() -> None:
    profile = load_profile("lrms-csv")
    header = csv_header(profile, patients=2, medications=1)
    assert len(header) == len(set(header))
    assert header[0] == "taxonomy_version"
    assert "patient_2_physical_harm" in header
    assert "patient_3_physical_harm" not in header
    assert "medication_1_vtm_code" in header
    assert not any("{n}" in column for column in header)
    assert PATIENTS in profile.repeated
