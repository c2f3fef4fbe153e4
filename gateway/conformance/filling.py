"""``${name}`` in the data of a case, filled with what is known only when it is played."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_PLACEHOLDER: Final = re.compile(r"\$\{([a-z_]+)\}")
# Below these keys a text is a regular expression, and what is filled in is meant literally.
_PATTERNS: Final = frozenset({"matches", "somewhere"})


class UnfilledError(Exception):
    """A step uses what no earlier step gave; the text is its name."""


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """A copy with every placeholder filled. UnfilledError where one has no value."""
    return _fill(value, lambda name: _get(values, name), is_pattern=False)


def fill_known(value: Any, values: Mapping[str, Any]) -> Any:
    """The same; a placeholder without a value stays for later."""
    return _fill(value, lambda name: str(values.get(name, f"${{{name}}}")), is_pattern=False)


def _get(values: Mapping[str, str], name: str) -> str:
    if name not in values:
        raise UnfilledError(name)
    return values[name]


def _fill(value: Any, get: Callable[[str], str], *, is_pattern: bool) -> Any:
    if isinstance(value, str):
        if is_pattern:
            return _PLACEHOLDER.sub(lambda found: _escape(get(found[1])), value)
        return _PLACEHOLDER.sub(lambda found: get(found[1]), value)
    if isinstance(value, list):
        return [_fill(one, get, is_pattern=is_pattern) for one in value]
    if isinstance(value, dict):
        return {
            _fill(key, get, is_pattern=False): _fill(
                one, get, is_pattern=is_pattern or key in _PATTERNS
            )
            for key, one in value.items()
        }
    return value


def _escape(text: str) -> str:
    # A placeholder that is to be filled later is no literal yet.
    return text if _PLACEHOLDER.fullmatch(text) else re.escape(text)
