"""Tells the shape of a feed by looking at its first bytes."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.json_flatten import EACH, unescape
from gateway.adapters.limits import Limits
from schemas.batch import Shape
from schemas.catalogue import reading
from schemas.submission import FeedFormat

_HEAD = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def find_shape(
    stream: BinaryIO, feed_format: FeedFormat, *, limits: Limits, pointer: str | None = None
) -> Shape:
    """How to read these bytes; BrokenFeed where they cannot be what the source sends. ``pointer``
    is where the profile of a JSON feed finds the records of a document."""
    stream.seek(0)
    head = stream.read(_HEAD)
    start = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if not start:
        raise BrokenFeed(reading.EMPTY_FEED.at())
    if feed_format in ("csv", "xml"):
        return "csv" if feed_format == "csv" else "xml"
    # XML may be in UTF-16, JSON may not.
    is_xml = start.startswith((b"<", b"\xfe\xff\0<", b"\xff\xfe<\0"))
    if feed_format == "fhir" and is_xml:
        return "fhir-xml"
    if encoding := _find_wide_json(start):
        raise BrokenFeed(reading.JSON_NOT_UTF_8.at(encoding=encoding))
    if feed_format == "fhir":
        if not start.startswith(b"{"):
            raise BrokenFeed(reading.NOT_FHIR.at())
        stream.seek(0)
        return "fhir-ndjson" if _has_a_record_a_line(stream, limits) else "fhir-json"
    if not start.startswith((b"{", b"[")):
        raise BrokenFeed(reading.NOT_JSON.at())
    stream.seek(0)
    return "ndjson" if _is_ndjson(stream, pointer or "", limits) else "json"


def _find_wide_json(start: bytes) -> str | None:
    """The encoding of JSON that is in UTF-16 or UTF-32: by its first two characters."""
    if start.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"\0\0\0")):
        return "UTF-32"
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16" if start[2:4].strip(b"\0") in (b"{", b"[") else None
    if start[:2] in (b"{\0", b"[\0", b"\0{", b"\0["):
        return "UTF-32" if start[2:4] == b"\0\0" else "UTF-16"
    return None


def _has_a_record_a_line(stream: BinaryIO, limits: Limits) -> bool:
    """NDJSON, rather than one document: its first line, or (should that one be broken) its
    second, is a whole JSON object and not a Bundle."""
    for _ in range(2):
        line = _read_filled_line(stream, limits.record_bytes)
        if len(line) >= limits.record_bytes:
            return b'"Bundle"' not in line[:_HEAD]
        found = _find_object(line)
        if found is not None:
            return found.get("resourceType") != "Bundle"
    return False


def _is_ndjson(stream: BinaryIO, pointer: str, limits: Limits) -> bool:
    """A record a line: one of the first two lines is a whole object, and not all there is. An
    object that has something at the profile's pointer is a document that holds records."""
    lines = [_read_filled_line(stream, limits.record_bytes) for _ in range(2)]
    if not all(lines) or not lines[0].startswith(b"{"):
        return False
    if any(len(line) >= limits.record_bytes for line in lines):
        return False
    objects = [found for line in lines if (found := _find_object(line)) is not None]
    is_document = pointer and any(any(_find(one, pointer.split("/")[1:])) for one in objects)
    return bool(objects) and not is_document


def _find(value: Any, steps: list[str]) -> Iterator[bool]:
    """Gives True for each value at the pointer."""
    if not steps:
        yield True
        return
    step = unescape(steps[0])
    if isinstance(value, dict) and step in value:
        yield from _find(value[step], steps[1:])
    elif isinstance(value, list) and step == EACH:
        for item in value:
            yield from _find(item, steps[1:])
    elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        yield from _find(value[int(step)], steps[1:])


def _find_object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _read_filled_line(stream: BinaryIO, limit: int) -> bytes:
    while line := stream.readline(limit):
        if filled := line.removeprefix(_BYTE_ORDER_MARK).strip():
            return filled if len(line) < limit else line
    return b""
