"""Conditions: those that ask nothing, that nothing can meet, or that ask an unknown field."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from mappers.profile_faults.uses import (
    ConditionUse,
    Fault,
    list_conditions,
    list_fields,
    list_group_fields,
    list_heads,
    list_rules,
)
from mappers.profile_model import Profile
from mappers.profile_parts import Codes, FieldRule, HeadRule
from mappers.profile_problems import Path
from mappers.profile_terms import Asked

# Shorter names differ by a letter and mean to.
_SLIPS_FROM: Final = 5


def find_faults(profile: Profile) -> Iterator[Fault]:
    for use in list_conditions(profile):
        if not use.alternatives or not all(use.alternatives):
            yield use.path, "a condition asks something of a field; leave it out for always"
        for place, one in enumerate(use.alternatives):
            for field, asked in one.items():
                message = _find_contradiction(asked)
                if message:
                    yield _path_of(use, place, field), message


def find_remarks(profile: Profile) -> Iterator[Fault]:
    known = _find_known(profile)
    codes = _find_codes(profile)
    for use in list_conditions(profile):
        for place, one in enumerate(use.alternatives):
            for field, asked in one.items():
                path = _path_of(use, place, field)
                slip = None if field in known else _find_meant(field, known)
                if slip is not None:
                    yield path, f"only conditions know a field '{field}'; is '{slip}' meant?"
                elif field in codes:
                    yield from _find_uncoded(path, field, asked, codes[field])


def _path_of(use: ConditionUse, place: int, field: str) -> Path:
    # A single alternative is written without a list; steps that do not stand there are no harm.
    return (*use.path, place, field)


def _find_contradiction(asked: Asked) -> str | None:
    if asked.any is None and asked.none is None and asked.contains is None and asked.given is None:
        return "this asks nothing: any, none, contains or given"
    for key in ("any", "none", "contains"):
        if getattr(asked, key) == []:
            return f"'{key}' names no value"
    filled = fold([*(asked.any or ()), *(asked.contains or ())]) - {""}
    if asked.given is False and filled:
        return "a field that is not filled has no value: nothing can meet this"
    if asked.any and fold(asked.any) <= fold(asked.none or []):
        return "'any' and 'none' name the same: nothing can meet this"
    return None


def fold(words: list[str]) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in words)


def _find_known(profile: Profile) -> set[str]:
    """What is mapped, ignored or read otherwise; being asked for does not make a field known."""
    conditions = {use.path for use in list_conditions(profile)}
    known = {name for path, name in list_fields(profile) if path not in conditions}
    known |= {name for path, name, _ in list_group_fields(profile) if path not in conditions}
    if profile.rows is not None:
        known |= {profile.rows.id, profile.rows.by or profile.rows.id}
    return known


def _find_meant(field: str, known: set[str]) -> str | None:
    """The known field of which this one is a slip of the pen. That nothing but a condition looks
    at a field is fine in itself."""
    return next((name for name in sorted(known) if _is_slip(field, name)), None)


def _is_slip(one: str, other: str) -> bool:
    """Other case, other blanks and signs, or a letter or two beside one another."""
    first, second = ("".join(filter(str.isalnum, name)).casefold() for name in (one, other))
    if first == second:
        return True
    start = _count_alike(first, second)
    end = _count_alike(first[start:][::-1], second[start:][::-1])
    rest = first[start : len(first) - end], second[start : len(second) - end]
    # Numbered columns differ by a digit, and mean to.
    return min(len(first), len(second)) >= _SLIPS_FROM and all(
        len(part) <= 2 and not any(map(str.isdigit, part)) for part in rest
    )


def _count_alike(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _find_codes(profile: Profile) -> dict[str, list[Codes]]:
    """Field → the code maps that all of its rules have."""
    found: dict[str, list[Codes]] = {}
    plain = set()
    rules: list[tuple[str, FieldRule | HeadRule]] = [
        *((use.field, use.rule) for use in list_rules(profile)),
        *((head.field, head) for _, head in list_heads(profile)),
    ]
    for field, rule in rules:
        codes = profile.codes_of(rule)
        if codes is None or getattr(rule, "take", None) or getattr(rule, "separator", None):
            plain.add(field)
        else:
            found.setdefault(field, []).append(codes)
    return {field: maps for field, maps in found.items() if field not in plain}


def _find_uncoded(path: Path, field: str, asked: Asked, maps: list[Codes]) -> Iterator[Fault]:
    known = fold([theirs for codes in maps for theirs in codes])
    for value in [*(asked.any or []), *(asked.none or [])]:
        if value.strip() and value.strip().casefold() not in known:
            yield path, f"'{value}' is no code that the code map of '{field}' knows"
