"""The part of an event that rules may stand on, whatever a feed made of the rest."""

import msgspec

from schemas.event import Group, Groups, NationalEvent, Value
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy


def keep_well_formed(event: NationalEvent) -> NationalEvent:
    """The event without what has not even the shape of a group or a value: called only where the
    taxonomy check found errors, and it has named them. Patients keep their positions."""
    if event.taxonomy_version not in TAXONOMY_VERSIONS:
        return msgspec.structs.replace(event, groups={})
    known = get_taxonomy(event.taxonomy_version).by_name
    groups: Groups = {}
    for name, group in event.groups.items():
        repeats = name in known and known[name].repeats
        if isinstance(group, dict) and not repeats:
            groups[name] = _keep_values(group)
        elif isinstance(group, list) and repeats:
            groups[name] = [_keep_values(one) if isinstance(one, dict) else {} for one in group]
    return msgspec.structs.replace(event, groups=groups)


def _keep_values(group: Group) -> Group:
    return {element: value for element, value in group.items() if _is_value(value)}


def _is_value(value: Value) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    return isinstance(value, (str, int))
