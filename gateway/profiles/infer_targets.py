"""Where a field may belong, and how sure that is: its name against its values."""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from gateway.profiles.infer_codes import (
    Fit,
    get_event_types,
    get_value_set,
    measure_fit,
    plain_label,
)
from gateway.profiles.infer_model import Column, Guess
from gateway.profiles.infer_names import guess_by_name
from mappers.profile_model import REFERENCE, find_spec
from schemas.event import PATIENTS
from schemas.identifiers import parse_reference
from schemas.taxonomy import (
    NARRATIVE_GROUP,
    ORGANISATION_CODES,
    TAXONOMY_VERSIONS,
    ElementSpec,
    get_taxonomy,
)

AGE: Final = f"{PATIENTS}.AgeAtTimeOfIncidentDays"
HEADS: Final = ("local_id", "event_date", "narrative", "event_type", "taxonomy_version")
_WHOLE: Final = 0.95
_NEARLY: Final = 0.8
_MOST: Final = 0.6
# By what a name's confidence shrinks where the values are nothing that the value set has.
_FOREIGN: Final = {"text": 0.45, "boolean": 0.4, "ods code": 0.4}
# An age is preferred to a date of birth, which has to be dropped once it was read.
_AGES: Final = {
    "integer": (1.02, "ages"),
    "number": (1.02, "ages"),
    "age": (1.02, "ages"),
    "date": (0.98, "dates of birth"),
    "short year": (0.9, "dates of birth with two-digit years"),
}
_WORDS: Final = {
    "date": "dates",
    "time": "times",
    "integer": "whole numbers",
    "boolean": "yes or no",
}
_FLAGGED: Final = ("AdverseEventAgent.InvolvedAgents",)
_FLAG: Final = 0.86
# Share of the values that are labels, from which on they count: with a name that says it as well,
# with one that says it in part, and without; in the last two cases of so many values at least.
_FEW_LABELS: Final = 0.2
_SOME_LABELS: Final = 0.35
_MOST_LABELS: Final = 0.7
_FEWEST: Final = 3
_SOME: Final = 0.3
_LONGEST_ID: Final = 40
_A_SENTENCE: Final = 40


class Surroundings(NamedTuple):
    """What one field cannot tell: its place among the others. ``longest`` is the longest median
    length of a text in the feed; ``id`` the column that tells rows of one record."""

    version: str
    longest: int
    first: str
    id: str | None


def list_guesses(column: Column, around: Surroundings) -> list[Guess]:
    """The targets a field may have, the most likely first."""
    if column.field.kind in ("empty", "person"):
        return []
    by_name = guess_by_name(column.field.name, around.version)
    found = [*_guess_heads(column, by_name, around), *_guess_elements(column, by_name, around)]
    return sorted(found, key=lambda guess: (-guess.confidence, guess.target))


def _guess_heads(
    column: Column, by_name: Mapping[str, float], around: Surroundings
) -> Iterator[Guess]:
    for target in HEADS:
        name = by_name.get(target, 0)
        support, evidence = _SUPPORT[target](column, around)
        if support is None:
            continue
        confidence = _join(name, support)
        if confidence > 0:
            yield _guess(target, confidence, name, evidence)


def _support_id(column: Column, around: Surroundings) -> tuple[float | None, str]:
    field = column.field
    if field.kind in ("date", "time", "boolean", "short year") or field.longest > _LONGEST_ID:
        return None, ""
    if field.name == around.id:
        return 0.6, "its rows belong together"
    # A record may be sent twice in one file, so nearly all different is enough.
    if field.filled < _WHOLE or field.different < 0.9 * sum(column.values.values()):
        return None, ""
    support = 0.45 if field.unique else 0.35
    support += 0.15 if field.name == around.first else 0
    # A national number is unique as well, and long numbers that are close together.
    return support, "different in every record" if field.unique else "nearly always different"


def _support_date(column: Column, _: Surroundings) -> tuple[float | None, str]:
    kind = column.field.kind
    if kind not in ("date", "short year"):
        return None, ""
    return 0.1, "dates" if kind == "date" else "dates with two-digit years"


def _support_narrative(column: Column, around: Surroundings) -> tuple[float | None, str]:
    field = column.field
    if field.kind not in ("text", "code") or field.separator not in (None, ",", ";", "\n"):
        return None, ""
    if field.median_length < _A_SENTENCE:
        return (0, "") if field.kind == "text" else (None, "")
    if field.median_length == around.longest:
        return 0.5, "the longest text"
    return 0.15, "long text"


def _support_type(column: Column, _: Surroundings) -> tuple[float | None, str]:
    known = get_event_types()
    said = "values are types of event"
    if _share(column, lambda text: plain_label(text) in known.labels) >= _NEARLY:
        # One word for all records may be of any list; several are of this one.
        return (0.65 if len(column.values) > 1 else 0.4), said
    if _share(column, lambda text: text in known.codes) >= _WHOLE:
        return 0.2, said
    return None, ""


def _share(column: Column, is_meant: Callable[[str], bool]) -> float:
    """Of the records, not of the different values."""
    meant = sum(seen for text, seen in column.values.items() if is_meant(text))
    return meant / (sum(column.values.values()) or 1)


def _support_version(column: Column, _: Surroundings) -> tuple[float | None, str]:
    is_version = bool(column.values) and column.values.keys() <= set(TAXONOMY_VERSIONS)
    return (0, "taxonomy versions") if is_version else (None, "")


_SUPPORT: Final = {
    "local_id": _support_id,
    "event_date": _support_date,
    "narrative": _support_narrative,
    "event_type": _support_type,
    "taxonomy_version": _support_version,
}


def _guess_elements(
    column: Column, by_name: Mapping[str, float], around: Surroundings
) -> Iterator[Guess]:
    taxonomy = get_taxonomy(around.version)
    fits: dict[str, Fit] = {}
    for group in taxonomy.groups:
        if group.name == NARRATIVE_GROUP:
            continue
        for spec in group.elements:
            target = f"{group.name}.{spec.name}"
            name = by_name.get(target, 0)
            if taxonomy.codes_of(spec) is not None and spec.value_set is not None:
                if spec.value_set not in fits:
                    value_set = get_value_set(spec.value_set, around.version)
                    fits[spec.value_set] = measure_fit(column.values, value_set)
                yield from _guess_code(target, name, column, spec, fits[spec.value_set], around)
                if find_flag(column, target, around.version):
                    yield _guess(target, _FLAG, 0, "yes or no, named like one of its labels")
            elif name:
                factor, evidence = _judge_plain(target, spec, column)
                if factor:
                    yield _guess(target, name * factor, name, evidence)


def _guess_code(
    target: str, name: float, column: Column, spec: ElementSpec, fit: Fit, around: Surroundings
) -> Iterator[Guess]:
    if column.field.kind in ("date", "short year", "time", "number"):
        return
    evidence = ""
    if fit.as_codes >= _NEARLY:
        # Small numbers are codes of nearly every list: that alone says nothing.
        confidence = min(0.97, name + 0.04) if name >= 0.4 else name
        evidence = (
            "values are its codes" if fit.as_codes == 1 else "nearly all values are its codes"
        )
    elif fit.as_labels > _find_enough(name, column):
        shared = _count_elements(around.version)[spec.value_set or ""]
        confidence = _join(name, 0.85 * fit.as_labels / shared)
        evidence = "values are like its labels"
    else:
        confidence = name * _FOREIGN.get(column.field.kind, 0.8)
        evidence = "values are neither its codes nor its labels"
    if confidence:
        yield _guess(target, confidence, name, evidence)


def find_flag(column: Column, target: str, version: str) -> str | None:
    """The national code that a column of yes and no stands for by its name: "Medication involved?"
    is one of InvolvedAgents."""
    spec = find_spec(target, (version,))
    if column.field.kind != "boolean" or target not in _FLAGGED or spec is None:
        return None
    value_set = get_value_set(spec.value_set or "", version)
    words = plain_label(column.field.name.rpartition("/")[2]).split()
    name = " ".join(word for word in words if word not in ("involved", "was", "were", "any", "is"))
    return value_set.labels.get(name) if len(words) > len(name.split()) else None


def _find_enough(name: float, column: Column) -> float:
    """The share of values that have to be labels: the less the name says, the more."""
    if name >= _MOST:
        return _FEW_LABELS
    if column.field.different < _FEWEST:
        return 1
    return _SOME_LABELS if name >= _SOME else _MOST_LABELS


@lru_cache
def _count_elements(version: str) -> dict[str, int]:
    """Value set → how many elements have it: its labels do not tell which of them is meant."""
    found: dict[str, int] = {}
    for group in get_taxonomy(version).groups:
        for spec in group.elements:
            found[spec.value_set or ""] = found.get(spec.value_set or "", 0) + 1
    return found


def _judge_plain(target: str, spec: ElementSpec, column: Column) -> tuple[float, str]:
    """By what a name's confidence shrinks or grows, as the values are."""
    field = column.field
    if target == AGE:
        return _AGES.get(field.kind, (0, ""))
    if target == REFERENCE:
        is_ours = all(parse_reference(text) is not None for text in column.values)
        return (1, "national references") if is_ours else (0, "")
    if spec.value_set == ORGANISATION_CODES:
        return _judge_organisation(column)
    if spec.type in ("string", "code"):
        return _judge_text(spec, column)
    if spec.type == "boolean" and field.kind == "code":
        return 0.6, "more than two words"
    return (1.02, _WORDS[field.kind]) if field.kind == spec.type else (0, "")


def _judge_text(spec: ElementSpec, column: Column) -> tuple[float, str]:
    kind = column.field.kind
    if kind in ("date", "short year", "time", "boolean"):
        return 0.25, ""
    # A description in a few words that come again is a code of some list.
    return (0.7, "") if kind == "code" and "Description" in spec.name else (1, "")


def _judge_organisation(column: Column) -> tuple[float, str]:
    if column.field.kind == "ods code":
        return 1.03, "values look like ODS codes"
    if column.field.kind in ("date", "short year", "time", "boolean", "number", "integer"):
        return 0, ""
    if all(text.isupper() and text.isalnum() and len(text) <= 6 for text in column.values):
        return 1, "values may be ODS codes"
    return 0.85, "values are names"


def _join(name: float, support: float) -> float:
    """Two reasons for the same are more than one."""
    return 1 - (1 - name) * (1 - support) if name or support else 0


def _guess(target: str, confidence: float, name: float, evidence: str) -> Guess:
    said = [f"{'by name' if name >= _MOST else ''}", evidence]
    told = "; ".join(word for word in said if word)
    return Guess(target=target, confidence=round(min(confidence, 0.99), 2), evidence=told)
