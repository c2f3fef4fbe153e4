"""Which values of a feed a coverage report may show. It goes to a vendor by mail: codes may be
seen, people may not."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from schemas.identifiers import is_nhs_number
from schemas.values import plain
from validation.identifiers_in_text import (
    count_emails,
    count_names,
    count_nhs_numbers,
    count_postcodes,
    count_telephones,
)

MAX_SHOWN_LENGTH: Final = 60
MIN_COUNT: Final = 3
_MOST_SHOWN: Final = 20
_MAX_SHAPE: Final = 30
# A day may be a date of birth, in whatever form.
_DAY: Final = re.compile(
    r"[0-9]{1,4}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}|[0-9]{1,2}[-/ ]?[A-Za-z]{3,9}[-/ ,]*[0-9]{2,4}"
)
# A title before a word; "near miss" is what half of all events are.
_TITLE: Final = re.compile(
    r"(?<!\bnear[ -])\b(?:mr|mrs|ms|miss|mx|dr|prof|professor|sister|rev)\b\.? *[^\W\d_]",
    re.IGNORECASE,
)
_FINDERS: Final[tuple[Callable[[str], int], ...]] = (
    count_emails,
    count_names,
    count_nhs_numbers,
    count_postcodes,
    count_telephones,
)
_DIGITS: Final = re.compile(r"[^0-9]")
_LETTERS: Final = re.compile(r"[^\W\d_]")


class ValueCount(msgspec.Struct, frozen=True):
    value: str
    count: int


class ValuesTold(msgspec.Struct, frozen=True):
    """``shown``, most frequent first; of ``others`` (different values, ``other_count`` times
    together) only how many. ``is_more``: not every different value could be counted."""

    shown: list[ValueCount] = []
    others: int = 0
    other_count: int = 0
    is_more: bool = False

    @property
    def times(self) -> int:
        return sum(one.count for one in self.shown) + self.other_count


def tell_values(counts: Mapping[str, int], *, min_count: int, is_more: bool = False) -> ValuesTold:
    """A value is shown where it was seen ``min_count`` times at least and is not like a person."""
    shown = [
        ValueCount(plain(value), count)
        for value, count in Counter(counts).most_common()
        if count >= min_count and is_shareable(value)
    ][:_MOST_SHOWN]
    total = sum(counts.values())
    return ValuesTold(
        shown=shown,
        others=len(counts) - len(shown),
        other_count=total - sum(one.count for one in shown),
        is_more=is_more,
    )


def is_shareable(text: str) -> bool:
    """Short, and nothing in it that may be about a person."""
    if len(text) > MAX_SHOWN_LENGTH or "@" in text or _TITLE.search(text) or _DAY.search(text):
        return False
    # Ten digits may be an NHS number with a slip in it.
    return len(_DIGITS.sub("", text)) != 10 and names_nobody(text)


def names_nobody(text: str) -> bool:
    """Nothing in it names, numbers or reaches a person for certain."""
    digits = _DIGITS.sub("", text)
    if is_nhs_number(digits) or (len(digits) in (10, 11) and digits[0] == "0"):
        return False
    return not any(count(text) for count in _FINDERS)


def make_shape(text: str) -> str:
    """``03/May/2025`` as ``99/Aaa/9999``: how it is written, and not what."""
    shape = _LETTERS.sub(_letter_shape, text[:_MAX_SHAPE])
    shape = re.sub(r"[0-9]", "9", shape)
    return plain(shape) + ("…" if len(text) > _MAX_SHAPE else "")


def _letter_shape(found: re.Match[str]) -> str:
    return "A" if found[0].isupper() else "a"
