"""Text of a feed → value of the element's type, as a profile says. One function for each field,
made once; it gives the value, None for "says nothing", or raises Unreadable."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from mappers.profile_model import Booleans
from schemas.catalogue import mapping
from schemas.finding import FindingCode
from schemas.values import is_date, is_time

Scalar = str | int | bool
ReadOne = Callable[[str], Scalar | None]

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_SHORT_TIME = re.compile(r"[0-9]{2}:[0-9]{2}")
_MAX_ACCEPTED = 12


class Unreadable(ValueError):  # noqa: N818 - a signal between these modules, never an error of ours
    """This text has no value of the field's type. ``accepted`` names what would have."""

    def __init__(self, code: FindingCode, accepted: str = "") -> None:
        super().__init__(code.code)
        self.code = code
        self.accepted = accepted


def make_code_reader(codes: Mapping[str, str] | None) -> ReadOne:
    """A code as it stands, or by their code map: exactly, else whatever its case where that is
    unambiguous. An unknown code is never a default."""
    if codes is None:
        return str.strip
    exact = dict(codes)
    folded: dict[str, str] = {}
    ambiguous = set()
    for theirs, national in codes.items():
        if folded.setdefault(theirs.casefold(), national) != national:
            ambiguous.add(theirs.casefold())
    for fold in ambiguous:
        del folded[fold]
    accepted = _list_accepted(list(codes))

    def read(text: str) -> str | None:
        found = exact.get(text)
        if found is not None:
            return found
        text = text.strip()
        found = exact.get(text)
        if found is None:
            found = folded.get(text.casefold())
        if found is None and text:
            raise Unreadable(mapping.UNKNOWN_LOCAL_CODE, accepted)
        return found

    return read


def make_boolean_reader(booleans: Booleans) -> ReadOne:
    words = {word.casefold(): False for word in booleans.false}
    words |= {word.casefold(): True for word in booleans.true}
    accepted = _list_accepted([*booleans.true, *booleans.false])

    def read(text: str) -> bool | None:
        text = text.strip()
        found = words.get(text.casefold())
        if found is None and text:
            raise Unreadable(mapping.NOT_TRUE_OR_FALSE, accepted)
        return found

    return read


def read_integer(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not _WHOLE_NUMBER.fullmatch(text):
        raise Unreadable(mapping.NOT_A_NUMBER)
    return int(text)


def make_date_reader(date_format: str | list[str] | None) -> ReadOne:
    """``YYYY-MM-DD`` where the profile names no other format."""
    if isinstance(date_format, list):
        date_format = date_format[0]
    if date_format in (None, "%Y-%m-%d"):
        return _read_iso_date
    accepted = _describe(date_format or "")

    def read(text: str) -> str | None:
        text = text.strip()
        if not text:
            return None
        try:
            return datetime.strptime(text, date_format or "").date().isoformat()  # noqa: DTZ007
        except ValueError:
            raise Unreadable(mapping.NOT_A_PROFILE_DATE, accepted) from None

    return read


def _read_iso_date(text: str) -> str | None:
    text = text.strip()
    if text and not is_date(text):
        raise Unreadable(mapping.NOT_A_PROFILE_DATE, "YYYY-MM-DD")
    return text


def make_time_reader(time_format: str | list[str] | None) -> ReadOne:
    """``HH:MM:SS`` or ``HH:MM`` where the profile names no other format."""
    if isinstance(time_format, list):
        time_format = time_format[0]
    if time_format is None:
        return _read_iso_time
    accepted = _describe(time_format)

    def read(text: str) -> str | None:
        text = text.strip()
        if not text:
            return None
        try:
            return datetime.strptime(text, time_format).time().isoformat("seconds")  # noqa: DTZ007
        except ValueError:
            raise Unreadable(mapping.NOT_A_PROFILE_TIME, accepted) from None

    return read


def _read_iso_time(text: str) -> str | None:
    text = text.strip()
    if _SHORT_TIME.fullmatch(text):
        text += ":00"
    if text and not is_time(text):
        raise Unreadable(mapping.NOT_A_PROFILE_TIME, "HH:MM:SS or HH:MM")
    return text


def make_splitter(separator: str | None, escape: str | None) -> Callable[[str], list[str]]:
    """One cell → its values. With an escape, the character behind it is meant literally, so a
    value may hold the separator; blanks around values do not count."""
    if separator is None:
        return lambda text: [text]
    if escape is None:
        return lambda text: text.split(separator)
    token = re.compile(f"{re.escape(escape)}(.)|{re.escape(separator)}", re.DOTALL)

    def split(text: str) -> list[str]:
        if escape not in text:
            return text.split(separator)
        values, value, place = [], "", 0
        for match in token.finditer(text):
            value += text[place : match.start()]
            place = match.end()
            if match.group(1) is None:
                values.append(value)
                value = ""
            else:
                value += match.group(1)
        return [*values, value + text[place:]]

    return split


def _describe(date_format: str) -> str:
    """``%d/%m/%Y`` as ``DD/MM/YYYY``, for people."""
    words = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH", "%M": "MM", "%S": "SS", "%b": "Mon"}
    for mark, word in words.items():
        date_format = date_format.replace(mark, word)
    return date_format


def _list_accepted(words: list[str]) -> str:
    shown = ", ".join(words[:_MAX_ACCEPTED])
    return f"{shown} …" if len(words) > _MAX_ACCEPTED else shown
