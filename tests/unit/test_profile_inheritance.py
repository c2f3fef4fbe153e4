"""A profile over the one it extends: what merges, what replaces, what is taken away, and whose
line a fault has."""

from pathlib import Path

import pytest

from mappers.profile_load import Shelf, load_profile, make_shelf
from mappers.profile_model import Profile
from mappers.profile_problems import BadProfileError
from tests.lib.profile_shelf import write_profile

PARENT = """\
name: vendor
version: "7"
format: csv
description: the vendor's
taxonomy_version: 5
local_id: ID
event_type: {field: Type, codes: {Incident: "1", Hazard: "2"}}
event_date: {field: Date, date_format: DD/MM/YYYY}
narrative: Text
separator: ";"
code_lists:
  agents: agents.csv
elements:
  Agents: {to: AdverseEventAgent.InvolvedAgents, codes: agents}
  Drugs: AdverseEventAgent.DrugsInvolved
  Point: {to: DetectionFactors.DetectionPoint, codes: points.csv, when: {Type: Incident}}
  Actions: AdverseEventOutcome.ImmediateActions
patients:
  elements:
    Harm {n}: {to: PatientInformation.PhysicalHarm, codes: {Low: "4", None: "5"}}
    Outcome {n}: PatientInformation.ClinicalOutcome
derive:
  LocationDetails.LocationKnown:
    - {when: {Site: {given: true}}, value: "y"}
    - {value: "u"}
constants:
  AdverseEventEstimatedDate.IncidentOccurredToday: "n"
ignored:
  Handler: not of the event
  Site: only its being given counts
expectations: {records: {min: 1, max: 9}}
"""
BESIDE = {
    "agents.csv": "theirs,national\nDrug,4\nDevice,3\n",
    "points.csv": "theirs,national\nEarly,1\n",
}


def load(folder: Path, child: str, **beside: str) -> Profile:
    write_profile(folder / "vendor", PARENT, **BESIDE)
    write_profile(folder / "trust", f"name: trust\nversion: 2\nextends: vendor\n{child}", **beside)
    return make_shelf(folder).load("trust")


def refuse(folder: Path, child: str, **beside: str) -> str:
    with pytest.raises(BadProfileError) as refused:
        load(folder, child, **beside)
    return str(refused.value)


def parent_of(folder: Path) -> Profile:
    return Shelf([folder]).load("vendor")


def test_a_profile_that_adds_nothing_is_its_parent_under_another_name(tmp_path: Path) -> None:
    profile, parent = load(tmp_path, ""), parent_of(tmp_path)
    assert (profile.name, profile.version, profile.extends) == ("trust", "2 (vendor 7)", "vendor")
    assert profile.description == ""
    own = {"name", "version", "extends", "description"}
    assert profile.model_dump(exclude=own) == parent.model_dump(exclude=own)


def test_mappings_merge_and_everything_else_replaces(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        """\
separator: "|"
event_date: Happened
event_type: {codes: {Excellence: "4", Hazard: ~}}
elements:
  Agents: {derived: true}
  Drugs: {separator: ","}
  Point: {codes: {Late: "2"}}
  Time: AdverseEventEstimatedDate.PreciseTime
derive:
  LocationDetails.LocationKnown: [{value: "y"}]
expectations: {records: {max: 500}}
""",
    )
    assert profile.separator == "|"
    assert profile.event_date is not None
    assert profile.event_date.model_dump()["field"] == "Happened"
    assert profile.event_date.date_format == "DD/MM/YYYY"
    assert profile.heads["event_type"].codes == {"Incident": "1", "Excellence": "4"}
    agents, drugs, point = (profile.elements[name] for name in ("Agents", "Drugs", "Point"))
    assert (agents.to, agents.codes, agents.derived) == (
        "AdverseEventAgent.InvolvedAgents", "agents", True,
    )  # fmt: skip
    assert (drugs.to, drugs.separator) == ("AdverseEventAgent.DrugsInvolved", ",")
    assert point.codes == {"Early": "1", "Late": "2"}
    assert point.when is not None
    assert "Time" in profile.elements
    assert len(profile.derive["LocationDetails.LocationKnown"]) == 1
    assert profile.expectations.records.model_dump() == {"min": 1, "max": 500}


def test_a_condition_replaces_as_a_whole(tmp_path: Path) -> None:
    profile = load(tmp_path, "elements: {Point: {when: {Stage: Late}}}\n")
    (condition,) = profile.elements["Point"].when
    assert condition.keys() == {"Stage"}


def test_a_field_that_fills_another_element_leaves_its_old_rule_behind(tmp_path: Path) -> None:
    profile = load(tmp_path, "elements: {Point: AdverseEventProcess.Process}\n")
    rule = profile.elements["Point"]
    assert (rule.to, rule.codes, rule.when) == ("AdverseEventProcess.Process", None, None)


def test_a_fixed_event_type_replaces_the_field(tmp_path: Path) -> None:
    profile = load(tmp_path, "event_type: {value: 1}\nignored: {Type: always incidents}\n"
                   "elements: {Point: {when: ~}}\n")  # fmt: skip
    assert profile.event_type.model_dump() == {"value": "1"}


def test_null_takes_away(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        "event_date: ~\npatients: null\nelements: {Drugs: ~, Point: {codes: ~}}\n"
        "constants: {AdverseEventEstimatedDate.IncidentOccurredToday: ~}\nignored: {Handler: ~}\n"
        "code_lists: {agents: {Drug: ~}}\n",
    )
    assert profile.event_date is None
    assert profile.patients is None
    assert "Drugs" not in profile.elements
    assert profile.elements["Point"].codes is None
    assert profile.constants == {}
    assert profile.ignored.keys() == {"Site"}
    assert profile.code_lists == {"agents": {"Device": "3"}}


def test_nothing_stays_a_value_of_a_code_map(tmp_path: Path) -> None:
    profile = load(tmp_path, "code_lists: {agents: {Drug: ''}}\n")
    assert profile.code_lists["agents"] == {"Drug": "", "Device": "3"}


def test_what_is_ignored_is_no_longer_mapped_and_the_reverse(tmp_path: Path) -> None:
    profile = load(
        tmp_path,
        "ignored: {Actions: kept elsewhere, 'Outcome {n}': free text}\n"
        "elements: {Handler: PractitionerDetails.ReporterRoleOther}\n"
        "narrative: {more: {Site: Where}}\n"
        "local_id: Handler no\n",
    )
    assert "Actions" not in profile.elements
    assert profile.patients is not None
    assert profile.patients.elements.keys() == {"Harm {n}"}
    assert profile.ignored.keys() == {"Actions", "Outcome {n}"}
    assert "Handler" in profile.elements


@pytest.mark.parametrize(
    ("form", "at", "ignored", "field"),
    [
        ("xml\nrecord: a/b", "people/person", "people/person/role", "role"),
        ("json", "/people", "/people/*/role", "/role"),
        ("json", "/people", "/people/role", "/role"),
    ],
)
def test_fields_inside_a_repeated_group_are_ignored_by_their_whole_path(
    tmp_path: Path, form: str, at: str, ignored: str, field: str
) -> None:
    other = field.replace("role", "harm")
    head = f"name: vendor\nversion: 1\nformat: {form}\ntaxonomy_version: 5\nevent_type: {other}\n"
    fields = (
        f"{{{field}: PatientInformation.ClinicalOutcome, {other}: PatientInformation.PhysicalHarm}}"
    )
    write_profile(tmp_path / "vendor", f"{head}patients: {{at: {at}, elements: {fields}}}\n")
    child = f"name: trust\nversion: 1\nextends: vendor\nignored: {{{ignored}: no}}\n"
    write_profile(tmp_path / "trust", child)
    patients = make_shelf(tmp_path).load("trust").patients
    assert patients is not None
    assert patients.elements.keys() == {other}


def test_a_chain_of_profiles_is_named_in_the_version(tmp_path: Path) -> None:
    write_profile(tmp_path / "ward", "name: ward\nversion: b\nextends: trust\nseparator: '|'\n")
    load(tmp_path, "local_id: No\n")
    profile = make_shelf(tmp_path).load("ward")
    assert profile.version == "b (trust 2 (vendor 7))"
    assert profile.local_id is not None
    assert (profile.local_id.field, profile.separator) == ("No", "|")


def test_a_file_beside_is_extended_by_its_file_name(tmp_path: Path) -> None:
    parent = PARENT.replace("agents.csv", "{Drug: '4'}").replace("points.csv", "{}")
    (tmp_path / "vendor.yaml").write_text(parent)
    draft = tmp_path / "draft.yaml"
    draft.write_text("name: any\nversion: 0\nextends: vendor.yaml\n")
    assert make_shelf().read_file(draft).version == "0 (vendor 7)"
    for name in ("../vendor.yaml", "nothing.yaml", "/etc/vendor.yaml", ".yaml"):
        draft.write_text(f"name: any\nversion: 0\nextends: {name}\n")
        with pytest.raises(BadProfileError, match=r"draft\.yaml, line 3, extends: .*yaml"):
            make_shelf().read_file(draft)


def test_a_shipped_profile_can_be_extended(tmp_path: Path) -> None:
    write_profile(tmp_path / "mine", "name: mine\nversion: 1\nextends: lrms-csv\nlocal_id: ref\n")
    mine, shipped = make_shelf(tmp_path).load("mine"), load_profile("lrms-csv")
    assert mine.elements == shipped.elements
    assert mine.version == f"1 (lrms-csv {shipped.version})"


@pytest.mark.parametrize(
    ("child", "problem"),
    [
        ("format: xml\n", "trust/profile.yaml, line 4, format: the profile it extends reads csv"),
        ("elements: {Nothing: ~}\n", "line 4, elements.Nothing: '~' takes away what the"),
        ("medications: ~\n", "line 4, medications: '~' takes away what the profile it extends"),
        ("rows: {id: ID, by: ~}\n", "line 4, rows.by: '~' stands where there is nothing"),
        ("event_type: ~\n", "trust/profile.yaml, line 4, event_type: 'event_type' is missing"),
        # Of a fault in what is taken over, the parent's file and line.
        ("taxonomy_version: 4\nelements: {Agents: {codes: gone}}\n",
         "trust/profile.yaml, line 5, elements.Agents.codes: no code list 'gone'"),
        ("elements: {Point: {to: DetectionFactors.DetectionPoint, codes: {Late: '99'}}}\n",
         "trust/profile.yaml, line 4, elements.Point.codes.Late: '99' is not a code"),
        ("code_lists: {agents: ~}\n",
         "vendor/profile.yaml, line 14, elements.Agents.codes: no code list 'agents'"),
        ("code_lists: {agents: mine.csv}\n", "trust/mine.csv, row 2, code_lists.agents.Drug: '99'"),
        ("elements: {Actions: {booleans: {true: [a]}}}\n", "elements.Actions.booleans: "),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_line_of_its_file(tmp_path: Path, child: str, problem: str) -> None:
    mine = {"mine.csv": "theirs,national\nDrug,99\n"}
    assert problem in refuse(tmp_path, child, **mine)


def test_a_code_of_the_parents_file_that_the_child_makes_wrong_is_told_in_that_file(
    tmp_path: Path,
) -> None:
    child = "elements: {Agents: {to: DetectionFactors.DetectionPoint}, Point: ~}\ncode_lists: {}\n"
    text = child.replace("DetectionPoint}", "DetectionPoint, codes: agents}")
    write_profile(tmp_path / "vendor", PARENT.replace("Drug,4", "Drug,44"),
                  **{**BESIDE, "agents.csv": "theirs,national\nDrug,44\n"})  # fmt: skip
    write_profile(tmp_path / "trust", f"name: trust\nversion: 2\nextends: vendor\n{text}")
    with pytest.raises(
        BadProfileError, match=r"vendor/agents\.csv, row 2, code_lists\.agents\.Drug"
    ):
        make_shelf(tmp_path).load("trust")


def test_profiles_that_extend_one_another_in_a_circle_are_refused(tmp_path: Path) -> None:
    for name, parent in (("a", "b"), ("b", "c"), ("c", "a")):
        write_profile(tmp_path / name, f"name: {name}\nversion: 1\nextends: {parent}\n")
    with pytest.raises(BadProfileError, match=r"c/profile\.yaml, line 3, extends: a/profile\.yaml"):
        make_shelf(tmp_path).load("a")
    write_profile(tmp_path / "self", "name: self\nversion: 1\nextends: self\n")
    with pytest.raises(BadProfileError, match="extends this one in turn"):
        make_shelf(tmp_path).load("self")


def test_more_than_five_profiles_over_one_another_are_refused(tmp_path: Path) -> None:
    write_profile(tmp_path / "p0")
    for number in range(1, 7):
        text = f"name: p{number}\nversion: 1\nextends: p{number - 1}\n"
        write_profile(tmp_path / f"p{number}", text)
    shelf = make_shelf(tmp_path)
    assert shelf.load("p5").version.count("(") == 5
    with pytest.raises(BadProfileError, match="more than 5 profiles over one another"):
        shelf.load("p6")


def test_an_unknown_parent_names_those_there_are(tmp_path: Path) -> None:
    write_profile(tmp_path / "trust", "name: trust\nversion: 1\nextends: nobody\n")
    with pytest.raises(
        BadProfileError, match=r"trust/profile\.yaml, line 3, extends: no profile 'nobody'; there"
    ):
        make_shelf(tmp_path).load("trust")
