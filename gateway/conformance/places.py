"""Places in a JSON document: a JSON pointer, where ``-1`` is the last of a list and ``*`` any."""

import re
from collections.abc import Iterator
from typing import Any, Final

_VALUE: Final = re.compile(r"^value[A-Z]\w*$")


def find_all(document: Any, place: str) -> list[Any]:
    """The values at the place: none, one, or with ``*`` several."""
    found = [document]
    for step in place.split("/")[1:]:
        found = [value for parent in found for value in _go(parent, step)]
    return found


def find_texts(document: Any) -> Iterator[str]:
    """Every text in the document that is a value."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def as_expression(pointer: str) -> str:
    """A JSON pointer into an AdverseEvent as FHIRPath: ``AdverseEvent.extension[1].value``, where
    JSON has ``valueCode``."""
    steps = [_VALUE.sub("value", one) for one in pointer.split("/")[1:]]
    return "AdverseEvent" + "".join(f"[{one}]" if one.isdigit() else f".{one}" for one in steps)


def _go(parent: Any, step: str) -> list[Any]:
    if isinstance(parent, list):
        if step == "*":
            return parent
        number = _find_number(step)
        fits = number is not None and -len(parent) <= number < len(parent)
        return [parent[number]] if fits and number is not None else []
    if isinstance(parent, dict):
        return list(parent.values()) if step == "*" else [parent[step]] if step in parent else []
    return []


def _find_number(step: str) -> int | None:
    return int(step) if step.removeprefix("-").isdecimal() else None
