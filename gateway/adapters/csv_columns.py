"""What the reader of a CSV has to know of a profile: which columns count, and for what."""

import re
from collections.abc import Iterator

import msgspec

from mappers.profile_model import PLACE, Profile, RepeatedGroup, RepeatedRows, as_list
from mappers.profile_terms import When


class Columns(msgspec.Struct, frozen=True):
    """``needed``: without them the feed is another one. ``id``: tells what record a row is of.
    ``read``: all whose content goes anywhere; in ``numbered`` those of ``name_{n}``.
    ``of_row``: belong to one row of a record of several."""

    needed: tuple[str, ...] = ()
    id: str | None = None
    local_id: str | None = None
    read: frozenset[str] = frozenset()
    numbered: tuple[re.Pattern[str], ...] = ()
    ignored: frozenset[str] = frozenset()
    rows: RepeatedRows | None = None
    of_row: frozenset[str] = frozenset()

    def is_read(self, name: str) -> bool:
        return name in self.read or any(one.fullmatch(name) for one in self.numbered)


def find_columns(profile: Profile | None) -> Columns:
    """Of no profile nothing is needed, and no column counts for more than another."""
    if profile is None:
        return Columns()
    names = frozenset(_list_read(profile))
    local_id = profile.local_id.field if profile.local_id else None
    return Columns(
        needed=profile.needed,
        id=profile.rows.id if profile.rows else local_id,
        local_id=local_id,
        read=names,
        numbered=tuple(_make_pattern(name) for name in names if PLACE in name),
        ignored=frozenset(profile.ignored),
        rows=profile.rows,
        of_row=profile.row_fields,
    )


def _list_read(profile: Profile) -> Iterator[str]:
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


def _make_pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(PLACE)
    return re.compile(f"{re.escape(before)}[0-9]+{re.escape(after)}", re.ASCII)
