"""What the reader of a CSV has to know of a profile: which columns count, and for what."""

import re

import msgspec

from gateway.adapters.profile_reads import list_read
from mappers.profile_model import PLACE, Profile
from mappers.profile_parts import RepeatedRows


class Columns(msgspec.Struct, frozen=True):
    """``needed``: without them the feed is another one. ``id``: tells what record a row is of.
    ``read``: all whose content goes anywhere; in ``numbered`` those of ``name_{n}``.
    ``of_row``: belong to one row of a record of several; ``only_of_row``: not to the record too."""

    needed: tuple[str, ...] = ()
    id: str | None = None
    local_id: str | None = None
    read: frozenset[str] = frozenset()
    numbered: tuple[re.Pattern[str], ...] = ()
    ignored: frozenset[str] = frozenset()
    rows: RepeatedRows | None = None
    of_row: frozenset[str] = frozenset()
    only_of_row: frozenset[str] = frozenset()

    def is_read(self, name: str) -> bool:
        return name in self.read or any(one.fullmatch(name) for one in self.numbered)


def find_columns(profile: Profile | None) -> Columns:
    """Of no profile nothing is needed, and no column counts for more than another."""
    if profile is None:
        return Columns()
    names = frozenset(list_read(profile))
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
        only_of_row=profile.row_fields - profile.shared_row_fields,
    )


def _make_pattern(name: str) -> re.Pattern[str]:
    before, _, after = name.partition(PLACE)
    return re.compile(f"{re.escape(before)}[0-9]+{re.escape(after)}", re.ASCII)
