"""FHIR feeds of one event, small enough to see through, and what reading them gives."""

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.limits import Limits
from mappers.fhir_write import write_fhir
from schemas.batch import Part
from schemas.record import SourceRecord
from tests.lib.events import make_event
from tests.lib.reading import Reading

LIMIT = 20_000
EVENT = write_fhir(make_event(), local_id="INC-1")
RAW = msgspec.json.encode(EVENT)
SPACED = json.dumps(EVENT, indent=1).encode()
ENTRY = b'{"resource":' + RAW + b"}"


def ndjson(raw: bytes) -> Reading:
    return _read(read_fhir_ndjson, raw)


def document(raw: bytes) -> Reading:
    return _read(read_fhir_json, raw)


def xml(raw: bytes) -> Reading:
    return _read(read_fhir_xml, raw)


def _read(read: Callable[..., Iterator[SourceRecord]], raw: bytes) -> Reading:
    part = Part(batch_number=1, number=0, start=0, end=len(raw))
    limits = Limits(record_bytes=LIMIT, depth=64, text_chars=LIMIT // 2)

    def read_all(stream: BinaryIO) -> Iterator[SourceRecord]:
        return read(stream, part, limits=limits)

    return Reading(read_all, raw)


def wrap(*entries: bytes, bundle_type: str = "batch") -> bytes:
    """A Bundle of entries as they are written."""
    head = b'{"resourceType":"Bundle","type":"' + bundle_type.encode() + b'","entry":['
    return head + b",".join(entries) + b"]}"
