"""Rules in every taxonomy version, and the tables they stand on against the taxonomy itself."""

import inspect
import re

import pytest

from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.events import make_event, make_patient, make_submission, set_element
from validation.rules import RULES, details, problem_groups
from validation.rules.details import FACTOR_OF_DETAIL, get_details
from validation.rules.other_texts import get_pairs
from validation.rules.patients import AGE_PAIRS, is_encoded_age
from validation.rules.problem_groups import AGENT_OF_GROUP, SINGLE_GROUP, get_agent_of_element
from validation.validate import validate_event

SUBMISSION = make_submission()
PROBLEM = "AdverseEventProblem"


def find_codes(event):
    return [(finding.code, finding.path) for finding in validate_event(event, SUBMISSION)]


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("event_type", ["1", "2", "3", "4"])
def test_a_valid_event_of_each_type_and_version_gives_no_finding(event_type, version):
    assert find_codes(make_event(event_type, version)) == []


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_every_pair_of_code_and_text_is_held_together(version):
    for group, pairs in get_pairs(version):
        for element, text, other in pairs:
            many = get_taxonomy(version).by_name[group].by_name[element].many
            code = [other[0]] if many else other[0]
            only_code = make_event("3", version)
            only_code = set_element(only_code, f"{group}.{text}", None)
            only_code = set_element(only_code, f"{group}.{element}", code)
            assert ("RULE-020", f"{group}.{text}") in find_codes(only_code)
            only_text = set_element(only_code, f"{group}.{element}", None)
            only_text = set_element(only_text, f"{group}.{text}", "A text")
            assert ("RULE-021", f"{group}.{text}") in find_codes(only_text)
            both = set_element(only_code, f"{group}.{text}", "A text")
            assert not {"RULE-020", "RULE-021"} & {found for found, _ in find_codes(both)}


def test_a_text_whose_list_has_no_code_other_stands_by_itself():
    event = make_event()
    event = set_element(event, "LocationDetails.ResponsibleSpecialtyOther", "Hyperbaric medicine")
    assert find_codes(event) == []


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_every_detail_needs_its_factor(version):
    rows = [(group, row) for group, found in get_details(version) for row in found]
    assert rows
    for group, (detail, parent, factor, label) in rows:
        event = make_event("3", version, **{group: {detail: ["1"]}})
        (finding,) = [f for f in validate_event(event, SUBMISSION) if f.code == "RULE-031"]
        assert finding.path == f"{group}.{detail}"
        assert finding.params["label"] == label
        event = make_event("3", version, **{group: {detail: ["1"], parent: [factor]}})
        assert "RULE-031" not in {found for found, _ in find_codes(event)}


def test_every_row_of_the_detail_table_is_of_some_version():
    known = {
        row[:3]
        for version in TAXONOMY_VERSIONS
        for _, found in get_details(version)
        for row in found
    }
    assert known == set(FACTOR_OF_DETAIL)


def test_the_labels_in_the_comments_of_the_detail_table_are_the_taxonomys():
    label_of = {
        row[:3]: row[3]
        for version in TAXONOMY_VERSIONS
        for _, found in get_details(version)
        for row in found
    }
    label = ""
    seen = 0
    for line in inspect.getsource(details).splitlines():
        if comment := re.match(r"    # (.+)", line):
            label = comment[1]
        elif row := re.match(r'    \("(\w+)", "(\w+)", "(\d+)"\),', line):
            assert label_of[row[1], row[2], row[3]] == label
            seen += 1
    assert seen == len(FACTOR_OF_DETAIL)


@pytest.mark.parametrize("version", ["5", "6"])
def test_every_problem_group_needs_its_agent(version):
    taxonomy = get_taxonomy(version)
    problems = {name for name in taxonomy.by_name if name.startswith(PROBLEM)}
    assert problems == set(AGENT_OF_GROUP)
    for group, agent in AGENT_OF_GROUP.items():
        text = next(one.name for one in taxonomy.by_name[group].elements if one.type == "string")
        event = make_event("3", version, **{group: {text: "It did not work."}})
        assert find_codes(event) == [("RULE-030", group)]
        event = set_element(event, "AdverseEventAgent.InvolvedAgents", [agent])
        assert find_codes(event) == []


def test_every_problem_element_of_version_4_needs_its_agent():
    spec = get_taxonomy("4").by_name[SINGLE_GROUP].by_name
    agents = get_agent_of_element()
    assert set(spec) - set(agents) == {"DrugReaction", "DrugReactionOther"}
    assert set(agents.values()) == set(get_taxonomy("4").code_systems["agent-type"].codes)
    for element, agent in agents.items():
        value = ["1"] if spec[element].many else "A text"
        event = make_event("3", "4", AdverseEventProblem={element: value})
        assert ("RULE-030", f"{PROBLEM}.{element}") in find_codes(event)
        event = set_element(event, "AdverseEventAgent.InvolvedAgents", [agent])
        assert "RULE-030" not in {found for found, _ in find_codes(event)}


def test_version_4_tells_each_missing_agent_once():
    elements = {"DeviceInvolvementFactors": ["6"], "ProblemDescriptionDevices": "It broke."}
    event = make_event("3", "4", AdverseEventProblem=elements)
    assert find_codes(event) == [("RULE-030", f"{PROBLEM}.DeviceInvolvementFactors")]


@pytest.mark.parametrize(("exact", "bracket"), AGE_PAIRS)
def test_exact_age_and_bracket_exclude_each_other_in_every_version(exact, bracket):
    version = "5" if exact.endswith("Days") else "4"
    patient = make_patient(1, version) | {exact: 372, bracket: "4"}
    event = make_event("3", version, PatientInformation=[patient])
    assert find_codes(event) == [("RULE-014", f"PatientInformation[0].{bracket}")]


def test_the_age_encoding_is_exactly_that_of_the_national_consumers():
    valid = {*range(1, 31), *(31 * n for n in range(1, 12)), *(372 * n for n in range(1, 200))}
    assert max(valid) == 74_028
    assert {days for days in range(-400, 75_000) if is_encoded_age(days)} == valid


@pytest.mark.parametrize("event_type", ["1", "2", "3", "4"])
def test_version_6_needs_a_narrative_of_every_event_and_says_so_once(event_type):
    event = make_event(event_type, "6", narrative=None)
    event = set_element(event, "AdverseEventRiskDetails.RiskDescription", None)
    assert find_codes(event)[0] == ("TEXT-001", "narrative")
    assert "RULE-004" not in {found for found, _ in find_codes(event)}


def test_a_risk_may_be_told_in_its_description_alone():
    risk = make_event("2", narrative=None)
    assert find_codes(risk) == []
    short = set_element(risk, "AdverseEventRiskDetails.RiskDescription", "Ligature")
    assert find_codes(short) == [("TEXT-002", "AdverseEventRiskDetails.RiskDescription")]


@pytest.mark.parametrize(
    ("when", "event_date"),
    [
        ({"IncidentOccurredToday": "y"}, None),
        ({"IncidentOccurredToday": "y"}, "2026-11-01"),
        ({"IncidentOccurredToday": "y", "TodaysDate": "2026-11-01"}, None),
        ({"IncidentOccurredToday": "n", "TodaysDate": "2026-11-05"}, "2026-11-01"),
        ({"IncidentOccurredToday": "u"}, None),
        ({"IncidentOccurredToday": "u", "ApproximateDate": "2026"}, None),
        ({"ApproximateDate": "1948"}, None),
        ({"ApproximateDate": "2026-11"}, None),
    ],
)
def test_ways_in_which_real_clients_give_the_day(when, event_date):
    event = make_event(event_date=event_date, AdverseEventEstimatedDate=when)
    assert find_codes(event) == []


@pytest.mark.parametrize(
    ("when", "code", "path"),
    [
        ({"IncidentOccurredToday": "y", "TodaysDate": "2026-11-21"}, "RULE-052", "TodaysDate"),
        ({"ApproximateDate": "2026-12"}, "RULE-052", "ApproximateDate"),
        ({"ApproximateDate": "2027"}, "RULE-052", "ApproximateDate"),
        ({"ApproximateDate": "1948-06"}, "RULE-053", "ApproximateDate"),
        ({"ApproximateDate": "1947"}, "RULE-053", "ApproximateDate"),
        ({"ApproximateDate": "2026-1"}, "RULE-054", "ApproximateDate"),
        ({"ApproximateDate": "2026-10-01"}, "RULE-054", "ApproximateDate"),
        ({"ApproximateDate": "last spring"}, "RULE-054", "ApproximateDate"),
    ],
)
def test_days_that_cannot_be(when, code, path):
    event = make_event(event_date=None, AdverseEventEstimatedDate=when)
    assert find_codes(event) == [(code, f"AdverseEventEstimatedDate.{path}")]


@pytest.mark.parametrize("numbers", [[0, 1], [1, 1], [1, 2, 4], [-1], [2], [2**31 - 1]])
def test_patients_that_are_not_numbered_one_two_three(numbers):
    event = make_event("3", PatientInformation=[make_patient(number) for number in numbers])
    assert find_codes(event) == [("RULE-012", "PatientInformation")]


def test_every_rule_is_registered_once_and_under_a_group_of_some_version():
    rules = [rule for _, found in RULES for rule in found]
    assert len(rules) == len(set(rules))
    groups = {name for version in TAXONOMY_VERSIONS for name in get_taxonomy(version).by_name}
    assert {group for scope, _ in RULES for group in scope.groups} <= groups


def test_the_two_words_for_the_agent_group_agree():
    group, element = problem_groups.AGENTS
    assert all(get_taxonomy(v).find_element(group, element) for v in TAXONOMY_VERSIONS)
