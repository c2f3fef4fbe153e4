"""A field that is both mapped and ignored, and an element that two fields fill at once."""

from collections.abc import Iterator

from mappers.profile_faults.uses import Fault, RuleUse, list_heads, list_rules
from mappers.profile_model import Profile, find_spec


def find_faults(profile: Profile) -> Iterator[Fault]:
    yield from _find_double_fields(profile)
    yield from _find_double_elements(profile)
    for target in profile.constants:
        if _fills_always(profile, target):
            message = f"a field fills {target}; for records where it is empty say so under derive"
            yield ("constants", target), message


def _find_double_fields(profile: Profile) -> Iterator[Fault]:
    mapped = {*profile.elements, *(rule.field for _, rule in list_heads(profile))}
    if profile.format == "csv":
        mapped |= {name for repeated in profile.repeated.values() for name in repeated.elements}
    if profile.narrative is not None:
        mapped |= profile.narrative.more.keys()
    for field in profile.ignored:
        if field in mapped:
            yield ("ignored", field), f"field '{field}' is mapped and ignored: one of the two"


def _find_double_elements(profile: Profile) -> Iterator[Fault]:
    """Several fields may share an element that holds one value only where at most one of them
    holds at a time (``when``), or where they are put together (``heading``)."""
    first: dict[str, RuleUse] = {}
    for use in list_rules(profile):
        spec = find_spec(use.rule.to, profile.versions)
        if spec is None or spec.many or use.rule.when is not None or use.rule.heading is not None:
            continue
        earlier = first.setdefault(use.rule.to, use)
        if earlier is not use:
            message = f"{use.rule.to} holds one value and '{earlier.field}' fills it already"
            yield use.path, f"{message}: take one away, or say 'when' each does, or a 'heading'"


def _fills_always(profile: Profile, target: str) -> bool:
    spec = find_spec(target, profile.versions)
    if spec is None or spec.many:
        return False
    return any(use.rule.to == target and use.rule.when is None for use in list_rules(profile))
