"""What a report that is mailed may show of a feed: codes, and nothing that may be a person."""

from collections import Counter

import pytest

from gateway.profiles.coverage import show_name
from gateway.profiles.sharing import is_shareable, make_shape, tell_values


@pytest.mark.parametrize(
    "text",
    [
        "A1",
        "Ward 7",
        "Fall from height",
        "PRESSURE ULCER (grade 2)",
        "n/k",
        "22298006",
        "é",
        "x" * 60,
    ],
)
def test_codes_and_words_may_be_shown(text: str):
    assert is_shareable(text)


@pytest.mark.parametrize(
    "text",
    [
        "999 123 4527",
        "9991234528",
        "nhs no 999-123-4527",
        "someone@trust.example",
        "@handle",
        "0117 496 0123",
        "01174960123",
        "Mr Example",
        "DR EXAMPLE",
        "seen by dr. example",
        "Sister Example",
        "BS1 4ZZ",
        "12/03/1950",
        "1950-03-12",
        "12 March 1950",
        "12Mar50",
        "x" * 61,
    ],
)
def test_what_may_be_a_person_is_not(text: str):
    assert not is_shareable(text)


def test_rare_values_are_counted_and_not_shown():
    told = tell_values(Counter({"A": 5, "B": 3, "C": 2, "Dr Example": 9}), min_count=3)
    assert [(one.value, one.count) for one in told.shown] == [("A", 5), ("B", 3)]
    assert (told.others, told.other_count) == (2, 11)


def test_shown_values_cannot_move_a_terminal():
    (shown,) = tell_values({"a\x1b[2J": 3}, min_count=3).shown
    assert "\x1b" not in shown.value


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("03/05/2025", "99/99/9999"),
        ("3 May 25", "9 Aaa 99"),
        ("Zoë-Ann", "Aaa-Aaa"),
        ("9" * 40, "9" * 30 + "…"),
    ],
)
def test_a_shape_says_how_it_is_written(text: str, shape: str):
    assert make_shape(text) == shape


@pytest.mark.parametrize("name", ["@kind", "Ward 3", "what/field[@name='x']", "/a/*/b", "Mr/Mrs"])
def test_names_of_fields_are_shown(name: str):
    assert show_name(name) == name


@pytest.mark.parametrize("name", ["999 123 4527", "Mr Example", "someone@trust.example"])
def test_people_in_names_of_fields_are_not(name: str):
    assert show_name(name) == f"({len(name)} characters)"
