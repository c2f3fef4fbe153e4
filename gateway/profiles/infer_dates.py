"""Which date or time format the values of a field are in, read as the engine reads them; what
could be read two ways is said."""

from collections.abc import Callable, Mapping
from datetime import datetime, time
from itertools import islice
from typing import Final, Literal, NamedTuple

from mappers.profile_dates import NAMED_FORMATS, find_moment, has_day, has_time

# Formats are looked for in this many of the values; the one found is tried on all.
_LOOKED_AT: Final = 200
_ENOUGH: Final = 0.95
_MOST_FORMATS: Final = 3
_LONGEST: Final = 40
_SHORTEST: Final = 4

# Four digits may be a time of day, and any other number: not by themselves.
CLOCK: Final = "HHMM"
TIME: Final = "AdverseEventEstimatedDate.PreciseTime"
_PLAIN_CLOCKS: Final = frozenset({CLOCK, "HHMMSS", "HH.MM"})
_DAYS: Final = [name for name in NAMED_FORMATS if has_day(name) and name != "YYYY-MM-DD"]
_CLOCKS: Final = [
    name
    for name in NAMED_FORMATS
    if has_time(name) and not has_day(name) and name not in _PLAIN_CLOCKS
]
_SHORT: Final = {
    name: NAMED_FORMATS[name].replace("%Y", "%y")
    for name in _DAYS
    if name.startswith(("DD", "MM")) and "HH:MM:SS" not in name
}

Values = Mapping[str, int]
Fits = Callable[[str, str], bool]


class DateForm(NamedTuple):
    """``formats`` are the names of the engine's. ``ambiguous``: month first would fit as well."""

    kind: Literal["date", "short year", "time"]
    formats: list[str]
    ambiguous: bool = False


def find_date_form(values: Values) -> DateForm | None:
    """The form of these values (with how often each occurs), None where they are no dates."""
    texts = [text for text in islice(values, _LOOKED_AT) if _SHORTEST <= len(text) <= _LONGEST]
    if not texts or not any(character.isdigit() for character in texts[0]):
        return None
    if found := _cover(_DAYS, texts, values, fits):
        return DateForm("date", found, _is_ambiguous(found, values, fits))
    if found := _cover(list(_SHORT), texts, values, _fits_short):
        return DateForm("short year", found, _is_ambiguous(found, values, _fits_short))
    if found := _cover(_CLOCKS, texts, values, fits):
        return DateForm("time", found)
    return None


def has_clock(values: Values, formats: list[str]) -> bool:
    """Whether dates have a time of day, and not midnight in all of them: that is no time."""
    timed = [one for one in formats if has_time(one)]
    moments = (find_moment(text, one) for text in islice(values, _LOOKED_AT) for one in timed)
    return any(moment and moment.time() != time() for moment in moments)


def is_plain_clock(values: Values) -> bool:
    """Four digits that may be a time of day: enough where the name says so too."""
    known = sum(seen for text, seen in values.items() if len(text) == 4 and fits(text, CLOCK))
    return bool(values) and known >= _ENOUGH * sum(values.values())


def fits(text: str, date_format: str) -> bool:
    """Whether the engine reads this text by that format."""
    return find_moment(text, date_format) is not None


def _fits_short(text: str, date_format: str) -> bool:
    try:
        datetime.strptime(text, _SHORT[date_format])  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True


def _cover(formats: list[str], texts: list[str], values: Values, fit: Fits) -> list[str]:
    """The fewest formats, best first, that read nearly all values; empty where none do."""
    chosen: list[str] = []
    left = texts
    while left and len(chosen) < _MOST_FORMATS and len(left) > len(texts) * (1 - _ENOUGH):
        read = {one: sum(fit(text, one) for text in left) for one in formats}
        best = max(formats, key=lambda one: read[one])
        if not read[best]:
            return []
        chosen.append(best)
        left = [text for text in left if not fit(text, best)]
    total = sum(values.values())
    known = sum(seen for text, seen in values.items() if any(fit(text, one) for one in chosen))
    return chosen if known >= _ENOUGH * total else []


def _is_ambiguous(formats: list[str], values: Values, fit: Fits) -> bool:
    turned = {one: one.replace("DD/MM", "MM/DD") for one in formats if one.startswith("DD/MM")}
    known = [one for one in turned.values() if one in NAMED_FORMATS]
    read = [text for text in values if any(fit(text, one) for one in turned)]
    return bool(read) and all(any(fit(text, one) for one in known) for text in read)
