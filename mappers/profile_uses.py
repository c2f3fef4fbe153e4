"""What a profile uses of a feed, and how often: fields that are read elsewhere than where they
stand, elements that several rules fill."""

from collections import Counter
from collections.abc import Iterator

from mappers.profile_conditions import list_asked
from mappers.profile_model import Profile, find_spec
from mappers.profile_parts import FieldRule, RepeatedGroup, as_list


def _list_rules(profile: Profile) -> Iterator[FieldRule]:
    for rules in profile.elements.values():
        yield from as_list(rules)
    for repeated in profile.repeated.values():
        for rules in repeated.elements.values():
            yield from as_list(rules)


def find_shared(profile: Profile, version: str) -> frozenset[str]:
    """The single-valued elements that several rules fill: none may overwrite the other."""
    times = Counter(rule.to for rule in _list_rules(profile))
    several = {target for target, count in times.items() if count > 1}
    specs = {target: find_spec(target, (version,)) for target in several}
    return frozenset(target for target, spec in specs.items() if spec and not spec.many)


def list_used(profile: Profile) -> Iterator[str]:
    """The fields that are read elsewhere: the head of the record, conditions, rows."""
    for head in profile.heads.values():
        yield head.field
        yield from head.more
    for rules in profile.elements.values():
        for rule in as_list(rules):
            yield from list_asked(rule.when)
    for group, repeated in profile.repeated.items():
        yield from list_asked_inside(profile, group, repeated)
    for cases in profile.derive.values():
        for case in cases:
            yield from list_asked(case.when)
    if any(repeated.rows for repeated in profile.repeated.values()):
        yield from profile.row_fields
    if profile.rows is not None:
        yield from filter(None, (profile.rows.id, profile.rows.by))


def list_asked_inside(profile: Profile, group: str, repeated: RepeatedGroup) -> set[str]:
    """The fields that the conditions of a repeated group look at; its own, or the record's."""
    asked = list_asked(repeated.when)
    for rules in repeated.elements.values():
        for rule in as_list(rules):
            asked |= list_asked(rule.when)
    for target, cases in profile.derive.items():
        if target.startswith(f"{group}."):
            for case in cases:
                asked |= list_asked(case.when)
    return asked


def find_ignored_inside(profile: Profile, at: str) -> list[str]:
    """What is ignored of an occurrence: ``at/name``, in JSON also ``at/*/name``."""
    starts = (f"{at}/*/", f"{at}/")
    found = []
    for name in profile.ignored:
        start = next((start for start in starts if name.startswith(start)), None)
        if start is not None:
            inner = name.removeprefix(start)
            found.append(f"/{inner}" if profile.format == "json" else inner)
    return found
