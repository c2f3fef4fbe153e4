"""The fields a profile reads, wherever it names them, as it writes them."""

from collections.abc import Iterator

from mappers.profile_model import Profile
from mappers.profile_parts import RepeatedGroup, as_list
from mappers.profile_terms import When


def list_read(profile: Profile) -> Iterator[str]:
    """Those that are mapped, and those that conditions look at; some more than once."""
    for head in profile.heads.values():
        yield head.field
        yield from head.more
    for name, rules in profile.elements.items():
        yield name
        for rule in as_list(rules):
            yield from _list_asked(rule.when)
    for group in profile.repeated.values():
        yield from _list_of_group(group)
    for cases in profile.derive.values():
        for case in cases:
            yield from _list_asked(case.when)
    if profile.rows:
        yield profile.rows.id
        yield from filter(None, [profile.rows.by])


def _list_of_group(group: RepeatedGroup) -> Iterator[str]:
    yield from _list_asked(group.when)
    for name, rules in group.elements.items():
        yield name
        for rule in as_list(rules):
            yield from _list_asked(rule.when)


def _list_asked(whens: list[When] | None) -> Iterator[str]:
    for when in whens or ():
        yield from when
