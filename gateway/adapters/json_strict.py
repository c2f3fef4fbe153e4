"""Strict JSON: one record's bytes → its value, or the finding why not.

Refused, as data: duplicate keys, NaN and Infinity, numbers out of range, NUL characters, nesting
deeper and texts longer than the limits. Repeated keys are found without a look at each key: what
was decoded is written again, and it has as many quotation marks as the input unless a key was
dropped on the way (each key has two). Only where that does not settle it the slow, plain check
decides.
"""

import json
import re
from collections.abc import Callable, Iterable
from math import isinf
from typing import Any, Final

import msgspec

from gateway.adapters.limits import Limits
from schemas.catalogue import reading
from schemas.finding import Finding

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_FIELD_NAME: Final = re.compile(r"[A-Za-z_@$][A-Za-z0-9_@$.:-]{0,39}", re.ASCII)
_encode = msgspec.json.Encoder().encode


def read_json(raw: bytes, limits: Limits) -> tuple[Any, Finding | None]:
    """The value of a JSON text, or the finding; then the value only where it is certain and merely
    not to be stored (too deep, too long a text, a NUL character): the sender's id is in it."""
    return _read(raw, limits, _decode)


def read_json_as_written(raw: bytes, limits: Limits) -> tuple[Any, Finding | None]:
    """The same, a number with a fraction or an exponent as ``msgspec.Raw``: 1.50 is not 1.5 to a
    sender who means a text by it."""
    return _read(raw, limits, _decode_as_written)


def _keep_number(text: str) -> msgspec.Raw:
    if isinf(float(text)):
        raise ValueError("number out of range")
    return msgspec.Raw(text)


_decode: Final = msgspec.json.Decoder().decode
_decode_as_written: Final = msgspec.json.Decoder(float_hook=_keep_number).decode


def _read(raw: bytes, limits: Limits, decode: Callable[[bytes], Any]) -> tuple[Any, Finding | None]:
    try:
        value = decode(raw)
        written = _encode(value)
    except UnicodeError:
        return None, reading.NOT_UTF_8.at()
    except RecursionError:
        return None, reading.NESTED_TOO_DEEP.at(limit=limits.depth)
    except msgspec.DecodeError as error:
        if raw.startswith(_BYTE_ORDER_MARK):
            return _read(raw.removeprefix(_BYTE_ORDER_MARK), limits, decode)
        return None, reading.JSON_BROKEN.at(problem=_problem_of(error))
    finding = _find_trouble(raw, written, value, limits)
    is_certain = finding is None or finding.code != reading.DUPLICATE_KEY.code
    return (value if is_certain else None), finding


def _find_trouble(raw: bytes, written: bytes, value: Any, limits: Limits) -> Finding | None:
    """What is wrong with JSON that can be decoded. Cheap tests first; few records go further."""
    if written != raw and may_repeat_keys(raw, written) and has_repeated_key(raw):
        return reading.DUPLICATE_KEY.at()
    if may_be_deep(written, limits.depth) and find_depth(value) > limits.depth:
        return reading.NESTED_TOO_DEEP.at(limit=limits.depth)
    # Every other character may stand in a text; this one PostgreSQL cannot store.
    if b"\\" in written and b"\\u0000" in written and has_nul(value):
        return reading.NUL_CHARACTER.at()
    if len(written) > limits.text_chars and (path := find_long_text(value, limits.text_chars)):
        return reading.TEXT_TOO_LONG.at(field=path, limit=limits.text_chars)
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


def may_be_deep(written: bytes, limit: int) -> bool:
    """False is sure, for JSON without blanks between its tokens: no more than ``limit`` levels.
    Every ``},{`` closes one level where it opens one."""
    opened = written.count(b"{") + written.count(b"[")
    return opened > limit and opened - written.count(b"},{") > limit


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


def find_long_text(value: Any, limit: int, path: str = "") -> str | None:
    """The pointer of a text of more than ``limit`` characters, or of the object that has one as a
    key. Only for values that are not too deep."""
    kind = type(value)
    if kind is str:
        return (path or "/") if len(value) > limit else None
    if kind is not dict and kind is not list:
        return None
    if kind is dict and any(len(key) > limit for key in value):
        return path or "/"
    steps: Iterable[tuple[Any, Any]] = value.items() if kind is dict else enumerate(value)
    for step, inner in steps:
        is_plain = type(inner) is not dict and type(inner) is not list
        if is_plain and (type(inner) is not str or len(inner) <= limit):
            continue
        name = show_key(step) if kind is dict else step
        if found := find_long_text(inner, limit, f"{path}/{name}"):
            return found
    return None


def show_key(key: str) -> str:
    """A key of an object as a finding may show it: only where it looks like the name of a field,
    as data engineers write them. A feed may use anything as a key, also somebody's name."""
    return key if _FIELD_NAME.fullmatch(key) else "…"


def _problem_of(error: msgspec.DecodeError) -> str:
    """The decoder's wording: it names kinds and places, and never quotes the record."""
    told, _, _ = str(error).partition(" - at ")
    return told.removeprefix("JSON is malformed: ").lower()
