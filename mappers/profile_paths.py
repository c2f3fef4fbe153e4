"""Where in the feed each element of an event came from, by its profile."""

from collections.abc import Mapping

from mappers.profile_model import PLACE, Profile, RepeatedGroup, as_list


def list_source_paths(profile: Profile, slots: Mapping[str, Mapping[int, int]]) -> dict[str, str]:
    """Element → its column or path. ``slots``: numbers of the repeated groups the record has, and
    their places in the event."""
    paths = {
        rule.to: field
        for field, rules in reversed(profile.elements.items())
        for rule in reversed(as_list(rules))
    }
    paths |= {name: rule.field for name, rule in profile.heads.items()}
    if profile.format == "xml":
        paths |= _find_sections(profile)
    for group, repeated in profile.repeated.items():
        paths[group] = repeated.at or _columns_of(repeated)
        for number, index in slots.get(group, {}).items():
            paths |= _paths_of(group, repeated, number, index)
    return paths


def _find_sections(profile: Profile) -> dict[str, str]:
    """Group → the element all of its fields stand in, where there is one."""
    sections: dict[str, set[str]] = {}
    for field, rules in profile.elements.items():
        for rule in as_list(rules):
            sections.setdefault(rule.to.partition(".")[0], set()).add(field.rpartition("/")[0])
    return {group: min(found) for group, found in sections.items() if len(found) == 1}


def _columns_of(repeated: RepeatedGroup) -> str:
    return next(iter(repeated.elements), "")


def _paths_of(group: str, repeated: RepeatedGroup, number: int, index: int) -> dict[str, str]:
    start = f"{repeated.at}[{number}]" if repeated.at else ""
    paths = {f"{group}[{index}]": start} if start else {}
    for field, rules in repeated.elements.items():
        source = f"{start}/{field}" if start else field.replace(PLACE, str(number))
        for rule in as_list(rules):
            element = rule.to.partition(".")[2]
            paths[f"{group}[{index}].{element}"] = source
    return paths
