"""What kind of thing the values of a field are."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from gateway.profiles.infer_dates import find_date_form
from gateway.profiles.infer_model import Kind
from schemas.identifiers import is_nhs_number
from validation.identifiers_in_text import count_emails, count_names, count_telephones

_ENOUGH: Final = 0.95
# Of ten-digit numbers one in eleven has a check digit that fits by chance.
_ENOUGH_NHS: Final = 0.8
_ENOUGH_PERSONS: Final = 0.5
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}[.,][0-9]{1,15}")
_ODS: Final = re.compile(r"[A-Z][A-Z0-9]{2,5}", re.ASCII)
_AGE: Final = re.compile(
    r"[0-9]{1,3} ?(?:d|w|m|y|days?|weeks?|wks?|months?|mths?|years?|yrs?)(?: old)?", re.IGNORECASE
)
_BOOLEANS: Final = (
    {"yes", "no"},
    {"y", "n"},
    {"true", "false"},
    {"t", "f"},
    {"0", "1"},
)
# Longest and most many a list of codes is: beyond, values are no codes but text.
MAX_CODE: Final = 60
MAX_CODES: Final = 60

Values = Mapping[str, int]


class Found:
    """The kind, and of a date or time its formats."""

    def __init__(
        self, kind: Kind, formats: list[str] | None = None, *, ambiguous: bool = False
    ) -> None:
        self.kind = kind
        self.formats = formats or []
        self.ambiguous = ambiguous


def find_kind(values: Values) -> Found:
    """``values``: the different values, without blanks around them, with how often each occurs."""
    if not values:
        return Found("empty")
    if is_about_persons(values):
        return Found("person")
    if _is_boolean(values):
        return Found("boolean")
    if form := find_date_form(values):
        return Found(form.kind, form.formats, ambiguous=form.ambiguous)
    matchers: tuple[tuple[Kind, Callable[[str], object]], ...] = (
        ("integer", _INTEGER.fullmatch),
        ("number", lambda text: _INTEGER.fullmatch(text) or _NUMBER.fullmatch(text)),
        ("age", lambda text: _AGE.fullmatch(text) or _INTEGER.fullmatch(text)),
        ("ods code", lambda text: _ODS.fullmatch(text) and not text.isalpha()),
    )
    for kind, matches in matchers:
        if _share(values, matches) >= _ENOUGH:
            return Found(kind)
    return Found("code" if has_few_values(values) else "text")


def has_few_values(values: Values) -> bool:
    """Short values that come again and again."""
    if len(values) > MAX_CODES or max(map(len, values)) > MAX_CODE:
        return False
    return sum(values.values()) >= 2 * len(values)


def is_about_persons(values: Values) -> bool:
    """NHS numbers, e-mail addresses, telephone numbers, names with a title: most of the values."""
    if _share(values, _is_nhs_number) >= _ENOUGH_NHS:
        return True
    short = {text: seen for text, seen in values.items() if len(text) <= 2 * MAX_CODE}
    return bool(short) and _share(values, holds_a_person) >= _ENOUGH_PERSONS


def holds_a_person(text: str) -> bool:
    """A value that may be somebody's, and so is never shown."""
    if len(text) > 2 * MAX_CODE:
        return False
    digits = re.sub(r"[\s-]", "", text)
    return bool(
        (digits.isdigit() and len(digits) == 10 and is_nhs_number(digits))
        or count_emails(text)
        or count_telephones(text)
        or count_names(text)
    )


def _is_nhs_number(text: str) -> bool:
    digits = re.sub(r"[\s-]", "", text)
    return len(digits) == 10 and digits.isascii() and digits.isdigit() and is_nhs_number(digits)


def _is_boolean(values: Values) -> bool:
    words = {text.casefold() for text in values}
    # "1" alone says nothing: it may be a code of anything.
    return any(words <= pair for pair in _BOOLEANS) and words not in ({"0"}, {"1"})


def _share(values: Values, matches: Callable[[str], object]) -> float:
    return sum(seen for text, seen in values.items() if matches(text)) / sum(values.values())
