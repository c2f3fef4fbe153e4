"""Ages as feeds tell them, in the national encoding and in brackets; what is no age."""

import pytest

from mappers.profile_ages import make_age_reader
from mappers.profile_terms import AgeUnit
from mappers.profile_values import Unreadable
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy

YEAR, MONTH = 372, 31


def read(unit: AgeUnit, text: str, event: str | None = None, *, bracket: bool = False) -> object:
    """The value, or the code of the finding."""
    try:
        return make_age_reader(unit, None, bracket=bracket)(text, event)
    except Unreadable as problem:
        return problem.code.code


@pytest.mark.parametrize(
    ("unit", "text", "expected"),
    [
        ("years", "45", 45 * YEAR),
        ("years", " 45.9 ", 45 * YEAR),
        ("years", "+1", YEAR),
        ("years", "199", 74_028),
        ("years", "0.5", 6 * MONTH),
        ("years", "0.25", 3 * MONTH),
        # A twelfth and a third of a year, as far as they are usually written out.
        ("years", "0.0833", MONTH),
        ("years", "0.083", MONTH),
        ("years", "0.33", 3 * MONTH),
        ("years", "0.999", 11 * MONTH),
        ("years", "0.0767", 28),
        ("years", "0.0027", 1),
        ("years", "28/365", 28),
        ("years", "1/365", 1),
        ("years", "30/365", 30),
        ("years", "31/365", MONTH),
        ("years", "364/365", 11 * MONTH),
        ("years", "365/365", YEAR),
        ("years", "6/12", 6 * MONTH),
        ("years", "3/52", 21),
        ("months", "1", MONTH),
        ("months", "11", 11 * MONTH),
        ("months", "12", YEAR),
        ("months", "23.9", YEAR),
        ("months", "0.5", 15),
        ("months", "2.5", 2 * MONTH),
        ("weeks", "2", 14),
        ("weeks", "4", 28),
        ("weeks", "5", MONTH),
        ("weeks", "52", 11 * MONTH),
        ("weeks", "53", YEAR),
        ("days", "1", 1),
        ("days", "30", 30),
        ("days", "31", MONTH),
        ("days", "364", 11 * MONTH),
        ("days", "365", YEAR),
        ("days", "730", 2 * YEAR),
        ("days", "1460", 3 * YEAR),
        ("days", "1461", 4 * YEAR),
        ("days", "0", 0),
        ("weeks", "0", 0),
        ("years", "0/365", 0),
        ("text", "45", 45 * YEAR),
        ("text", "45y", 45 * YEAR),
        ("text", "45 Yrs.", 45 * YEAR),
        ("text", "45 years old", 45 * YEAR),
        ("text", "3 months", 3 * MONTH),
        ("text", "3 mths", 3 * MONTH),
        ("text", "18m", YEAR),
        ("text", "2 wks", 14),
        ("text", "10 Days", 10),
        ("text", "12 hours", 0),
        ("text", "30 hrs", 1),
        ("text", "1 year 6 months", YEAR),
        ("text", "1yr6mths", YEAR),
        ("text", "1 month, 2 weeks", MONTH),
        ("text", "0y 4m", 4 * MONTH),
        ("text", "6/12", 6 * MONTH),
        ("text", "18/12", YEAR),
        ("text", "2 3/12", 2 * YEAR),
        ("text", "5/7", 5),
        ("text", "3 / 52", 21),
        ("text", "", None),
        ("years", " ", None),
    ],
)
def test_ages_in_the_national_encoding(unit: AgeUnit, text: str, expected: int | None) -> None:
    found = read(unit, text)
    assert found == expected
    valid = {0, *range(31), *range(0, 342, 31), *range(0, 74_029, 372)}
    assert found is None or found in valid


@pytest.mark.parametrize(
    ("unit", "text", "code"),
    [
        ("years", "45 years", "MAP-061"),
        ("years", "3/4", "MAP-061"),
        ("years", "1e3", "MAP-061"),
        ("years", "٤٥", "MAP-061"),
        ("years", "nan", "MAP-061"),
        ("text", "90+", "MAP-061"),
        ("text", "adult", "MAP-061"),
        ("text", "newborn", "MAP-061"),
        ("text", "40-50", "MAP-061"),
        ("text", "12/03/1980", "MAP-061"),
        ("text", "6 months 6 months", "MAP-061"),
        ("text", "3 moons", "MAP-061"),
        ("text", "1/0", "MAP-061"),
        ("years", "-1", "MAP-062"),
        ("text", "-3", "MAP-062"),
        ("years", "200", "MAP-062"),
        ("years", "999", "MAP-062"),
        ("days", "73050", "MAP-062"),
        # Under a year, and no more is known: no encoding, no bracket.
        ("years", "0", "MAP-065"),
        ("years", "0.0", "MAP-065"),
        ("months", "0", "MAP-065"),
        ("text", "0 months", "MAP-065"),
    ],
)
def test_what_gives_no_age(unit: AgeUnit, text: str, code: str) -> None:
    assert read(unit, text) == code
    assert read(unit, text, bracket=True) == code


@pytest.mark.parametrize(
    ("born", "event", "expected"),
    [
        ("1980-11-03", "2026-11-03", 46 * YEAR),
        ("1980-11-04", "2026-11-03", 45 * YEAR),
        ("2025-11-03", "2026-11-02", 11 * MONTH),
        ("2026-10-03", "2026-11-03", MONTH),
        ("2026-10-04", "2026-11-03", 30),
        ("2026-11-02", "2026-11-03", 1),
        ("2026-11-03", "2026-11-03", 0),
        # Born on 29 February: the year is completed on 1 March.
        ("2024-02-29", "2025-02-28", 11 * MONTH),
        ("2024-02-29", "2025-03-01", YEAR),
        ("2024-02-29", "2028-02-28", 3 * YEAR),
        ("2024-02-29", "2028-02-29", 4 * YEAR),
        ("2024-02-28", "2025-02-28", YEAR),
        # No 31 February: the month is completed on 1 March.
        ("2026-01-31", "2026-02-28", 28),
        ("2026-01-31", "2026-03-01", MONTH),
        ("2026-03-31", "2026-04-30", 30),
        ("1827-11-03", "2026-11-03", 74_028),
        ("1826-11-03", "2026-11-03", "MAP-062"),
        ("2026-11-04", "2026-11-03", "MAP-063"),
        ("2062-11-03", "2026-11-03", "MAP-063"),
        ("1980-11-03", None, "MAP-064"),
        ("03/11/1980", "2026-11-03", "MAP-053"),
        ("80-11-03", "2026-11-03", "MAP-060"),
    ],
)
def test_ages_from_a_date_of_birth(born: str, event: str | None, expected: int | str) -> None:
    assert read("date_of_birth", born, event) == expected


def test_a_date_of_birth_is_never_shown() -> None:
    for unit, text, event in (
        ("date_of_birth", "12/3/80", "2026-11-03"),
        ("date_of_birth", "1826-11-03", "2026-11-03"),
        ("date_of_birth", "2080-11-03", "2026-11-03"),
        ("text", "12/3/80", None),
        ("years", "1980-11-03", None),
    ):
        with pytest.raises(Unreadable) as caught:
            make_age_reader(unit, None, bracket=False)(text, event)  # type: ignore[arg-type]
        assert not caught.value.shows
        assert text not in caught.value.accepted


@pytest.mark.parametrize(
    ("text", "bracket"),
    [
        ("0 days", "1"),
        ("14 days", "1"),
        ("15 days", "2"),
        ("28 days", "2"),
        # In no bracket of the national list: no longer newborn.
        ("29 days", "3"),
        ("30 days", "3"),
        ("1 month", "3"),
        ("11 months", "3"),
        ("1", "4"),
        ("4", "4"),
        ("5", "5"),
        ("9", "5"),
        ("10", "6"),
        ("15", "6"),
        ("16", "7"),
        ("17", "7"),
        ("18", "8"),
        ("25", "8"),
        ("26", "9"),
        ("45", "9"),
        ("46", "10"),
        ("65", "10"),
        ("66", "11"),
        # Of two brackets: '66-85 years' and '85+ years'.
        ("85", "11"),
        ("86", "12"),
        ("199", "12"),
    ],
)
def test_age_brackets(text: str, bracket: str) -> None:
    assert read("text", text, bracket=True) == bracket


def test_the_brackets_are_those_of_every_version() -> None:
    labels = {
        "1": "0-14 days",
        "2": "15-28 days",
        "3": "1-11 months",
        "4": "1-4 years",
        "5": "5-9 years",
        "6": "10-15 years",
        "7": "16 and 17 years",
        "8": "18-25 years",
        "9": "26-45 years",
        "10": "46-65 years",
        "11": "66-85 years",
        "12": "85+ years",
    }
    for version in TAXONOMY_VERSIONS:
        assert get_taxonomy(version).code_systems["age-brackets"].codes == labels
