"""Where in the feed each element of an event comes from, by its profile alone; which of several
fields it was in a record, mapping says."""

from collections.abc import Mapping

from mappers.profile_model import PLACE, Profile
from mappers.profile_parts import RepeatedGroup, Rules, as_list


def list_source_paths(profile: Profile, slots: Mapping[str, Mapping[int, int]]) -> dict[str, str]:
    """Element → its column, path or pointer; of several, the first. ``slots``: numbers of the
    repeated groups the record has, and their places in the event."""
    paths = _by_element(profile.elements)
    paths |= {name: rule.field for name, rule in profile.heads.items()}
    if profile.format != "csv":
        paths |= _find_sections(profile)
    for group, repeated in profile.repeated.items():
        paths[group] = repeated.at or next(iter(repeated.elements), "")
        found = slots.get(group, {})
        for number, index in found.items():
            is_one_of_many = len(found) > 1 or number > 1
            start = _find_start(profile, repeated, number)
            if repeated.at:
                paths[f"{group}[{index}]"] = start
            for target, field in _by_element(repeated.elements).items():
                element = target.partition(".")[2]
                source = _name_source(repeated, start, field, number)
                if repeated.rows and is_one_of_many:
                    source += f"[{number}]"
                paths[f"{group}[{index}].{element}"] = source
    return paths


def _by_element(fields: Mapping[str, Rules]) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, rules in fields.items():
        for rule in as_list(rules):
            found.setdefault(rule.to, field)
    return found


def _find_start(profile: Profile, repeated: RepeatedGroup, number: int) -> str:
    """The path of an occurrence; empty where it has none of its own."""
    if repeated.at is None:
        return ""
    return f"{repeated.at}/{number - 1}" if profile.format == "json" else f"{repeated.at}[{number}]"


def _name_source(repeated: RepeatedGroup, start: str, field: str, number: int) -> str:
    if repeated.at is None:
        return field.replace(PLACE, str(number))
    return start + field if field.startswith("/") else f"{start}/{field}"


def _find_sections(profile: Profile) -> dict[str, str]:
    """Group → the element all of its fields stand in, where there is one."""
    sections: dict[str, set[str]] = {}
    for field, rules in profile.elements.items():
        for rule in as_list(rules):
            sections.setdefault(rule.to.partition(".")[0], set()).add(field.rpartition("/")[0])
    return {group: min(found) for group, found in sections.items() if len(found) == 1}
