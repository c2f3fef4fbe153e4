"""A national event → the JSON object of a profile, so that it is read again as equal.

What is left out or refused: see ``mappers.profile_inverse``.
"""

from typing import Any

import msgspec

from mappers.profile_inverse import Written, choose_fields, find_values, invert, write_heads
from mappers.profile_model import Profile
from schemas.event import NationalEvent, Value

_encode = msgspec.json.Encoder().encode


def write_json_record(event: NationalEvent, local_id: str | None, profile: Profile) -> bytes:
    """The record as one line of JSON, UTF-8."""
    record: dict[str, Any] = {}
    taken = set()
    for field, text in write_heads(event, local_id, profile):
        _put(record, field, text)
        taken.add(field)
    for way, value in find_values(event, profile, taken):
        _put(record, way.field, _write_value(way, value))
    for name, fields in invert(profile).repeated.items():
        items: list[dict[str, Any]] = []
        for one in event.repeats(name) if fields else ():
            items.append({})
            for way, value in choose_fields(fields, one, set()):
                _put(items[-1], way.field, _write_value(way, value))
        if items:
            _put(record, profile.repeated[name].at or "", items)
    return _encode(record)


def json_frame(profile: Profile) -> tuple[bytes, bytes]:
    """What stands before the first record of a document and after the last; a comma between."""
    keys = _keys(profile.record or "")
    head = b"".join(b"{" + _encode(key) + b":" for key in keys)
    return head + b"[\n", b"\n]" + b"}" * len(keys) + b"\n"


def _write_value(way: Written, value: Value) -> str | int | bool | list[str]:
    """Numbers as numbers, true and false where they are the profile's words for it, and several
    values as a list, unless a separator stands between them."""
    if isinstance(value, list) and way.separator is None:
        return [way.write_one(one) for one in value]
    if isinstance(value, bool):
        return value if way.words == ("true", "false") else way.write_one(value)
    return value if isinstance(value, int) else way.write_cell(value)


def _put(target: dict[str, Any], pointer: str, value: object) -> None:
    *sections, last = _keys(pointer)
    for section in sections:
        target = target.setdefault(section, {})
    target[last] = value


def _keys(pointer: str) -> list[str]:
    """The keys of a JSON pointer (RFC 6901)."""
    steps = pointer.split("/")[1:]
    return [step.replace("~1", "/").replace("~0", "~") for step in steps]
