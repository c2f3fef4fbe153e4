"""The quick check of the taxonomy says yes only where the whole check finds nothing, and to what
nearly every event is it says yes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NationalEvent, decode_event, encode_event
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from schemas.taxonomy.quick import is_surely_valid
from tests.generative.test_validation_never_raises import GROUPS, TEXTS
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event
from validation.taxonomy_check import check_taxonomy

WRONG = st.one_of(
    TEXTS.filter(lambda text: "\ud800" not in text),
    st.sampled_from(["2026-02-30", "24:00:00", "12:00", "1 2", " 1", "1\n", "x" * 101, ""]),
    st.integers(),
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.sampled_from(["1", "2", "9999", 1]), max_size=60),
    st.dictionaries(st.sampled_from(["PatientSequence", "ReporterType"]), st.integers()),
)


@st.composite
def one_thing_wrong(draw: st.DrawFn) -> NationalEvent:
    """An event of which one value, one group or one field of its own is anything."""
    event = draw(national_events())
    groups: Any = event.groups
    where = draw(st.sampled_from(["element", "group", "gone", "field"]))
    if where == "group":
        groups[draw(st.sampled_from(GROUPS) | st.just("Other"))] = draw(WRONG | st.lists(WRONG))
    elif where == "gone" and groups:
        groups.pop(draw(st.sampled_from(sorted(groups))))
    elif where == "element" and groups:
        name = draw(st.sampled_from(sorted(groups)))
        group = groups[name][0] if isinstance(groups[name], list) else groups[name]
        known = [one.name for one in get_taxonomy(event.taxonomy_version).by_name[name].elements]
        group[draw(st.sampled_from([*known, "Other"]))] = draw(WRONG)
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    fields = {
        "taxonomy_version": draw(st.sampled_from([*TAXONOMY_VERSIONS, "7"])),
        "event_type": draw(st.sampled_from(["1", "5", ""])),
        "event_date": draw(texts | st.sampled_from(["2026-02-30", "20260201", "2026-02-01T"])),
    }
    changed = {name: value for name, value in fields.items() if draw(st.integers(0, 7)) == 0}
    return NationalEvent(
        **{
            "taxonomy_version": event.taxonomy_version,
            "event_type": event.event_type,
            "event_date": event.event_date,
            "narrative": event.narrative,
            "groups": groups,
        }
        | changed
    )


@settings(deadline=None, max_examples=500)
@given(event=one_thing_wrong())
def test_its_yes_needs_no_second_opinion(event):
    if is_surely_valid(encode_event(event), event.taxonomy_version):
        assert check_taxonomy(event) == []


@settings(deadline=None, max_examples=200)
@given(event=national_events())
def test_it_says_yes_to_events_without_fault(event):
    payload = encode_event(event)
    if check_taxonomy(decode_event(payload)) == []:
        assert is_surely_valid(payload, event.taxonomy_version)


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("event_type", ["1", "2", "3", "4"])
def test_it_says_yes_to_each_type_in_each_version(version, event_type):
    payload = encode_event(make_event(event_type, version))
    assert is_surely_valid(payload, version)
    assert not is_surely_valid(payload, "7")
