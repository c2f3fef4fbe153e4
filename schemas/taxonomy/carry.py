"""What of an event a newer version of the taxonomy says in another place: carried over as data says
(``carried_over.json``), and nothing else. What the newer version has no place for, or another code
for, stays as it is, for validation to tell."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from schemas.event import Group, Groups, NationalEvent, Value
from schemas.taxonomy import get_taxonomy


class Move(msgspec.Struct, frozen=True):
    """The same thing, by the same codes, in another element, in the versions ``to``."""

    to: tuple[str, ...]
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="into")


MOVES: Final = msgspec.json.decode(
    files(__package__).joinpath("carried_over.json").read_bytes(), type=tuple[Move, ...]
)


def carry_over(event: NationalEvent, version: str) -> tuple[NationalEvent, tuple[str, ...]]:
    """The event as ``version`` says it, and the elements that moved."""
    groups, moved = event.groups, []
    for group, element, other, name, many in _list_moves(version):
        if group not in groups:
            continue
        changed = _move(groups, group, element, other, name, many=many)
        if changed is not None:
            groups = changed
            moved.append(f"{group}.{element}")
    carried = msgspec.structs.replace(event, taxonomy_version=version, groups=groups)
    return carried, tuple(moved)


@lru_cache
def _list_moves(version: str) -> tuple[tuple[str, str, str, str, bool], ...]:
    """Group and element, those it moves to, and whether it is a list there."""
    moves = []
    for move in MOVES:
        if version in move.to:
            group, element = move.source.split(".")
            other, name = move.target.split(".")
            spec = get_taxonomy(version).find_element(other, name)
            moves.append((group, element, other, name, spec is not None and spec.many))
    return tuple(moves)


def _move(
    groups: Groups, group: str, element: str, other: str, name: str, *, many: bool
) -> Groups | None:
    """None where there is nothing to move, or something stands there already."""
    found = groups[group]
    if isinstance(found, list):
        # Within each of a group that repeats; no move leads out of one.
        if not any(element in one and name not in one for one in found):
            return None
        return {**groups, group: [_rename(one, element, name, many=many) for one in found]}
    target = found if other == group else groups.get(other, {})
    if element not in found or not isinstance(target, dict) or name in target:
        return None
    left: Group = {key: value for key, value in found.items() if key != element}
    into: Group = (left if other == group else dict(target)) | {name: _fit(found[element], many)}
    changed: Groups = {**groups, group: left, other: into}
    if not left and other != group:
        del changed[group]
    return changed


def _rename(one: Group, element: str, name: str, *, many: bool) -> Group:
    if element not in one or name in one:
        return one
    left: Group = {key: value for key, value in one.items() if key != element}
    return left | {name: _fit(one[element], many)}


def _fit(value: Value, many: bool) -> Value:
    return [value] if many and isinstance(value, str) else value
