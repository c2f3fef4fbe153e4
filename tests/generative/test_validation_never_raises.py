"""Whatever a feed and a profile make of an event, validation answers with findings."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.catalogue import word_fix, word_message
from schemas.event import NationalEvent
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.event_strategies import national_events
from tests.lib.events import REGISTER, make_event, make_submission
from validation.organisations import resolve_organisations
from validation.rules import RULES, select_rules
from validation.validate import validate_event
from validation.well_formed import keep_well_formed

GROUPS = sorted({name for version in TAXONOMY_VERSIONS for name in get_taxonomy(version).by_name})
ELEMENTS = sorted(
    {
        element.name
        for version in TAXONOMY_VERSIONS
        for group in get_taxonomy(version).groups
        for element in group.elements
    }
)
TEXTS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789 -()+@.MrDsPZA", max_size=60),
    st.sampled_from(
        ["1", "2", "4", "y", "n", "RZA", "RZC", "RZF", "2026-11-03", "2026-11", "\ud800"]
    ),
)
PLAIN = st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.floats())
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(ELEMENTS) | TEXTS
ONE_GROUP = st.dictionaries(NAMES, VALUES, max_size=8)
ANY_GROUPS = st.dictionaries(
    st.sampled_from(GROUPS) | TEXTS,
    ONE_GROUP | st.lists(ONE_GROUP | VALUES, max_size=3) | VALUES,
    max_size=8,
)
EVENTS = st.builds(
    NationalEvent,
    taxonomy_version=st.sampled_from([*TAXONOMY_VERSIONS, "7", ""]),
    event_type=st.sampled_from(["1", "2", "3", "4", "9", ""]),
    event_date=st.none() | TEXTS | st.dates().map(date.isoformat),
    narrative=st.none() | TEXTS,
    groups=ANY_GROUPS,
)
SUBMISSIONS = st.builds(
    lambda strict, known: make_submission(strict=strict, register=REGISTER if known else {}),
    st.booleans(),
    st.booleans(),
)


@settings(deadline=None, max_examples=200)
@given(event=EVENTS, submission=SUBMISSIONS)
def test_any_content_gives_findings_that_can_be_worded(event, submission):
    resolved, findings = resolve_organisations(event, submission)
    for finding in findings + validate_event(resolved, submission):
        assert word_message(finding)
        assert word_fix(finding)


@settings(deadline=None, max_examples=300)
@given(
    version=st.sampled_from(TAXONOMY_VERSIONS),
    event_type=st.sampled_from(["1", "2", "3", "4"]),
    group=st.sampled_from(GROUPS),
    element=st.sampled_from(ELEMENTS),
    value=VALUES,
)
def test_one_wild_value_in_a_valid_event_gives_findings(version, event_type, group, element, value):
    event = make_event(event_type, version)
    given_group = event.groups.get(group)
    if isinstance(given_group, list):
        given_group[0][element] = value
    else:
        event.groups[group] = {**(given_group or {}), element: value}
    resolved, findings = resolve_organisations(event, make_submission())
    for finding in findings + validate_event(resolved, make_submission()):
        assert word_message(finding)


@settings(deadline=None, max_examples=100)
@given(event=EVENTS)
def test_the_order_of_findings_does_not_hang_on_the_order_of_groups(event):
    submission = make_submission()
    backwards = NationalEvent(
        taxonomy_version=event.taxonomy_version,
        event_type=event.event_type,
        event_date=event.event_date,
        narrative=event.narrative,
        groups=dict(reversed(event.groups.items())),
    )
    known = [f for f in validate_event(event, submission) if not f.code.startswith("TAX")]
    again = [f for f in validate_event(backwards, submission) if not f.code.startswith("TAX")]
    assert known == again


@settings(deadline=None, max_examples=200)
@given(event=EVENTS | national_events())
def test_a_rule_that_is_not_selected_would_find_nothing(event):
    if event.taxonomy_version not in TAXONOMY_VERSIONS:
        return
    event, submission = keep_well_formed(event), make_submission()
    selected = select_rules(event.taxonomy_version, event.event_type, tuple(event.groups))
    rules = [rule for _, found in RULES for rule in found]
    assert [rule for rule in rules if rule in selected] == list(selected)
    for rule in rules:
        assert rule in selected or not list(rule(event, submission)), rule.__name__
