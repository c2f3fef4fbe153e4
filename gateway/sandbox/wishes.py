"""The magic values: what a developer wants to be answered, by a header or by an event's own
identifier."""

import re
from typing import Final, Literal, cast, get_args

import msgspec

Provoked = Literal["429", "503", "500", "409", "reject", "slow", "timeout"]

HEADER: Final = "Sandbox-Answer"
# In the scope of a request whose event is to be rejected.
TO_REJECT: Final = "lrms.sandbox.to_reject"
# What comes behind it is the developer's, so that two events can wish for the same.
_IDENTIFIER: Final = re.compile(
    r"SANDBOX-(429|503|500|409|REJECT|SLOW|TIMEOUT)(-ONCE)?(?:-.*)?", re.DOTALL
)
_WORDS: Final = frozenset(get_args(Provoked))
_ONCE: Final = "-once"


class Wish(msgspec.Struct, frozen=True):
    """``once``: only the first time that a request is sent; sent again, it is answered as any."""

    answer: Provoked
    once: bool = False


def parse_wish(text: str) -> Wish | None:
    """Of the header, as ``503`` or ``503-once``; None for what is none."""
    word = text.strip().lower()
    once = word.endswith(_ONCE)
    word = word.removesuffix(_ONCE)
    if word not in _WORDS:
        return None
    return _make(word, once=once)


def find_wish(identifier: str | None) -> Wish | None:
    """Of an event's identifier, as ``SANDBOX-503`` or ``SANDBOX-503-ONCE-17``."""
    found = _IDENTIFIER.fullmatch(identifier or "")
    return _make(found[1].lower(), once=found[2] is not None) if found else None


def _make(word: str, *, once: bool) -> Wish:
    # A cut connection that is cut again and again proves nothing.
    return Wish(cast("Provoked", word), once or word == "timeout")
