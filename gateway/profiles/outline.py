"""A profile as a whole, with what it takes over from others: which field fills what, and the
effective YAML."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml

from mappers.profile_faults.uses import KEY_OF_GROUP, list_heads, list_rules
from mappers.profile_model import Profile
from mappers.profile_parts import Codes, Constant, FieldRule, HeadRule
from mappers.profile_terms import Asked, When
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy

_SHORT_FORMS: Final = ({"to"}, {"field"})


class Filling(msgspec.Struct, frozen=True):
    """``element`` of the event is filled from ``field``; ``how`` in words."""

    element: str
    field: str
    how: str = ""


def list_fillings(profile: Profile) -> list[Filling]:
    """The head of the event first, then elements in the order of the taxonomy."""
    heads = [
        Filling(str(path[0]), ", ".join([rule.field, *rule.more]), _word_head(rule))
        for path, rule in list_heads(profile)
    ]
    if isinstance(profile.event_type, Constant):
        heads.append(Filling("event_type", "", f"always {profile.event_type.value}"))
    if isinstance(profile.taxonomy_version, str):
        heads.append(Filling("taxonomy_version", "", f"always {profile.taxonomy_version}"))
    order = {target: place for place, target in enumerate(_list_elements())}
    return heads + sorted(_list_element_fillings(profile), key=lambda one: order[one.element])


def _list_element_fillings(profile: Profile) -> Iterator[Filling]:
    for use in list_rules(profile):
        at = profile.repeated[use.group].at if use.group else None
        field = f"{at}: {use.field}" if at else use.field
        yield Filling(use.rule.to, field, _word_rule(use.rule))
    for group, repeated in profile.repeated.items():
        if repeated.number is not None:
            how = f"the number of the occurrence ({KEY_OF_GROUP[group]})"
            yield Filling(f"{group}.{repeated.number}", "", how)
    for target, cases in profile.derive.items():
        for case in cases:
            value = _join(case.value) or "nothing"
            how = f"derived: {value}, {_word_when(case.when)}" if case.when else f"else {value}"
            yield Filling(target, "", how)
    for target, constant in profile.constants.items():
        yield Filling(target, "", f"always {_join(constant)}")


def _list_elements() -> Iterator[str]:
    for version in TAXONOMY_VERSIONS:
        for group in get_taxonomy(version).groups:
            yield from (f"{group.name}.{element.name}" for element in group.elements)


def _word_head(rule: HeadRule) -> str:
    return "; ".join(filter(None, [_word_codes(rule.codes), _join(rule.date_format)]))


def _word_rule(rule: FieldRule) -> str:
    take = rule.take and f"piece {rule.take.part} at '{rule.take.separator}'"
    words = [
        take,
        rule.separator and f"several, separated by '{rule.separator}'",
        _word_codes(rule.codes),
        _join(rule.date_format),
        rule.age and f"age in {rule.age}".replace("age in date_of_birth", "age by date of birth"),
        "by name" if rule.by_name else None,
        rule.heading is not None and f"under '{rule.heading}'",
        "derived" if rule.derived else None,
        rule.when and _word_when(rule.when),
    ]
    return "; ".join(word for word in words if word)


def _word_codes(codes: Codes | str | None) -> str:
    if codes is None:
        return ""
    return f"code list {codes}" if isinstance(codes, str) else f"{len(codes)} codes"


def _join(given: str | list[str] | None) -> str:
    return given if isinstance(given, str) else ", ".join(given or ())


def _word_when(when: list[When]) -> str:
    either = (
        " and ".join(_word_asked(field, asked) for field, asked in one.items()) for one in when
    )
    return "where " + ", or ".join(either)


def _word_asked(field: str, asked: Asked) -> str:
    words = [
        asked.any and f"is {' or '.join(asked.any)}",
        asked.none and f"is not {' or '.join(asked.none)}",
        asked.contains and f"contains {' or '.join(asked.contains)}",
        asked.given is not None and ("is filled" if asked.given else "is empty"),
    ]
    return f"{field} {' and '.join(word for word in words if word)}"


def write_effective(content: dict[str, Any]) -> str:
    """The profile as one YAML text that needs no other: what it takes over stands in it."""
    plain = {key: value for key, value in content.items() if key != "extends"}
    return yaml.safe_dump(shorten(plain), sort_keys=False, allow_unicode=True, width=100)


def shorten(content: Any) -> Any:
    """Rules in their short form where they say no more, and nothing that is empty."""
    if isinstance(content, list):
        return [shorten(item) for item in content]
    if not isinstance(content, dict):
        return content
    if set(content) in _SHORT_FORMS:
        return next(iter(content.values()))
    return {key: shorten(value) for key, value in content.items() if value not in ({}, [])}
