"""Columns that were probably renamed: one vanished, one came, and they look alike."""

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Final, NamedTuple

import msgspec

_LEAST_CONFIDENCE: Final = 0.5
# More pairs than these are no renaming but another file.
_MOST_PAIRS: Final = 10_000
# A field with more different values than these is told by how they are written.
_FEW_VALUES: Final = 200
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Looks(NamedTuple):
    """What a column looks like. ``share``: of the records in which it is filled."""

    name: str
    values: Counter[str]
    shapes: Counter[str]
    share: float


class Renamed(msgspec.Struct, frozen=True):
    """``confidence`` 0 to 1."""

    before: str
    after: str
    confidence: float


def find_renamed(vanished: list[Looks], new: list[Looks]) -> list[Renamed]:
    """The likeliest pairs first; each column in one of them at most."""
    if len(vanished) * len(new) > _MOST_PAIRS:
        return []
    pairs = sorted(
        (Renamed(old.name, one.name, _weigh(old, one)) for old in vanished for one in new),
        key=lambda pair: -pair.confidence,
    )
    found: list[Renamed] = []
    for pair in pairs:
        if pair.confidence < _LEAST_CONFIDENCE:
            break
        if not any(pair.before == one.before or pair.after == one.after for one in found):
            found.append(pair)
    return found


def _weigh(old: Looks, new: Looks) -> float:
    """Either the names or the values may carry it; that one column is full and the other nearly
    empty speaks against."""
    names = _compare_names(old.name, new.name)
    values = _compare_values(old, new)
    likeness = 1 - (1 - 0.8 * names) * (1 - 0.7 * values)
    return round(likeness * (1 - 0.5 * abs(old.share - new.share)), 2)


def _compare_names(one: str, other: str) -> float:
    """1 for the same words, in whatever order and spelling of the whole; 0 for nothing alike."""
    words, others = _words_of(one), _words_of(other)
    if not words or not others:
        return 0
    shared = len(words & others) / len(words | others)
    spelt = SequenceMatcher(None, "".join(sorted(words)), "".join(sorted(others))).ratio()
    # Unrelated words have about half of their letters in common.
    return max(shared, (spelt - 0.5) / 0.5)


def _words_of(name: str) -> set[str]:
    return {word.casefold() for word in _WORDS.findall(name)}


def _compare_values(old: Looks, new: Looks) -> float:
    """The values themselves where they are few; else how they are written, which says less."""
    if old.values and new.values and max(len(old.values), len(new.values)) <= _FEW_VALUES:
        alike = _overlap(old.values, new.values)
        # One value for all records is in many columns.
        return alike if len(old.values) > 2 else 0.5 * alike
    return 0.5 * _overlap(old.shapes, new.shapes)


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    """The share that two distributions have in common."""
    total, others = one.total(), other.total()
    if not total or not others:
        return 0
    return sum(min(count / total, other[key] / others) for key, count in one.items())
