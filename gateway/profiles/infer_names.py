"""Which national element a field is, by its name: the words of the field's name against those of
the element's, and against what local systems call it (``names.yaml``)."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.profiles.infer_words import cut_into_words, read_names
from schemas.taxonomy import NARRATIVE_GROUP, get_taxonomy

_FAINT_WEIGHT: Final = 0.25
# How much the words around a name (the element around an XML field, a column's prefix) count.
_AROUND_WEIGHT: Final = 0.75
_PLACE_HELPS: Final = 0.04
_PLACE_HARMS: Final = 0.08
_PREFIX: Final = re.compile(r"^[\w.-]+:(?=\w)")
# "drug_1", "Drug 2" are both a drug.
_COUNTED: Final = re.compile(r"(?<=[A-Za-z]{3})[_ ][0-9]{1,2}$")
_STEPS: Final = re.compile(r"[/\[\]@'=*]+")
# A name that was read off the taxonomy's own may still be another thing; so may a synonym.
_SURE: Final = 0.95


class Called(NamedTuple):
    """One name by which a target goes, as words; ``around`` may stand beside them."""

    target: str
    words: frozenset[str]
    around: frozenset[str]
    is_synonym: bool


@lru_cache
def _faint() -> frozenset[str]:
    return frozenset(read_names()["faint"])


@lru_cache
def _list_called(version: str) -> tuple[Called, ...]:
    taxonomy = get_taxonomy(version)
    found = []
    for group in taxonomy.groups:
        if group.name == NARRATIVE_GROUP:
            continue
        around = frozenset(cut_into_words(group.name)) - {"adverse", "event"}
        for element in group.elements:
            target = f"{group.name}.{element.name}"
            words = frozenset(cut_into_words(element.name))
            found.append(Called(target, words, around, is_synonym=False))
            for phrase in read_names()["elements"].get(target, ()):
                synonym = frozenset(cut_into_words(phrase))
                found.append(Called(target, synonym, around, is_synonym=True))
    for target, phrases in read_names()["heads"].items():
        for phrase in phrases:
            head = Called(target, frozenset(cut_into_words(phrase)), frozenset(), is_synonym=True)
            found.append(head)
    return tuple(found)


@lru_cache
def _weigh(version: str) -> dict[str, float]:
    """Word → how much it tells: the fewer names have it, the more."""
    targets: dict[str, set[str]] = {}
    for called in _list_called(version):
        for word in called.words:
            targets.setdefault(word, set()).add(called.target)
    weights = {word: 1 / (1 + len(found) / 12) for word, found in targets.items()}
    return weights | dict.fromkeys(_faint() & weights.keys(), _FAINT_WEIGHT)


@lru_cache(maxsize=4_096)
def guess_by_name(path: str, version: str) -> Mapping[str, float]:
    """Target → confidence 0 to 1. ``path`` is a column, or a path whose last step is the name."""
    words, around = _read_path(path)
    weights = _weigh(version)
    best: dict[str, float] = {}
    for called in _list_called(version):
        score = _compare(words, around, called, weights)
        if score > best.get(called.target, 0):
            best[called.target] = score
    return {target: round(score, 2) for target, score in best.items() if score > 0}


def _read_path(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the name, and those around it. Of ``organisation/code`` and ``device/type`` the
    last step alone is no name."""
    steps = [words for step in _STEPS.split(path) if (words := _words_of_step(step))]
    if not steps:
        return frozenset(), frozenset()
    name = steps.pop()
    forms = frozenset(read_names()["forms"])
    while steps and name <= forms | _faint():
        name = (name - forms) | steps.pop()
    return name, frozenset(word for step in steps for word in step)


def _words_of_step(step: str) -> frozenset[str]:
    return frozenset(cut_into_words(_COUNTED.sub("", _PREFIX.sub("", step))))


def _compare(
    words: frozenset[str],
    around: frozenset[str],
    called: Called,
    weights: Mapping[str, float],
) -> float:
    told = called.words & words
    # A legacy field code (PD09) is all of a name, or nothing.
    is_coded = any(word.isdigit() for word in called.words)
    if not told or (is_coded and not called.words <= words):
        return 0
    # What only stands around the name still says it, if less.
    nearby = (called.words & around) - words
    known = _sum(told, weights) + _AROUND_WEIGHT * _sum(nearby, weights)
    recall = known / _sum(called.words, weights)
    # A column's prefix that names the group speaks for it, and is no foreign word.
    at_home = _sum(told, weights) + _sum((words & called.around) - called.words, weights)
    foreign = words - called.words - called.around
    precision = at_home / (at_home + _sum(foreign, weights, unknown=0.5))
    score = 0.92 * 2 * recall * precision / (recall + precision)
    if words <= _faint() and words != called.words:
        score *= 0.8
    if not called.is_synonym and "other" in called.words and "other" not in words | around:
        score *= 0.6  # the text beside a code, and nobody said so
    return min(_SURE, score + _weigh_place(words, around, called, weights))


def _weigh_place(
    words: frozenset[str],
    around: frozenset[str],
    called: Called,
    weights: Mapping[str, float],
) -> float:
    """What stands around a name speaks for a target of that place, and a little against others."""
    if (around | words) & called.around:
        return _PLACE_HELPS
    others = (around & weights.keys()) - _faint() - called.words
    return -_PLACE_HARMS if others else 0


def _sum(words: Iterable[str], weights: Mapping[str, float], *, unknown: float = 1) -> float:
    return sum(weights.get(word, _FAINT_WEIGHT if word in _faint() else unknown) for word in words)


@lru_cache
def _list_phrases(section: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(cut_into_words(phrase)) for phrase in read_names()[section])


def names_a_person(path: str) -> bool:
    """Whether the field's name says that it holds who somebody is."""
    telling = frozenset(read_names()["person_words"])
    return bool(telling & _last_steps(path)[0]) or is_called(path, "person")


def names_a_category(path: str) -> bool:
    """Whether the field says what kind of incident it was, in the terms of the local system."""
    return is_called(path, "category")


def is_called(path: str, section: str) -> bool:
    """Whether the field's name is one of those listed in a section of the data file."""
    phrases = _list_phrases(section)
    return any(
        words in phrases or words - {"patient"} in phrases
        for step in _last_steps(path)
        for words in (step, frozenset(word for word in step if not word.isdigit()))
    )


def _last_steps(path: str) -> list[frozenset[str]]:
    """The words of the name; and, of a path, those together with what the name is in."""
    steps = [words for step in _STEPS.split(path) if (words := _words_of_step(step))]
    last = steps[-1:] or [frozenset()]
    return [*last, steps[-1] | steps[-2]] if len(steps) > 1 else last
