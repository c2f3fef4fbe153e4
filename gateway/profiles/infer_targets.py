"""Where a field may belong, and how sure that is: its name against its values."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from gateway.profiles.infer_codes import (
    Fit,
    get_value_set,
    measure_fit,
    plain_label,
)
from gateway.profiles.infer_confidence import SAID_BY_NAME, join_reasons, make_guess
from gateway.profiles.infer_dates import is_plain_clock
from gateway.profiles.infer_heads import guess_heads
from gateway.profiles.infer_model import Column, Guess, Surroundings
from gateway.profiles.infer_names import guess_by_name
from mappers.profile_model import REFERENCE, find_spec
from schemas.event import PATIENTS
from schemas.identifiers import parse_reference
from schemas.taxonomy import (
    NARRATIVE_GROUP,
    ORGANISATION_CODES,
    ElementSpec,
    get_taxonomy,
)

AGE: Final = f"{PATIENTS}.AgeAtTimeOfIncidentDays"
_NEARLY: Final = 0.8
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


def list_guesses(column: Column, around: Surroundings) -> list[Guess]:
    """The targets a field may have, the most likely first."""
    if column.field.kind in ("empty", "person"):
        return []
    by_name = guess_by_name(column.field.name, around.version)
    found = [*guess_heads(column, by_name, around), *_guess_elements(column, by_name, around)]
    return sorted(found, key=lambda guess: (-guess.confidence, guess.target))


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
                    yield make_guess(target, _FLAG, 0, "yes or no, named like one of its labels")
            elif name:
                factor, evidence = _judge_plain(target, spec, column)
                if factor:
                    yield make_guess(target, name * factor, name, evidence)


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
        confidence = join_reasons(name, 0.85 * fit.as_labels / shared)
        evidence = "values are like its labels"
    else:
        confidence = name * _FOREIGN.get(column.field.kind, 0.8)
        evidence = "values are neither its codes nor its labels"
    if confidence:
        yield make_guess(target, confidence, name, evidence)


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
    if name >= SAID_BY_NAME:
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
    return _judge_typed(spec, column)


def _judge_typed(spec: ElementSpec, column: Column) -> tuple[float, str]:
    kind = column.field.kind
    if spec.type == "boolean" and kind == "code":
        return 0.6, "more than two words"
    if kind == spec.type:
        return 1.02, _WORDS[kind]
    is_clock = spec.type == "time" and is_plain_clock(column.values)
    return (1, "times without a colon") if is_clock else (0, "")


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
