"""Tells the shape of a feed by looking at its first bytes."""

import json
from typing import BinaryIO

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.batch import Shape
from schemas.catalogue import reading
from schemas.submission import FeedFormat

_HEAD = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def find_shape(stream: BinaryIO, feed_format: FeedFormat, *, limits: Limits) -> Shape:
    """How to read these bytes; BrokenFeed where they cannot be what the source sends."""
    stream.seek(0)
    head = stream.read(_HEAD)
    start = head.removeprefix(_BYTE_ORDER_MARK).lstrip()
    if not start:
        raise BrokenFeed(reading.EMPTY_FEED.at())
    if feed_format != "fhir":
        return feed_format
    # XML may be in UTF-16, JSON may not.
    if start.startswith((b"<", b"\xfe\xff\0<", b"\xff\xfe<\0")):
        return "fhir-xml"
    if not start.startswith(b"{"):
        raise BrokenFeed(reading.NOT_FHIR.at())
    stream.seek(0)
    return "fhir-ndjson" if _has_a_record_a_line(stream, limits) else "fhir-json"


def _has_a_record_a_line(stream: BinaryIO, limits: Limits) -> bool:
    """NDJSON, rather than one document: its first line, or (should that one be broken) its
    second, is a whole JSON object and not a Bundle."""
    for _ in range(2):
        line = _read_filled_line(stream, limits.record_bytes)
        if len(line) >= limits.record_bytes:
            return b'"Bundle"' not in line[:_HEAD]
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        return isinstance(found, dict) and found.get("resourceType") != "Bundle"
    return False


def _read_filled_line(stream: BinaryIO, limit: int) -> bytes:
    while line := stream.readline(limit):
        if line.strip():
            return line.removeprefix(_BYTE_ORDER_MARK)
    return b""
