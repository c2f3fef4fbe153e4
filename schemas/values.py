"""Plain values as the national schema writes them: dates, times, text."""

import re
import unicodedata
from collections.abc import Collection
from datetime import date, time

from schemas.identifiers import is_nhs_number

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Control characters, separators of lines and paragraphs, overrides of direction, lone surrogates.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CODE = re.compile(r"[A-Za-z0-9._:+/-]{1,24}", re.ASCII)
# 03/11/1981, 1981-11-03T…, 3.11.81, 3-Nov-1981; and 19811103, 03111981.
_LIKE_DATE = re.compile(r"\d{1,4}([-/.])(\d{1,2}|[A-Za-z]{3,9})\1\d{2,4}|\d{1,2}[A-Za-z]{3}\d{2}")
_DAY_IN_DIGITS = re.compile(r"(?:19|20)\d\d(\d\d)(\d\d)|(\d\d)(\d\d)(?:19|20)\d\d", re.ASCII)
_NO_NAMES = frozenset({"true", "false", "null", "none", "unknown"})
_TIME = re.compile(r"\d{2}:\d{2}:\d{2}(\.\d+)?", re.ASCII)


def is_date(value: str) -> bool:
    """A whole calendar date, ``YYYY-MM-DD``."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_time(value: str) -> bool:
    """A time of day, ``HH:MM:SS``, fractions allowed."""
    if not _TIME.fullmatch(value):
        return False
    try:
        time.fromisoformat(value)
    except ValueError:
        return False
    return True


def clean_text(value: str) -> str:
    """The same text however it travelled: NFC, line ends as ``\\n``, no blanks around it."""
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.isascii():
        value = unicodedata.normalize("NFC", value)
    return value.strip()


def storable(text: str) -> str:
    """Text as every database takes it: PostgreSQL refuses NUL, UTF-8 refuses half a surrogate
    pair, and one such record must not cost its neighbours."""
    if "\0" in text:
        text = text.replace("\0", "\N{SYMBOL FOR NULL}")
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text


def shown(value: object, *, known: Collection[str] = (), is_date: bool = False) -> str:
    """A value as a finding may show it: short codes as they are, anything else by its length, so
    that free text (and a person in it) never reaches a receipt or a log. A word may be a name, a
    long number may be somebody's, and a date where none is expected (``is_date``) a date of birth
    in the wrong column: none is shown, unless the word is one of the ``known``."""
    text = value if isinstance(value, str) else str(value)
    if text in known or (is_plain_code(text) and (is_date or not _is_like_date(text))):
        return f"'{text}'"
    return f"({len(text)} character{'' if len(text) == 1 else 's'})"


def is_plain_code(text: str) -> bool:
    """Short, without blanks, and neither a word nor a number that may be somebody's."""
    if not _CODE.fullmatch(text):
        return False
    digits = "".join(character for character in text if character.isdigit())
    if not digits:
        return len(text) <= 3 or text.casefold() in _NO_NAMES
    return not is_nhs_number(digits) and not (len(digits) in (10, 11) and digits[0] == "0")


def _is_like_date(text: str) -> bool:
    """However it is written, also where there is no such day."""
    if match := _DAY_IN_DIGITS.fullmatch(text):
        parts = [int(part) for part in match.groups() if part]
        return any(1 <= part <= 12 for part in parts)
    return _LIKE_DATE.match(text) is not None


def plain(text: str) -> str:
    """Text of others as a person may see it: nothing in it ends our line, moves the cursor of a
    terminal or turns the direction of writing."""
    return _UNSHOWN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
