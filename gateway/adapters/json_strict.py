"""Strict JSON: one record's bytes → its value, or the finding why not.

Refused, as data: duplicate keys, NaN and Infinity, numbers out of range, NUL characters, nesting
deeper than any AdverseEvent. Repeated keys are found without a look at each key: what was decoded
is written again, and it has as many quotation marks as the input unless a key was dropped on the
way (each key has two). Only where that does not settle it the slow, plain check decides.
"""

import json
from typing import Any, Final

import msgspec

from schemas.catalogue import reading
from schemas.finding import Finding

MAX_DEPTH: Final = 64
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def read_json(raw: bytes) -> tuple[Any, Finding | None]:
    """The value of a JSON text, or the finding; then the value only where it is certain and merely
    not to be stored (too deep, a NUL character): the sender's id is in it."""
    try:
        value = _decode(raw)
        written = _encode(value)
    except UnicodeError:
        return None, reading.NOT_UTF_8.at()
    except RecursionError:
        return None, reading.NESTED_TOO_DEEP.at(limit=MAX_DEPTH)
    except msgspec.DecodeError as error:
        if raw.startswith(_BYTE_ORDER_MARK):
            return read_json(raw.removeprefix(_BYTE_ORDER_MARK))
        return None, reading.JSON_BROKEN.at(problem=_problem_of(error))
    finding = _find_trouble(raw, written, value)
    is_certain = finding is None or finding.code != reading.DUPLICATE_KEY.code
    return (value if is_certain else None), finding


def _find_trouble(raw: bytes, written: bytes, value: Any) -> Finding | None:
    """What is wrong with JSON that can be decoded. Cheap tests first; few records go further."""
    if written != raw and may_repeat_keys(raw, written) and has_repeated_key(raw):
        return reading.DUPLICATE_KEY.at()
    if may_be_deep(written) and find_depth(value) > MAX_DEPTH:
        return reading.NESTED_TOO_DEEP.at(limit=MAX_DEPTH)
    # Every other character may stand in a text; this one PostgreSQL cannot store.
    if b"\\" in written and b"\\u0000" in written and has_nul(value):
        return reading.NUL_CHARACTER.at()
    return None


def may_repeat_keys(raw: bytes, written: bytes) -> bool:
    """False is sure: no key of ``raw`` was dropped when it was decoded and ``written`` again."""
    if b"\\" in raw and b"\\u0022" in raw:
        return True  # a quotation mark in disguise: it is written as one, and could hide a key's
    return raw.count(b'"') != written.count(b'"')


def has_repeated_key(raw: bytes) -> bool:
    """The slow and plain check, for valid JSON that is not too deep for it."""

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len({key for key, _ in pairs}) != len(pairs):
            raise _RepeatedKeyError

    try:
        json.loads(raw, object_pairs_hook=look, parse_int=str, parse_float=str)
    except (_RepeatedKeyError, RecursionError):
        return True
    return False


class _RepeatedKeyError(Exception):
    """Ends the slow check at the first repeated key."""


def may_be_deep(written: bytes) -> bool:
    """False is sure, for JSON without blanks between its tokens: no more than MAX_DEPTH levels.
    Every ``},{`` closes one level where it opens one."""
    opened = written.count(b"{") + written.count(b"[")
    return opened > MAX_DEPTH and opened - written.count(b"},{") > MAX_DEPTH


def find_depth(value: Any) -> int:
    """How many levels of objects and lists are nested, level by level, not recursive."""
    depth, level = 0, [value]
    while level := [one for one in level if type(one) is dict or type(one) is list]:
        depth += 1
        level = [inner for one in level for inner in (one.values() if type(one) is dict else one)]
    return depth


def has_nul(value: Any) -> bool:
    """Whether a text in it, key or value, holds a NUL character."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is dict:
            waiting += one.keys()
            waiting += one.values()
        elif type(one) is list:
            waiting += one
        elif type(one) is str and "\0" in one:
            return True
    return False


def _problem_of(error: msgspec.DecodeError) -> str:
    """The decoder's wording: it names kinds and places, and never quotes the record."""
    return str(error).removeprefix("JSON is malformed: ").lower()
