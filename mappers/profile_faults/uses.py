"""Where a profile uses what: every rule, every field it names, every condition, with the key."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from mappers.profile_model import MEDICATIONS, Profile
from mappers.profile_parts import FieldRule, HeadRule, Rules, as_list
from mappers.profile_problems import Path
from mappers.profile_terms import When
from schemas.event import PATIENTS

KEY_OF_GROUP: Final = {PATIENTS: "patients", MEDICATIONS: "medications"}
Fault = tuple[Path, str]


class RuleUse(NamedTuple):
    """``group`` is the repeated group whose key the rule stands under, or empty."""

    path: Path
    field: str
    rule: FieldRule
    group: str


class ConditionUse(NamedTuple):
    path: Path
    alternatives: list[When]
    group: str


def list_rules(profile: Profile) -> list[RuleUse]:
    found = list(_list_rules(profile.elements, ("elements",), ""))
    for group, repeated in profile.repeated.items():
        found += _list_rules(repeated.elements, (KEY_OF_GROUP[group], "elements"), group)
    return found


def _list_rules(elements: Mapping[str, Rules], path: Path, group: str) -> Iterator[RuleUse]:
    for field, rules in elements.items():
        for place, rule in enumerate(as_list(rules)):
            here = (*path, field, place) if isinstance(rules, list) else (*path, field)
            yield RuleUse(here, field, rule, group)


def list_heads(profile: Profile) -> list[tuple[Path, HeadRule]]:
    return [((name,), rule) for name, rule in profile.heads.items()]


def list_conditions(profile: Profile) -> list[ConditionUse]:
    found = [
        ConditionUse((*use.path, "when"), use.rule.when, use.group)
        for use in list_rules(profile)
        if use.rule.when is not None
    ]
    for group, repeated in profile.repeated.items():
        if repeated.when is not None:
            found.append(ConditionUse((KEY_OF_GROUP[group], "when"), repeated.when, group))
    for target, cases in profile.derive.items():
        found += [
            ConditionUse(("derive", target, place, "when"), case.when, "")
            for place, case in enumerate(cases)
            if case.when is not None
        ]
    return found


def list_fields(profile: Profile) -> list[tuple[Path, str]]:
    """Every field that the profile names, those of repeated groups left out: their names start
    somewhere else."""
    found = [((*path, "field"), rule.field) for path, rule in list_heads(profile)]
    for path, rule in list_heads(profile):
        found += [((*path, "more", field), field) for field in rule.more]
    found += [(("elements", field), field) for field in profile.elements]
    found += [(("ignored", field), field) for field in profile.ignored]
    for use in list_conditions(profile):
        if not use.group:
            found += [(use.path, field) for one in use.alternatives for field in one]
    return found


def list_group_fields(profile: Profile) -> list[tuple[Path, str, str]]:
    """The fields of repeated groups: key, name, group."""
    found: list[tuple[Path, str, str]] = []
    for group, repeated in profile.repeated.items():
        start = (KEY_OF_GROUP[group], "elements")
        found += [((*start, field), field, group) for field in repeated.elements]
    for use in list_conditions(profile):
        if use.group:
            found += [(use.path, field, use.group) for one in use.alternatives for field in one]
    return found


def list_filled(profile: Profile) -> set[str]:
    """Every element that a field, a constant, a case or a number can fill."""
    filled = {use.rule.to for use in list_rules(profile)}
    filled |= profile.constants.keys() | profile.derive.keys()
    for group, repeated in profile.repeated.items():
        if repeated.number is not None:
            filled.add(f"{group}.{repeated.number}")
    return filled
