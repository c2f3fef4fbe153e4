"""Ages as feeds tell them → the national encoding, or the national age bracket.

The encoding (AgeAtTimeOfIncidentDays): days 1–30; from one month completed months x 31, up to 11;
from one year completed years x 372. It has no value for the day of birth: that is 0 here.

A date of birth counts by the calendar: an age is completed on the day of the same number, or, where
that month or year has no such day, on the day after its end (born on 29 February: 1 March).
Days and weeks become months and years by the 365.25 days of a year, and a whole year from the
first day on which it may be one (365, 730, 1095, 1461). Decimal fractions of a year or month stand
for months of 30.44 days and, below one month, for days, rounded. A fraction is read as clinical
shorthand has it, in every unit: n/7 days, n/52 weeks, n/12 months, n/365 days.
"""

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Final, NamedTuple

from mappers.profile_date_readers import make_date_reader
from mappers.profile_terms import AgeUnit
from mappers.profile_values import Unreadable
from schemas.catalogue import mapping

MOST_YEARS: Final = 199
# Element that takes the encoding → the one that takes the bracket where there is no encoding.
BRACKET_BESIDE: Final = {
    "AgeAtTimeOfIncidentDays": "AgeBracket",
    "AgeAtTimeOfIncident": "AgeYears",
}
# The bracket of the first day of life: 0-14 days.
NEWBORN: Final = "1"
# (up to and with this many years, bracket). 85 is of '66-85 years', not of '85+ years'.
_BRACKETS = ((4, "4"), (9, "5"), (15, "6"), (17, "7"), (25, "8"), (45, "9"), (65, "10"), (85, "11"))
_OLDEST = "12"
# Longer texts are never shown in a finding: one in the wrong column may be a date of birth.
_SHOWN = 5

_DECIMAL = r"\d{1,6}(?:\.\d{1,6})?"
_NUMBER = re.compile(rf"[+-]?{_DECIMAL}", re.ASCII)
_FRACTION = re.compile(r"(?:(\d{1,3}) +)?(\d{1,4}) ?/ ?(7|12|52|365|366)", re.ASCII)
_PART = re.compile(rf"({_DECIMAL}) ?-?([a-z]+)\.?(?: old)?(?:,| and|$| |(?=\d))", re.ASCII)
_UNITS = {
    "years": ("y", "yr", "yrs", "year", "years", "yo"),
    "months": ("m", "mo", "mos", "mth", "mths", "mnth", "mnths", "month", "months"),
    "weeks": ("w", "wk", "wks", "week", "weeks"),
    "days": ("d", "dy", "dys", "day", "days"),
    "hours": ("h", "hr", "hrs", "hour", "hours"),
}
_UNIT_OF = {word: unit for unit, words in _UNITS.items() for word in words}
_PARTS_OF_A_YEAR = {"7": "days", "12": "months", "52": "weeks", "365": "days", "366": "days"}
_ACCEPTED = {
    "years": "a number of years, such as 45, 0.5, 6/12 or 28/365",
    "months": "a number of months",
    "weeks": "a number of weeks",
    "days": "a number of days",
    "text": "an age such as 45, 3 months, 2 wks, 10 days, 1 year 6 months, 6/12",
}

_DAYS_OF_A_MONTH = Fraction("30.4375")
_ROUNDED = Fraction("0.01")
_Number = int | Fraction

# Text of an age and the day of the event → value; may be Unreadable.
ReadAge = Callable[[str, str | None], int | str | None]


class Age(NamedTuple):
    """A completed age in its largest unit. 0 days is the day of birth; 0 months or years: an age
    below one month or year that was not told closer."""

    unit: str
    number: int


def make_age_reader(
    unit: AgeUnit, date_format: str | list[str] | None, *, bracket: bool
) -> ReadAge:
    """``bracket``: the value is an age bracket, else the national encoding."""
    finish = _find_bracket if bracket else _encode
    read_date = make_date_reader(date_format)

    def read(text: str, event_date: str | None) -> int | str | None:
        text = text.strip()
        if not text:
            return None
        if unit == "date_of_birth":
            return finish(_count_from_birth(text, read_date, event_date), text)
        return finish(_read_age(text, unit), text)

    return read


def _encode(age: Age, text: str) -> int:
    _check(age, text)
    return age.number * {"years": 372, "months": 31, "days": 1}[age.unit]


def _find_bracket(age: Age, text: str) -> str:
    """29 and 30 days are in no national bracket: the newborn have 28 days, so they are infants."""
    _check(age, text)
    if age.unit == "days" and age.number <= 28:
        return NEWBORN if age.number <= 14 else "2"
    if age.unit != "years":
        return "3"
    return next((code for most, code in _BRACKETS if age.number <= most), _OLDEST)


def _check(age: Age, text: str) -> None:
    if age.number == 0 and age.unit != "days":
        raise Unreadable(mapping.AGE_TOO_COARSE)
    if age.number > MOST_YEARS and age.unit == "years":
        raise Unreadable(mapping.IMPOSSIBLE_AGE, shows=len(text) <= _SHOWN)


def _count_from_birth(text: str, read_date: Callable[[str], object], event_date: str | None) -> Age:
    try:
        found = read_date(text)
    except Unreadable as problem:
        raise Unreadable(problem.code, problem.accepted, shows=False) from None
    if event_date is None:
        raise Unreadable(mapping.AGE_WITHOUT_EVENT_DATE, shows=False)
    born, day = date.fromisoformat(str(found)), date.fromisoformat(event_date)
    if born > day:
        raise Unreadable(mapping.BIRTH_AFTER_EVENT, shows=False)
    months = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    if months >= 12:
        return Age("years", months // 12)
    if months:
        return Age("months", months)
    return _in_days((day - born).days)


def _read_age(text: str, unit: str) -> Age:
    spoken = text.casefold()
    amounts: dict[str, _Number] = {}
    if _NUMBER.fullmatch(spoken):
        number = _make_number(spoken)
        if number < 0:
            raise Unreadable(mapping.IMPOSSIBLE_AGE, shows=len(text) <= _SHOWN)
        amounts["years" if unit == "text" else unit] = number
    elif match := _FRACTION.fullmatch(spoken):
        years, part, whole = match.groups()
        amounts = {_PARTS_OF_A_YEAR[whole]: int(part)}
        if years:
            amounts["years"] = int(years)
    else:
        amounts = _read_parts(spoken) if unit == "text" else {}
    if not amounts:
        raise Unreadable(mapping.NOT_AN_AGE, _ACCEPTED[unit], shows=len(text) <= _SHOWN)
    return _add_up(amounts)


def _make_number(text: str) -> _Number:
    return Fraction(text) if "." in text else int(text)


def _read_parts(spoken: str) -> dict[str, _Number]:
    """'1 year 6 months'; empty where anything else stands in the text."""
    amounts: dict[str, _Number] = {}
    place = 0
    while place < len(spoken):
        match = _PART.match(spoken, place)
        unit = _UNIT_OF.get(match[2]) if match else None
        if match is None or unit is None or unit in amounts:
            return {}
        amounts[unit] = _make_number(match[1])
        place = match.end()
        while place < len(spoken) and spoken[place] == " ":
            place += 1
    return amounts


def _add_up(amounts: dict[str, _Number]) -> Age:
    days = amounts.get("weeks", 0) * 7 + amounts.get("days", 0)
    if "hours" in amounts:
        days += amounts["hours"] // 24
    months = amounts.get("years", 0) * 12 + amounts.get("months", 0)
    if not months:
        if amounts.keys() <= {"years", "months"}:
            return Age("years" if "years" in amounts else "months", 0)
        return _in_days(int(days))
    if days:
        months += days / _DAYS_OF_A_MONTH
    if months >= 12:
        return Age("years", int(months // 12))
    # A third or a twelfth of a year is seldom told with all of its digits.
    completed = int(months if isinstance(months, int) else months + _ROUNDED)
    if completed:
        return Age("months", min(completed, 11))
    return Age("days", min(round(months * _DAYS_OF_A_MONTH), 30))


def _in_days(days: int) -> Age:
    if days <= 30:
        return Age("days", days)
    # In quarters of a day: a year has 1,461, and may end three early.
    years = (days * 4 + 3) // 1461
    if years:
        return Age("years", years)
    return Age("months", min(max(days * 48 // 1461, 1), 11))
