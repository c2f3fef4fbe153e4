"""A field that is both mapped and ignored, and an element that two fields fill at once."""

from collections.abc import Iterator

from mappers.profile_faults.uses import Fault, RuleUse, list_heads, list_rules
from mappers.profile_model import Profile, find_spec


def find_faults(profile: Profile) -> Iterator[Fault]:
    mapped = {*profile.elements, *(rule.field for _, rule in list_heads(profile))}
    if profile.format == "csv":
        mapped |= {name for repeated in profile.repeated.values() for name in repeated.elements}
    if profile.narrative is not None:
        mapped |= profile.narrative.more.keys()
    for field, reason in profile.ignored.items():
        if field in mapped:
            yield ("ignored", field), f"field '{field}' is mapped and ignored: one of the two"
        if not reason.strip():
            yield ("ignored", field), "say why its content is not taken over"


def find_remarks(profile: Profile) -> Iterator[Fault]:
    """Several fields may share an element that holds one value. Where more than one of them can
    be filled in a record, and they differ, that is a finding of the record."""
    first: dict[str, RuleUse] = {}
    for use in list_rules(profile):
        if not _fills_always(profile, use):
            continue
        earlier = first.setdefault(use.rule.to, use)
        if earlier is not use:
            message = f"'{earlier.field}' fills {use.rule.to} as well, which holds one value"
            yield use.path, f"{message}: say 'when' each does, or a 'heading', or take one away"
    for target in profile.constants:
        if target in first:
            message = (
                f"'{first[target].field}' fills {target}: the constant stands where it is empty"
            )
            yield ("constants", target), message


def _fills_always(profile: Profile, use: RuleUse) -> bool:
    spec = find_spec(use.rule.to, profile.versions)
    if spec is None or spec.many:
        return False
    return use.rule.when is None and use.rule.heading is None
