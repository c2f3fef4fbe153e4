"""A national event written by a shipped profile and read again is equal, in every version."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NationalEvent
from tests.lib.event_strategies import national_events
from tests.lib.profile_feeds import map_csv_feed, map_xml_feed, write_csv_feed, write_xml_feed


@given(st.lists(national_events(), min_size=1, max_size=3), st.sampled_from(",;\t|"))
@settings(max_examples=150, deadline=None)
def test_csv(events: list[NationalEvent], delimiter: str) -> None:
    mapped = map_csv_feed(write_csv_feed(events, delimiter).encode())
    assert [one.event for one in mapped] == events
    assert [one.local_id for one in mapped] == [str(n) for n in range(1, len(events) + 1)]
    assert [one.findings for one in mapped] == [[]] * len(events)


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


_PIECES = ["|", " | ", "\\", "\\|", " ", "a", "\n", ",", '"', "é", "{~@~}"]


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
