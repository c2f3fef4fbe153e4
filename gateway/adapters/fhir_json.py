"""FHIR as JSON: NDJSON (one AdverseEvent a line), one AdverseEvent, or a Bundle of any size.

``raw_hash`` is over the line without its end, over the document, or over the entry of the Bundle.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_records import BUNDLE_TYPES, check_request, make_record, show_type
from gateway.adapters.json_stream import JsonStream
from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from mappers.fhir_notes import name_of
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.record import SourceRecord

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WHOLE: Final = "document"
_MAX_KEY: Final = 1024
# FHIR's Bundle has fewer than twenty.
_MAX_MEMBERS: Final = 100
_PIECE: Final = 1 << 20


def read_fhir_ndjson(stream: BinaryIO, part: Part, *, limits: Limits) -> Iterator[SourceRecord]:
    """A record for each line that is not blank, from byte ``part.start`` to ``part.end``."""
    stream.seek(part.start)
    left, number, line = part.end - part.start, part.first_record, part.first_line
    is_first = part.start == 0
    while raw := stream.readline(min(limits.record_bytes + 2, left)):
        left -= len(raw)
        if is_first:
            raw, is_first = raw.removeprefix(_BYTE_ORDER_MARK), False
        locator = f"line {line}"
        line += 1
        record = None
        if len(raw) > limits.record_bytes and not raw.endswith(b"\n"):
            skipped, raw_hash, is_blank = _skip_line(stream, raw, left)
            left -= skipped
            if not is_blank:
                record = _too_long(number, locator, raw_hash, limits.record_bytes)
        elif raw := raw.strip():
            record = _read_record(raw, number, locator)
        if record is not None:
            yield record
            number += 1


def _skip_line(stream: BinaryIO, start: bytes, left: int) -> tuple[int, bytes, bool]:
    """Steps over the rest of a line that begins with ``start``, keeping none of it: its length,
    the hash of the whole line, and whether there is nothing on it."""
    digest, is_blank, skipped, raw = hashlib.sha256(start), not start.strip(), 0, start
    while not raw.endswith(b"\n"):
        raw = stream.readline(min(_PIECE, left - skipped))
        if not raw:
            break
        skipped += len(raw)
        digest.update(raw.rstrip(b"\r\n"))
        is_blank = is_blank and not raw.strip()
    return skipped, digest.digest(), is_blank


def read_fhir_json(stream: BinaryIO, part: Part, *, limits: Limits) -> Iterator[SourceRecord]:
    """The AdverseEvents of one document. Raises BrokenFeed where it cannot be read on, or where
    its Bundle is of a type that is not a feed."""
    if _is_bundle(JsonStream(stream, part.start, part.end), limits.record_bytes):
        bundle = _Bundle(JsonStream(stream, part.start, part.end), part, limits.record_bytes)
        yield from bundle.read()
        return
    stream.seek(part.start)
    raw = stream.read(min(part.end - part.start, limits.record_bytes + 1))
    if len(raw) > limits.record_bytes:
        yield _too_long(part.first_record, _WHOLE, _hash_all(stream, raw), limits.record_bytes)
    else:
        yield _read_record(raw.strip(), part.first_record, _WHOLE)


def _read_record(raw: bytes, number: int, locator: str) -> SourceRecord:
    content, finding = read_json(raw)
    return make_record(number, locator, content, hashlib.sha256(raw).digest(), finding)


def _too_long(number: int, locator: str, raw_hash: bytes, limit: int) -> SourceRecord:
    return make_record(number, locator, None, raw_hash, reading.RECORD_TOO_LONG.at(limit=limit))


def _hash_all(stream: BinaryIO, start: bytes) -> bytes:
    digest = hashlib.sha256(start)
    while chunk := stream.read(1 << 20):
        digest.update(chunk)
    return digest.digest()


def _is_bundle(document: JsonStream, limit: int) -> bool:
    """Reads no further than to ``resourceType`` or ``entry``, whichever comes first. What cannot
    be told is read as one record, whose reader says what is wrong."""
    if not document.take("{"):
        return False
    try:
        while document.peek() == '"':
            key = _take_key(document)
            if key == "entry":
                return True
            value = document.take_value(limit)
            if key == "resourceType":
                return value == b'"Bundle"'
            if not document.take(","):
                return False
    except BrokenFeed:
        return False
    return False


def _take_key(document: JsonStream) -> str:
    """A key and the colon behind it. BrokenFeed where there is none."""
    raw = document.take_value(_MAX_KEY) if document.peek() == '"' else None
    try:
        key = msgspec.json.decode(raw or b"", type=str)
    except (msgspec.DecodeError, UnicodeError):
        raise document.broken() from None
    if not document.take(":"):
        raise document.broken()
    return key


class _Bundle:
    """Reads a Bundle member by member, its entries one by one."""

    def __init__(self, document: JsonStream, part: Part, limit: int) -> None:
        self._document = document
        self._number = part.first_record
        self._limit = limit
        self._fields: dict[str, Any] = {}

    def read(self) -> Iterator[SourceRecord]:
        document = self._document
        document.take("{")
        seen: set[str] = set()
        while not document.take("}"):
            key = _take_key(document)
            if key in seen or len(seen) > _MAX_MEMBERS:
                raise document.broken()
            seen.add(key)
            if key == "entry" and document.peek() == "[":
                self._check_type(only_if_known=True)
                yield from self._read_entries()
            else:
                raw = document.take_value(self._limit)
                if key in {"type", "resourceType"}:
                    self._fields[key] = read_json(raw)[0] if raw else None
            if not document.take(",") and document.peek() != "}":
                raise document.broken()
        if document.peek():
            raise document.broken()
        # A sender may write the type behind the entries.
        self._check_type(only_if_known=False)

    def _check_type(self, *, only_if_known: bool) -> None:
        fields = self._fields
        if fields.get("resourceType", "Bundle" if only_if_known else None) != "Bundle":
            raise BrokenFeed(reading.NO_FHIR_ROOT.at(found=name_of(fields)))
        found = fields.get("type")
        if found not in BUNDLE_TYPES and ("type" in fields or not only_if_known):
            raise BrokenFeed(reading.BUNDLE_TYPE.at(type=show_type(found)))

    def _read_entries(self) -> Iterator[SourceRecord]:
        document = self._document
        document.take("[")
        position = 0
        while not document.take("]"):
            if position and not document.take(","):
                raise document.broken()
            raw = document.take_value(self._limit)
            yield self._make_record(raw, f"/entry/{position}/resource")
            self._number += 1
            position += 1

    def _make_record(self, raw: bytes | None, locator: str) -> SourceRecord:
        number = self._number
        if raw is None:
            return _too_long(number, locator, self._document.skipped, self._limit)
        entry, finding = read_json(raw)
        resource = entry.get("resource") if type(entry) is dict else None
        if finding is None and type(entry) is dict:
            finding = check_request(entry)
        return make_record(number, locator, resource, hashlib.sha256(raw).digest(), finding)
