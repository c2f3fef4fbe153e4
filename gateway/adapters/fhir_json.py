"""FHIR as JSON: NDJSON (one AdverseEvent a line), one AdverseEvent, or a Bundle of any size; also
several of them one behind the other.

``raw_hash`` is over the line without its end, over the document, or over the entry of the Bundle.
``mapped_only``: nobody but its mapper asks for the content of a record. Then the plain ones come as
a ``PlainEvent``, which is read in half the time and mapped in a third of it.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_plain import PlainReader
from gateway.adapters.fhir_records import BUNDLE_TYPES, check_request, make_record, show_type
from gateway.adapters.json_lines import iterate_lines
from gateway.adapters.json_stream import JsonStream
from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import keep_poisoned
from mappers.fhir_notes import name_of
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.record import SourceRecord

_WHOLE: Final = "document"
# FHIR's Bundle has fewer than twenty.
_MAX_MEMBERS: Final = 100


def read_fhir_ndjson(
    stream: BinaryIO, part: Part, *, limits: Limits, mapped_only: bool = False
) -> Iterator[SourceRecord]:
    """A record for each line that is not blank, from byte ``part.start`` to ``part.end``."""
    plain = PlainReader(limits) if mapped_only else None
    for number, locator, raw, raw_hash, error in iterate_lines(stream, part, limits.record_bytes):
        if raw is not None:
            yield _read_record(raw, number, locator, limits, plain)
        elif error is not None:
            yield keep_poisoned(error, number, locator)
        else:
            yield _too_long(number, locator, raw_hash, limits)


def read_fhir_json(
    stream: BinaryIO, part: Part, *, limits: Limits, mapped_only: bool = False
) -> Iterator[SourceRecord]:
    """The AdverseEvents of a document, or of several one behind the other. Raises BrokenFeed where
    it cannot be read on, or where a Bundle is of a type that is not a feed."""
    plain = PlainReader(limits) if mapped_only else None
    document = JsonStream(stream, part.start, part.end)
    number, count = part.first_record, 0
    while document.peek():
        count += 1
        start = f"{_WHOLE} {count}" if count > 1 else ""
        before = document.mark()
        is_bundle = is_next_bundle(document, limits)
        document.return_to(before)
        if is_bundle:
            bundle = Bundle(document, number, start, part.first_line - 1, limits, plain)
            yield from bundle.read()
            number = bundle.number
            continue
        raw = document.take_value(limits.record_bytes)
        if raw is None:
            yield _too_long(number, start or _WHOLE, document.skipped, limits)
        else:
            yield _read_record(raw, number, start or _WHOLE, limits, plain)
        number += 1


def read_event(
    raw: bytes, number: int, locator: str, limits: Limits, plain: PlainReader | None
) -> SourceRecord:
    """The record of the JSON of one AdverseEvent; the plain way first, where there is one."""
    if plain is not None and (event := plain.read(raw)) is not None:
        return SourceRecord(number, locator, event, hashlib.sha256(raw).digest())
    content, finding = read_json(raw, limits)
    return make_record(number, locator, content, hashlib.sha256(raw).digest(), finding)


def _read_record(
    raw: bytes, number: int, locator: str, limits: Limits, plain: PlainReader | None
) -> SourceRecord:
    try:
        return read_event(raw, number, locator, limits, plain)
    except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
        return keep_poisoned(error, number, locator, raw)


def _too_long(number: int, locator: str, raw_hash: bytes, limits: Limits) -> SourceRecord:
    finding = reading.RECORD_TOO_LONG.at(limit=limits.record_bytes)
    return make_record(number, locator, None, raw_hash, finding)


def is_next_bundle(document: JsonStream, limits: Limits) -> bool:
    """Reads no further than to ``resourceType`` or ``entry``, whichever comes first. What cannot
    be told is read as one record, whose reader says what is wrong."""
    if not document.take("{"):
        return False
    try:
        while document.peek() == '"':
            key = document.take_key()
            if key == "entry":
                return True
            value = document.take_value(limits.record_bytes)
            if key == "resourceType":
                return value == b'"Bundle"'
            if not document.take(","):
                return False
    except BrokenFeed:
        return False
    return False


class Bundle:
    """Reads a Bundle member by member, its entries one by one; their places go on from ``place``,
    where that many are in parts before this one."""

    def __init__(
        self,
        document: JsonStream,
        number: int,
        start: str,
        place: int,
        limits: Limits,
        plain: PlainReader | None = None,
    ) -> None:
        self._document = document
        self._start = start
        self._place = place
        self._limits = limits
        self._plain = plain
        self._fields: dict[str, Any] = {}
        # Of the next record.
        self.number = number

    def read(self) -> Iterator[SourceRecord]:
        document = self._document
        document.take("{")
        seen: set[str] = set()
        while not document.take("}"):
            key = document.take_key()
            if key in seen or len(seen) > _MAX_MEMBERS:
                raise document.broken()
            seen.add(key)
            if key == "entry" and document.peek() == "[":
                self._check_type(only_if_known=True)
                yield from self._read_entries()
            else:
                raw = document.take_value(self._limits.record_bytes)
                if key in {"type", "resourceType"}:
                    self._fields[key] = read_json(raw, self._limits)[0] if raw else None
            document.take_separator("}")
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
        position = self._place
        while not document.take("]"):
            raw = document.take_value(self._limits.record_bytes)
            yield self.make_record(raw, f"{self._start}/entry/{position}/resource")
            self.number += 1
            position += 1
            document.take_separator("]")

    def make_record(self, raw: bytes | None, locator: str) -> SourceRecord:
        number = self.number
        if raw is None:
            return _too_long(number, locator, self._document.skipped, self._limits)
        try:
            return _read_entry(raw, number, locator, self._limits, self._plain)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            return keep_poisoned(error, number, locator, raw)


def _read_entry(
    raw: bytes, number: int, locator: str, limits: Limits, plain: PlainReader | None
) -> SourceRecord:
    if plain is not None and (event := plain.read_entry(raw)) is not None:
        return SourceRecord(number, locator, event, hashlib.sha256(raw).digest())
    entry, finding = read_json(raw, limits)
    resource = entry.get("resource") if type(entry) is dict else None
    if finding is None and type(entry) is dict:
        finding = check_request(entry)
    return make_record(number, locator, resource, hashlib.sha256(raw).digest(), finding)
