"""What a profile does with each field of a record.

The profile is read as data here, apart from the mapper: what is told of a field is what its author
wrote. A test holds that both agree.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from gateway.profiles.spots import join_path
from mappers.profile_conditions import list_asked
from mappers.profile_model import PLACE, Profile
from mappers.profile_parts import FieldRule, RepeatedGroup, as_list

# A feed may invent names without end; this many are remembered.
_MAX_REMEMBERED: Final = 10_000

UseKind = Literal["mapped", "asked", "ignored", "unknown"]


class Use(NamedTuple):
    """``targets``: what the field fills, elements (``Group.Element``) and parts of the record's
    head (``event_date``). Asked: only conditions look at it, or what joins rows. ``reason``: why
    it is ignored, as the profile says. ``name``: the field as the profile has it, with ``{n}`` for
    a number."""

    kind: UseKind
    name: str
    targets: tuple[str, ...] = ()
    rules: tuple[FieldRule, ...] = ()
    reason: str = ""


class FieldUses:
    """Looks up what becomes of a field, by the name a :class:`gateway.profiles.spots.Spot` has."""

    def __init__(self, profile: Profile) -> None:
        self._below = () if profile.format == "csv" else tuple(f"{one}/" for one in profile.ignored)
        self._ignored = profile.ignored
        rules = _list_rules(profile)
        heads = _list_heads(profile)
        self.named: dict[str, Use] = {
            name: Use("mapped", name, (*heads.get(name, ()), *_targets(found)), tuple(found))
            for name in dict.fromkeys([*heads, *rules])
            for found in [rules.get(name, [])]
        }
        for name in _find_asked(profile):
            self.named.setdefault(name, Use("asked", name, reason=profile.ignored.get(name, "")))
        for name, reason in profile.ignored.items():
            self.named.setdefault(name, Use("ignored", name, reason=reason))
        self._numbered = [
            (_make_pattern(name), use) for name, use in self.named.items() if PLACE in name
        ]
        self._found: dict[str, Use] = {}

    def find(self, name: str) -> Use:
        use = self.named.get(name) or self._found.get(name)
        if use is None:
            use = self._work_out(name)
            if len(self._found) < _MAX_REMEMBERED:
                self._found[name] = use
        return use

    def _work_out(self, name: str) -> Use:
        for pattern, use in self._numbered:
            if pattern.fullmatch(name):
                return use
        if self._below and name.startswith(self._below):
            above = max((one for one in self._ignored if name.startswith(f"{one}/")), key=len)
            return Use("ignored", name, reason=self._ignored[above])
        return Use("unknown", name)


def _list_rules(profile: Profile) -> dict[str, list[FieldRule]]:
    rules = {name: list(as_list(one)) for name, one in profile.elements.items()}
    for group in profile.repeated.values():
        for name, one in group.elements.items():
            rules.setdefault(join_path(group.at, name) if group.at else name, []).extend(
                as_list(one)
            )
    return rules


def _list_heads(profile: Profile) -> dict[str, list[str]]:
    heads: dict[str, list[str]] = {}
    for part, rule in profile.heads.items():
        for name in (rule.field, *rule.more):
            heads.setdefault(name, []).append(part)
    return heads


def _targets(rules: list[FieldRule]) -> Iterator[str]:
    return iter(dict.fromkeys(rule.to for rule in rules))


def _find_asked(profile: Profile) -> set[str]:
    """The fields that conditions look at, and those that say which rows belong together."""
    asked: set[str] = set()
    for rules in profile.elements.values():
        asked |= set().union(*(list_asked(rule.when) for rule in as_list(rules)))
    for cases in profile.derive.values():
        asked |= set().union(*(list_asked(case.when) for case in cases))
    for group in profile.repeated.values():
        asked |= _find_asked_inside(group)
    rows = profile.rows
    return asked | {name for name in (rows and rows.id, rows and rows.by) if name}


def _find_asked_inside(group: RepeatedGroup) -> set[str]:
    """A condition inside a repeated group looks at its own fields, or at those of the record."""
    asked = list_asked(group.when)
    for rules in group.elements.values():
        asked |= set().union(*(list_asked(rule.when) for rule in as_list(rules)))
    return asked | {join_path(group.at, name) for name in asked} if group.at else asked


def _make_pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(PLACE)
    return re.compile(f"{re.escape(before)}[1-9][0-9]{{0,2}}{re.escape(after)}")
