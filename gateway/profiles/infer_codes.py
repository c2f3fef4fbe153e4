"""Values of a field against the codes and labels of a national value set, and which of them a
draft may show."""

import difflib
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, Final, NamedTuple

from gateway.profiles.infer_kinds import MAX_CODE, MAX_CODES, holds_a_person
from gateway.profiles.infer_model import Code
from gateway.profiles.infer_words import cut_into_words, read_names
from schemas.taxonomy import EVENT_TYPES, TAXONOMY_VERSIONS, get_taxonomy
from schemas.values import is_plain_code

# Shares of words, and of letters of a word, from which on two are like one another.
_ALIKE: Final = 0.65
_LETTERS_ALIKE: Final = 0.8
_YES: Final = frozenset({"yes", "y", "true", "t", "1"})
_COMPARED: Final = 300
_LONGEST_LABEL: Final = 250
_EVENT_TYPES: Final = "event types"

Values = Mapping[str, int]


class ValueSet(NamedTuple):
    """A value set made ready for look-ups. ``labels`` has labels and synonyms, plain, → code;
    ``perhaps`` what may mean a code; ``telling`` how much a code's label tells (labels such as
    "Other" stand in many value sets)."""

    name: str
    codes: Mapping[str, str]
    labels: Mapping[str, str]
    perhaps: Mapping[str, str]
    telling: Mapping[str, float]


class Fit(NamedTuple):
    """How well values fit a value set, 0 to 1: as its codes, and as its labels."""

    as_codes: float
    as_labels: float


@lru_cache(maxsize=16_384)
def plain_label(text: str) -> str:
    """A label as it is compared: its words, whatever case, plural and punctuation."""
    return " ".join(cut_into_words(text.replace("'", "").replace("’", "")))


@lru_cache
def _count_labels() -> Mapping[str, int]:
    """Plain label → in how many value sets it stands."""
    found: dict[str, set[str]] = {}
    for version in TAXONOMY_VERSIONS:
        for name, system in get_taxonomy(version).code_systems.items():
            for label in system.codes.values():
                found.setdefault(plain_label(label), set()).add(name)
    return {label: len(names) for label, names in found.items()}


@lru_cache
def get_value_set(name: str, version: str) -> ValueSet:
    codes = get_taxonomy(version).code_systems[name].codes
    labels: dict[str, str] = {}
    for code, label in codes.items():
        labels.setdefault(plain_label(label), code)
    for code, words in _list_words("values", name).items():
        for word in words:
            labels.setdefault(plain_label(word), code)
    perhaps = {
        plain_label(word): code
        for code, words in _list_words("perhaps", name).items()
        for word in words
    }
    counts = _count_labels()
    telling = {code: 1 / counts.get(plain_label(label), 1) for code, label in codes.items()}
    return ValueSet(name, codes, labels, perhaps, telling)


@lru_cache
def get_event_types() -> ValueSet:
    """The types of event, by their names and labels."""
    codes = {code: one.label for code, one in EVENT_TYPES.items()}
    names = {plain_label(one.name.replace("_", " ")): code for code, one in EVENT_TYPES.items()}
    labels = {plain_label(label): code for code, label in codes.items()}
    words = {
        plain_label(word): code
        for code, listed in _list_words("values", _EVENT_TYPES).items()
        for word in listed
    }
    telling = dict.fromkeys(codes, 1.0)
    return ValueSet(_EVENT_TYPES, codes, words | names | labels, {}, telling)


def _list_words(section: str, name: str) -> Mapping[str, list[str]]:
    found: Any = read_names()[section].get(name, {})
    return found  # type: ignore[no-any-return] # our own data file


def measure_fit(values: Values, value_set: ValueSet) -> Fit:
    """By different values, the most frequent, weighed a little by how often they occur."""
    total = codes = labels = 0.0
    for text, seen in islice(values.items(), _COMPARED):
        weight = 1 + min(seen, 10) / 10
        total += weight
        if len(text) > _LONGEST_LABEL:
            continue
        if text in value_set.codes:
            codes += weight
        if (found := value_set.labels.get(plain_label(text))) is not None:
            labels += weight * (0.4 + 0.6 * value_set.telling[found])
    return Fit(codes / total, labels / total) if total else Fit(0, 0)


def draft_codes(values: Values, value_set: ValueSet) -> list[Code]:
    """A national code for each value, as far as there is one; the most frequent values first."""
    return [
        _draft_code(text, seen, value_set, is_shown=may_be_shown(text, values, value_set))
        for text, seen in sorted(values.items(), key=lambda one: (-one[1], one[0]))[:MAX_CODES]
    ]


def _draft_code(text: str, seen: int, value_set: ValueSet, *, is_shown: bool) -> Code:
    theirs = text if is_shown else None
    plain = plain_label(text)
    code, is_certain = value_set.labels.get(plain), True
    if code is None:
        code, is_certain = _find_alike(plain, value_set), False
    if code is None:
        return Code(theirs=theirs, seen=seen)
    label = value_set.codes[code]
    return Code(theirs=theirs, seen=seen, national=code, label=label, certain=is_certain)


def draft_flag(values: Values, national: str, value_set: ValueSet) -> list[Code]:
    """Yes is that code, no is nothing."""
    label = value_set.codes[national]
    found = []
    for text, seen in values.items():
        code, said = (national, label) if text.casefold() in _YES else ("", "nothing")
        found.append(Code(theirs=text, seen=seen, national=code, label=said, certain=True))
    return found


def _find_alike(plain: str, value_set: ValueSet) -> str | None:
    """What the words may mean: most of them stand in a label, or all of them in one code's only."""
    if (found := value_set.perhaps.get(plain)) is not None:
        return found
    words = plain.split()
    best, best_score = None, _ALIKE
    holding: set[str] = set()
    for label, code in value_set.labels.items():
        inside = label.split()
        if set(words) <= set(inside) or set(inside) <= set(words):
            holding.add(code)
        if (score := _compare_words(words, inside)) > best_score:
            best, best_score = code, score
    if best is None and len(holding) == 1 and len(plain) > 3:
        return holding.pop()
    return best


def _compare_words(words: list[str], others: list[str]) -> float:
    """Twice the words that have one like them on the other side, of all words."""
    alike = sum(any(_is_alike(word, other) for other in others) for word in words)
    return 2 * min(alike, len(others)) / (len(words) + len(others)) if words and others else 0


def _is_alike(word: str, other: str) -> bool:
    if word == other:
        return True
    if min(len(word), len(other)) < 3:
        return False
    if other.startswith(word) or word.startswith(other):
        return True
    return difflib.SequenceMatcher(None, word, other).ratio() >= _LETTERS_ALIKE


def may_be_shown(text: str, values: Values, value_set: ValueSet) -> bool:
    """Whether a value is surely a code of a list, and no text of a person's: short, one of few,
    and one that comes again, looks like a code, or stands in the national list."""
    if len(text) > MAX_CODE or len(values) > MAX_CODES or holds_a_person(text):
        return False
    is_national = text in value_set.codes or plain_label(text) in value_set.labels
    return is_national or values[text] >= 2 or is_plain_code(text)
