"""Changes of a JSON document by JSON pointer: what makes one event of another."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from gateway.conformance.case import Body


def edit(event: Mapping[str, Any], body: Body) -> dict[str, Any]:
    """A copy of the event, changed as the body says: first set, then appended, then removed.
    LookupError where a pointer leads nowhere."""
    made = deepcopy(dict(event))
    for pointer, value in body.set.items():
        parent, key = _find_parent(made, pointer)
        parent[key] = deepcopy(value)
    for pointer, value in body.append.items():
        parent, key = _find_parent(made, pointer)
        parent[key].append(deepcopy(value))
    # From the end, so that no position moves under a pointer that is still to come.
    for pointer in sorted(body.remove, key=_sort_key, reverse=True):
        parent, key = _find_parent(made, pointer)
        del parent[key]
    return made


def _find_parent(document: Any, pointer: str) -> tuple[Any, Any]:
    *steps, last = pointer.removeprefix("/").split("/")
    parent = document
    for step in steps:
        parent = parent[_key_of(parent, step)]
    return parent, _key_of(parent, last)


def _key_of(parent: Any, step: str) -> int | str:
    return int(step) if isinstance(parent, list) else step


def _sort_key(pointer: str) -> list[tuple[int, str]]:
    return [(int(step), "") if step.isdigit() else (-1, step) for step in pointer.split("/")]
