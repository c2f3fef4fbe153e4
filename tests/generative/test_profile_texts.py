"""Whatever a YAML file holds: it is a profile, or it is refused in words."""

from functools import lru_cache
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappers.profile_faults import find_remarks
from mappers.profile_load import find_profiles, parse_profile
from mappers.profile_model import Profile
from mappers.profile_parts import FieldRule, HeadRule, RepeatedGroup
from mappers.profile_problems import BadProfileError, Place, Problem
from mappers.profile_terms import Asked
from tests.lib.profile_shelf import SMALL, SMALL_JSON, SMALL_XML

KEYS = sorted(
    {
        key
        for model in (Profile, FieldRule, HeadRule, RepeatedGroup, Asked)
        for key in model.model_fields
    }
    - {"extends"}
)
ODD = [
    "a",
    "/a",
    "a/@b",
    "{n}",
    "x{n}",
    "{n}{n}",
    "",
    " ",
    "~",
    "5",
    "true",
    "x.csv",
    "\x07",
    "\u2028",
]
MEANT = [
    "%d/%m/%Y",
    "ISO",
    "years",
    "PatientSequence",
    "No.Such",
    "DetectionFactors.DetectionPoint",
    "AdverseEventAgent.InvolvedAgents",
    "PatientInformation.PhysicalHarm",
    "AdverseEventGovernance.NeverEvent",
    "LocationDetails.Organisation",
    "AdverseEventEstimatedDate.PreciseTime",
]
WORDS = st.sampled_from([*KEYS, *ODD, *MEANT])
VALUES = st.recursive(
    WORDS | st.none() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@lru_cache
def heads() -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in (SMALL, SMALL_XML, SMALL_JSON)]


@st.composite
def profiles(draw: st.DrawFn) -> str:
    content = dict(draw(st.sampled_from(heads())))
    content |= draw(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
    rules = st.dictionaries(WORDS, VALUES, max_size=4)
    for key in draw(st.lists(st.sampled_from(["elements", "derive", "constants", "ignored"]))):
        content[key] = draw(rules)
    for key in draw(st.lists(st.sampled_from(["patients", "medications"]))):
        content[key] = {"elements": draw(rules)} | draw(rules)
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def find_problems(text: str) -> list[Problem]:
    try:
        profile = parse_profile(text, "x.yaml")
    except BadProfileError as refused:
        return refused.problems
    return [Problem(Place("x.yaml", 1), "", one[1]) for one in find_remarks(profile)]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(profiles())
def test_a_profile_of_any_content_is_read_or_refused_where_it_is_wrong(text: str) -> None:
    lines = len(text.splitlines()) + 1  # YAML knows more line breaks than one
    for one in find_problems(text):
        assert one.place.file == "x.yaml"
        assert 1 <= one.place.line <= lines
        assert one.message


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused(text: str) -> None:
    assert find_problems(text)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(find_profiles()), VALUES, VALUES)
def test_a_child_of_any_content_is_read_or_refused(parent: str, one: Any, other: Any) -> None:
    child = {"name": "x", "version": "1", "extends": parent, "elements": one, "patients": other}
    text = yaml.safe_dump(child, allow_unicode=True, sort_keys=False)
    assert all(problem.message for problem in find_problems(text))
