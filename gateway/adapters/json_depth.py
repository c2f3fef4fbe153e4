"""How deep JSON nests, told before anything parses it."""

import re
from typing import Final

_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")
_CLOSING: Final = frozenset((b"]", b"}"))


def is_too_deep(body: bytes, limit: int) -> bool:
    """Whether brackets nest deeper than ``limit``, told without parsing. A body that opens fewer
    than that in all, as most do, costs two counts."""
    if body.count(b"{") + body.count(b"[") <= limit:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += -1 if bracket in _CLOSING else 1
        if depth > limit:
            return True
    return False
