"""What of a record's values a finding may show."""

import pytest

from schemas.values import shown


@pytest.mark.parametrize(
    "value",
    [
        "99",
        "y",
        "unk",
        "RZA01",
        "31/02/2026",
        "2.40pm",
        "true",
        "322236009",
        "v1.2-b",
        "9990000019",
    ],
)
def test_codes_and_dates_are_shown(value):
    assert shown(value) == f"'{value}'"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Featherstonehaugh", "(17 characters)"),
        ("near-miss", "(9 characters)"),
        ("two words", "(9 characters)"),
        ("é", "(1 character)"),
        ("", "(0 characters)"),
        ("x" * 25, "(25 characters)"),
        # An NHS number of the test range, and telephone numbers.
        ("9990000018", "(10 characters)"),
        ("999-000-0018", "(12 characters)"),
        (9990000018, "(10 characters)"),
        ("01632960123", "(11 characters)"),
    ],
)
def test_what_may_be_a_person_is_not(value, words):
    assert shown(value) == words
