"""Bodies that were made to hurt, each of a good event: data files could not hold them."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

Event = Mapping[str, Any]

_DEPTH: Final = 10_000
_DIGITS: Final = 5_000
_LONG: Final = 9 * 2**20
_BOMB: Final = 200 * 2**20
_PIECE: Final = bytes(2**20)


def _cut_off(event: Event) -> bytes:
    whole = _encode(event)
    return whole[: len(whole) * 2 // 3]


def _key_twice(event: Event) -> bytes:
    return b'{"date":"2025-05-04",' + _encode(event)[1:]


def _with_value(event: Event, value: bytes) -> bytes:
    """One more extension, whose value is written as it stands."""
    found = b'{"url":"https://example.org/more","valueDecimal":' + value + b"}"
    return _encode(event).replace(b'"extension":[', b'"extension":[' + found + b",", 1)


def _not_a_number(event: Event) -> bytes:
    return _with_value(event, b"NaN")


def _infinity(event: Event) -> bytes:
    return _with_value(event, b"-Infinity")


def _deep_lists(event: Event) -> bytes:
    return _with_value(event, b"[" * _DEPTH + b"]" * _DEPTH)


def _deep_objects(event: Event) -> bytes:
    return _with_value(event, b'{"a":' * _DEPTH + b"1" + b"}" * _DEPTH)


def _huge_integer(event: Event) -> bytes:
    whole = _encode(event)
    return whole.replace(b'"valueInteger":1', b'"valueInteger":' + b"9" * _DIGITS, 1)


def _nine_megabytes(event: Event) -> bytes:
    return _encode({**event, "description": str(event["description"]) + " x" * (_LONG // 2)})


def _nul_escaped(event: Event) -> bytes:
    return _encode({**event, "description": f"{event['description']} \0"})


def _nul_byte(event: Event) -> bytes:
    return _encode(event).replace(b"slipped", b"sl\0ipped", 1)


def _lone_surrogate(event: Event) -> bytes:
    return _encode({**event, "description": f"{event['description']} \ud800"})


def _latin_1(event: Event) -> bytes:
    return _encode(event).replace(b"slipped", b"slipp\xe9d", 1)


def _utf_16(event: Event) -> bytes:
    return _encode(event).decode().encode("utf-16")


def _two_documents(event: Event) -> bytes:
    return _encode(event) + _encode(event)


def _in_a_list(event: Event) -> bytes:
    return b"[" + _encode(event) + b"]"


def _gzip_bomb(event: Event) -> bytes:
    """200 MB of blanks behind an event, packed into some 200 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    blanks = _PIECE.replace(b"\0", b" ")
    packed = packer.compress(_encode(event))
    packed += b"".join(packer.compress(blanks) for _ in range(_BOMB // len(blanks)))
    return packed + packer.flush()


def _gzip_cut_off(event: Event) -> bytes:
    whole = gzip.compress(_encode(event) + b"\n")
    return whole[: len(whole) // 2]


def _xml_bomb(event: Event) -> bytes:
    """Entities of entities: a few lines that would unfold to gigabytes."""
    lines = ['<!ENTITY a0 "ha ha ha ha ha">']
    lines += [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
    return (
        "<?xml version='1.0'?><!DOCTYPE AdverseEvent ["
        + "".join(lines)
        + ']><AdverseEvent xmlns="http://hl7.org/fhir"><description value="&a11;"/></AdverseEvent>'
    ).encode()


def _byte_order_mark(event: Event) -> bytes:
    return b"\xef\xbb\xbf" + _encode(event)


def _encode(event: Event) -> bytes:
    # Escaped, so that half a surrogate pair can be written at all.
    return json.dumps(event, separators=(",", ":")).encode()


MAKERS: Final[dict[str, Callable[[Event], bytes]]] = {
    "byte-order-mark": _byte_order_mark,
    "cut-off": _cut_off,
    "key-twice": _key_twice,
    "not-a-number": _not_a_number,
    "infinity": _infinity,
    "deep-lists": _deep_lists,
    "deep-objects": _deep_objects,
    "huge-integer": _huge_integer,
    "nine-megabytes": _nine_megabytes,
    "nul-escaped": _nul_escaped,
    "nul-byte": _nul_byte,
    "lone-surrogate": _lone_surrogate,
    "latin-1": _latin_1,
    "utf-16": _utf_16,
    "two-documents": _two_documents,
    "in-a-list": _in_a_list,
    "gzip-bomb": _gzip_bomb,
    "gzip-cut-off": _gzip_cut_off,
    "xml-bomb": _xml_bomb,
}
