"""A national event written by a shipped profile and read again is equal, in every version."""

import csv
import io
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NationalEvent
from tests.lib.event_strategies import national_events
from tests.lib.profile_feeds import (
    map_csv_feed,
    map_national_feed,
    map_xml_feed,
    write_csv_feed,
    write_national_feed,
    write_xml_feed,
)


@given(st.lists(national_events(), min_size=1, max_size=3), st.sampled_from(",;\t|"))
@settings(max_examples=150, deadline=None)
def test_csv(events: list[NationalEvent], delimiter: str) -> None:
    mapped = map_csv_feed(write_csv_feed(events, delimiter).encode())
    assert [one.event for one in mapped] == events
    assert [one.local_id for one in mapped] == [str(n) for n in range(1, len(events) + 1)]
    assert [one.findings for one in mapped] == [[]] * len(events)


@given(st.lists(national_events(), min_size=1, max_size=3), st.sampled_from(",;\t|"))
@settings(max_examples=150, deadline=None)
def test_national_csv(events: list[NationalEvent], delimiter: str) -> None:
    mapped = map_national_feed(write_national_feed(events, delimiter).encode())
    assert [one.event for one in mapped] == events
    assert [one.local_id for one in mapped] == [str(n) for n in range(1, len(events) + 1)]
    assert [one.findings for one in mapped] == [[]] * len(events)


@given(st.lists(national_events(), min_size=2, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_national_csv_with_the_rows_of_events_apart(
    events: list[NationalEvent], random: Random
) -> None:
    """Rows of several events mixed: of each event they are still in their order."""
    (header, *lines) = list(csv.reader(io.StringIO(write_national_feed(events), newline="")))
    place = header.index("Reference")
    mixed = [line[place] for line in lines]
    random.shuffle(mixed)
    waiting = {one: [line for line in lines if line[place] == one] for one in mixed}
    text = io.StringIO(newline="")
    csv.writer(text).writerows([header, *(waiting[one].pop(0) for one in mixed)])
    found = {one.local_id: one.event for one in map_national_feed(text.getvalue().encode())}
    assert found == {str(number): event for number, event in enumerate(events, start=1)}


@given(st.lists(national_events(), min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_xml(events: list[NationalEvent]) -> None:
    mapped = map_xml_feed(write_xml_feed(events))
    assert [one.event for one in mapped] == events
    assert [one.local_id for one in mapped] == [str(n) for n in range(1, len(events) + 1)]
    assert [one.findings for one in mapped] == [[]] * len(events)


@given(national_events(), st.sampled_from(["utf-8-sig", "utf-16", "utf-16-be"]))
@settings(max_examples=50, deadline=None)
def test_csv_in_any_encoding_that_can_hold_it(event: NationalEvent, encoding: str) -> None:
    raw = write_csv_feed([event]).encode(encoding)
    assert [one.event for one in map_csv_feed(raw)] == [event]


NATIONAL_SEPARATOR = "{~@~}"
_PIECES = ["|", " | ", "\\", "\\|", " ", "a", "\n", ",", '"', "é", NATIONAL_SEPARATOR]


@given(
    st.lists(
        st.lists(st.sampled_from(_PIECES), min_size=1).map(lambda parts: f"x{''.join(parts)}y"),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=200, deadline=None)
def test_texts_that_hold_the_separator_or_the_escape_survive(drugs: list[str]) -> None:
    event = NationalEvent(
        taxonomy_version="5",
        event_type="1",
        groups={"AdverseEventAgent": {"DrugsInvolved": drugs}},
    )
    assert map_csv_feed(write_csv_feed([event]).encode())[0].event == event
    assert map_xml_feed(write_xml_feed([event]))[0].event == event
    if any(NATIONAL_SEPARATOR in drug for drug in drugs):
        with pytest.raises(ValueError, match="A002_DrugsInvolved"):
            write_national_feed([event])
    else:
        assert map_national_feed(write_national_feed([event]).encode())[0].event == event
