"""Days and times of a feed, in the formats a profile names.

A format is one of ``NAMED_FORMATS``, or one as in strptime. Years have four digits. Which of day
and month stands first is the profile's decision.

Text without an offset is UK time as written, also in the hour that the change to summer time
skips and in the one that occurs twice: what the clock is said to have shown is kept. Text with an
offset (``Z``, ``+02:00``) is turned into UK time before its day or its time is taken.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from schemas.values import is_date

ISO: Final = "ISO"
ISO_DATETIME: Final = "ISO-datetime"
# Name → the same for strptime; ISO and ISO-datetime are read more strictly than it would.
NAMED_FORMATS: Final[dict[str, str]] = {
    "DD/MM/YYYY": "%d/%m/%Y",
    "DD/MM/YYYY HH:MM": "%d/%m/%Y %H:%M",
    "DD/MM/YYYY HH:MM:SS": "%d/%m/%Y %H:%M:%S",
    "DD/MM/YYYY hh:MM AM": "%d/%m/%Y %I:%M %p",
    "DD/MM/YYYY hh:MM:SS AM": "%d/%m/%Y %I:%M:%S %p",
    "DD-MM-YYYY": "%d-%m-%Y",
    "DD-MM-YYYY HH:MM": "%d-%m-%Y %H:%M",
    "DD-MM-YYYY HH:MM:SS": "%d-%m-%Y %H:%M:%S",
    "DD.MM.YYYY": "%d.%m.%Y",
    "DD.MM.YYYY HH:MM": "%d.%m.%Y %H:%M",
    "DD-Mon-YYYY": "%d-%b-%Y",
    "DD-Mon-YYYY HH:MM": "%d-%b-%Y %H:%M",
    "DD-Mon-YYYY HH:MM:SS": "%d-%b-%Y %H:%M:%S",
    "DD Mon YYYY": "%d %b %Y",
    "DD Mon YYYY HH:MM": "%d %b %Y %H:%M",
    "DD Mon YYYY HH:MM:SS": "%d %b %Y %H:%M:%S",
    "DD Month YYYY": "%d %B %Y",
    "DD Month YYYY HH:MM": "%d %B %Y %H:%M",
    "MM/DD/YYYY": "%m/%d/%Y",
    "MM/DD/YYYY HH:MM": "%m/%d/%Y %H:%M",
    "MM/DD/YYYY HH:MM:SS": "%m/%d/%Y %H:%M:%S",
    "MM/DD/YYYY hh:MM AM": "%m/%d/%Y %I:%M %p",
    "YYYY/MM/DD": "%Y/%m/%d",
    "YYYY/MM/DD HH:MM": "%Y/%m/%d %H:%M",
    "YYYY/MM/DD HH:MM:SS": "%Y/%m/%d %H:%M:%S",
    "YYYYMMDD": "%Y%m%d",
    "YYYYMMDDHHMM": "%Y%m%d%H%M",
    "YYYYMMDDHHMMSS": "%Y%m%d%H%M%S",
    "YYYY-MM-DD": "%Y-%m-%d",
    "YYYY-MM-DD HH:MM": "%Y-%m-%d %H:%M",
    "YYYY-MM-DD HH:MM:SS": "%Y-%m-%d %H:%M:%S",
    ISO: "%Y-%m-%d",
    ISO_DATETIME: "%Y-%m-%dT%H:%M:%S%z",
    "HH:MM": "%H:%M",
    "HH:MM:SS": "%H:%M:%S",
    "HHMM": "%H%M",
    "HHMMSS": "%H%M%S",
    "HH.MM": "%H.%M",
    "hh:MM AM": "%I:%M %p",
    "hh:MM:SS AM": "%I:%M:%S %p",
}
_LONDON: Final = ZoneInfo("Europe/London")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?", re.ASCII
)
_WORDS = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH", "%I": "hh", "%M": "MM", "%S": "SS"}
_WORDS |= {"%b": "Mon", "%B": "Month", "%p": "AM"}
# Formats whose length is fixed: strptime would make 1 November of '2026111' and of '202611 1'.
_UNDIVIDED = {"%Y%m%d": 8, "%Y%m%d%H%M": 12, "%Y%m%d%H%M%S": 14, "%H%M": 4, "%H%M%S": 6}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_MONTHS_SHORT = tuple(name[:3] for name in _MONTHS)
_DIGITS = dict.fromkeys(("%m", "%d", "%H", "%I", "%M", "%S"), r"(\d{1,2})")
_DIGITS |= {"%Y": r"(\d{4})", "%b": "(sept|[a-z]{3})", "%B": "([a-z]{3,9})", "%p": "([ap]m)"}


def has_day(date_format: str) -> bool:
    """Whether a text in the format says a whole day."""
    pattern = NAMED_FORMATS.get(date_format, date_format)
    return "%Y" in pattern and ("%d" in pattern or "%j" in pattern)


def has_time(date_format: str) -> bool:
    """Whether a text in the format says a time of day."""
    pattern = NAMED_FORMATS.get(date_format, date_format)
    return "%H" in pattern or "%I" in pattern or "%T" in pattern


def find_moment(text: str, date_format: str) -> datetime | None:
    """The moment, in UK time and without a zone; None where the text does not fit. Of a format
    without a day only the time means something, and the reverse."""
    try:
        return make_parser(date_format)(text.strip())
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def make_parser(date_format: str) -> Callable[[str], datetime]:
    """Text without blanks around it → moment; ValueError or OverflowError where it does not fit."""
    pattern = NAMED_FORMATS.get(date_format, date_format)
    if date_format == ISO:
        return _parse_iso
    if date_format == ISO_DATETIME:
        return _parse_iso_datetime
    if pattern in _UNDIVIDED:
        return lambda text: _parse_undivided(text, pattern)
    # strptime itself is slow, and knows month names by the locale of the process.
    return _make_quick_parser(pattern) or (
        lambda text: _in_london(datetime.strptime(text, pattern))  # noqa: DTZ007 - UK time
    )


def _make_quick_parser(pattern: str) -> Callable[[str], datetime] | None:
    """None for a format with directives other than the usual ones."""
    pieces = re.split(r"(%.)", pattern)
    marks = pieces[1::2]
    if not set(marks) <= _DIGITS.keys() or len(set(marks)) < len(marks):
        return None
    between = (re.sub(r"(\\\s)+", r"\\s+", re.escape(text)) for text in pieces[::2])
    expression = re.compile(
        "".join(
            text + _DIGITS.get(mark, "") for text, mark in zip(between, [*marks, ""], strict=True)
        ),
        re.ASCII | re.IGNORECASE,
    )
    letters = [mark[1] for mark in marks]

    def parse(text: str) -> datetime:
        match = expression.fullmatch(text)
        if match is None:
            raise ValueError
        found = dict(zip(letters, match.groups(), strict=True))
        return datetime(  # noqa: DTZ001 - UK time as written
            int(found.get("Y", 1900)),
            _find_month(found),
            int(found.get("d", 1)),
            _find_hour(found),
            int(found.get("M", 0)),
            int(found.get("S", 0)),
        )

    return parse


def _find_month(found: dict[str, str]) -> int:
    if "b" in found:
        return _MONTHS_SHORT.index(found["b"][:3].casefold()) + 1
    if "B" in found:
        return _MONTHS.index(found["B"].casefold()) + 1
    return int(found.get("m", 1))


def _find_hour(found: dict[str, str]) -> int:
    hour = int(found.get("H") or found.get("I") or 0)
    if "I" not in found:
        return hour
    if not 1 <= hour <= 12:
        raise ValueError
    return hour % 12 + 12 * (found.get("p", "am").casefold() == "pm")


def _parse_undivided(text: str, pattern: str) -> datetime:
    if len(text) != _UNDIVIDED[pattern] or not (text.isascii() and text.isdigit()):
        raise ValueError
    return datetime.strptime(text, pattern)  # noqa: DTZ007 - UK time as written


def _parse_iso(text: str) -> datetime:
    if not is_date(text):
        raise ValueError
    return datetime.fromisoformat(text)


def _parse_iso_datetime(text: str) -> datetime:
    if not _MOMENT.fullmatch(text):
        raise ValueError
    return _in_london(datetime.fromisoformat(text))


def _in_london(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(_LONDON).replace(tzinfo=None)


def describe(date_format: str) -> str:
    """``%d/%m/%Y`` as ``DD/MM/YYYY``, for people."""
    if date_format == ISO:
        return "YYYY-MM-DD"
    if date_format == ISO_DATETIME:
        return "YYYY-MM-DDTHH:MM:SS"
    for mark, word in _WORDS.items():
        date_format = date_format.replace(mark, word)
    return date_format
