"""Whether a value is what a case expects: equal to it, or as one of these tests says.

``{matches: PATTERN}``, ``{one_of: [...]}``, ``{count: N}`` (of a list), ``{contains: VALUE}``,
``{not: VALUE}``, ``{present: true}``, ``{absent: true}``.
"""

import re
from typing import Any, Final

from schemas.values import plain

_LONGEST_SHOWN: Final = 160
_TESTS: Final = ("matches", "one_of", "count", "contains", "not", "present", "absent")


def matches(wanted: Any, found: list[Any]) -> bool:
    """``found``: the values at the place; one that fits will do."""
    name, argument = _split(wanted)
    if name == "absent":
        return not found
    if name == "not":
        return argument not in found
    return any(_fits(name, argument, value) for value in found)


def word_wanted(wanted: Any) -> str:
    name, argument = _split(wanted)
    words = {
        "matches": f"a value that matches {argument}",
        "one_of": f"one of {shorten(argument)}",
        "count": f"a list of {argument}",
        "contains": f"a list with {shorten(argument)}",
        "not": f"anything but {shorten(argument)}",
        "present": "a value",
        "absent": "nothing",
    }
    return words.get(name, shorten(argument))


def word_found(found: list[Any]) -> str:
    return ", ".join(map(shorten, found[:3])) if found else "nothing"


def shorten(value: Any) -> str:
    """A value of others as a report can hold it."""
    text = plain(value if isinstance(value, str) else repr(value))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _split(wanted: Any) -> tuple[str, Any]:
    if isinstance(wanted, dict) and len(wanted) == 1:
        ((name, argument),) = wanted.items()
        if name in _TESTS:
            return name, argument
    return "equals", wanted


def _fits(name: str, argument: Any, value: Any) -> bool:
    if name == "matches":
        return isinstance(value, str) and re.search(argument, value) is not None
    if name == "one_of":
        return value in argument
    if name == "count":
        return isinstance(value, list) and len(value) == argument
    if name == "contains":
        return isinstance(value, list | str) and argument in value
    if name == "present":
        return value not in (None, "", [], {})
    # In Python True is 1, in JSON it is not.
    return type(value) is type(argument) and bool(value == argument)
