"""Text of a feed → date or time of the event, in the formats a profile gives a field.

Of several formats the first that fits counts. A text that fits none, but would with a year of two
digits, is refused as such: the century is never made up.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from mappers.profile_dates import (
    ISO,
    NAMED_FORMATS,
    describe,
    has_day,
    has_time,
    make_parser,
)
from mappers.profile_values import ReadOne, Unreadable
from schemas.catalogue import mapping
from schemas.finding import FindingCode
from schemas.values import is_date, is_time

_SHORT_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")
_Formats = str | Sequence[str] | None


def make_date_reader(formats: _Formats) -> ReadOne:
    """``YYYY-MM-DD`` where the profile names no format."""
    listed = _as_list(formats) or [ISO]
    parsers = [make_parser(one) for one in listed if has_day(one)]
    refuse = _make_refusal(listed, mapping.NOT_A_PROFILE_DATE)

    def read(text: str) -> str | None:
        text = text.strip()
        if not text:
            return None
        for parse in parsers:
            try:
                return parse(text).date().isoformat()
            except (ValueError, OverflowError):
                continue
        raise refuse(text)

    def read_iso(text: str) -> str | None:
        text = text.strip()
        if text and not is_date(text):
            raise refuse(text)
        return text

    return read_iso if listed == [ISO] else read


def make_time_reader(formats: _Formats) -> ReadOne:
    """``HH:MM:SS`` or ``HH:MM`` where the profile names no format. A text in a format without a
    time says nothing: midnight is never made up."""
    listed = _as_list(formats)
    if not listed:
        return _read_iso_time
    parsers = [(make_parser(one), has_time(one)) for one in listed]
    refuse = _make_refusal(listed, mapping.NOT_A_PROFILE_TIME)

    def read(text: str) -> str | None:
        text = text.strip()
        if not text:
            return None
        for parse, says_time in parsers:
            try:
                moment = parse(text)
            except (ValueError, OverflowError):
                continue
            return moment.time().isoformat("seconds") if says_time else None
        raise refuse(text)

    return read


def _read_iso_time(text: str) -> str | None:
    text = text.strip()
    if _SHORT_TIME.fullmatch(text):
        text += ":00"
    if text and not is_time(text):
        raise Unreadable(mapping.NOT_A_PROFILE_TIME, "HH:MM:SS or HH:MM")
    return text


def _as_list(formats: _Formats) -> list[str]:
    given = [formats] if isinstance(formats, str) else list(formats or ())
    # strptime's word for it, and ours, in the long form too.
    return [ISO if one in ("%Y-%m-%d", "YYYY-MM-DD") else one for one in given]


def _make_refusal(formats: list[str], code: FindingCode) -> Callable[[str], Unreadable]:
    accepted = " or ".join(describe(one) for one in formats)
    short = [NAMED_FORMATS.get(one, one).replace("%Y", "%y") for one in formats]
    short = [one for one in short if "%y" in one]

    def refuse(text: str) -> Unreadable:
        is_short = any(_fits(text, one) for one in short)
        return Unreadable(mapping.TWO_DIGIT_YEAR if is_short else code, accepted)

    return refuse


def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True
