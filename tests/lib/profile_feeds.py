"""Feeds in our shipped profiles, and what is read and mapped from them again."""

import io
from collections.abc import Iterable

from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_load import load_profile
from mappers.profile_model import MEDICATIONS
from mappers.profile_read import ProfileMapper
from mappers.profile_write import csv_header, write_line, write_row, write_rows
from mappers.profile_write_xml import write_record, xml_frame
from schemas.batch import Part
from schemas.event import NationalEvent
from schemas.record import Mapped, SourceRecord

PART = Part(batch_number=0, number=0, start=0, end=0)
LIMIT = 2**20
CSV = load_profile("lrms-csv")
XML = load_profile("lrms-xml")
CSV_MAPPER = ProfileMapper(CSV, strict=True, default_version="5")
XML_MAPPER = ProfileMapper(XML, strict=True, default_version="5")
NATIONAL = load_profile("national-csv")
NATIONAL_MAPPER = ProfileMapper(NATIONAL, strict=True, default_version="5")


def write_csv_feed(events: Iterable[NationalEvent], delimiter: str = ",") -> str:
    """One row an event, record ids from 1."""
    events = list(events)
    header = csv_header(
        CSV,
        patients=max((len(event.patients) for event in events), default=0),
        medications=max((len(event.repeats(MEDICATIONS)) for event in events), default=0),
    )
    lines = [write_line(dict(zip(header, header, strict=True)), header, delimiter)]
    for number, event in enumerate(events, start=1):
        lines.append(write_line(write_row(event, str(number), CSV), header, delimiter))
    return "".join(lines)


def write_national_feed(events: Iterable[NationalEvent], delimiter: str = ",") -> str:
    """A row for each patient and medicine of an event, references from 1."""
    header = csv_header(NATIONAL, patients=0)
    lines = [write_line(dict(zip(header, header, strict=True)), header, delimiter)]
    for number, event in enumerate(events, start=1):
        rows = write_rows(event, str(number), NATIONAL)
        lines += [write_line(row, header, delimiter) for row in rows]
    return "".join(lines)


def write_xml_feed(events: Iterable[NationalEvent]) -> bytes:
    head, tail = xml_frame(XML)
    records = [write_record(event, str(place), XML) for place, event in enumerate(events, start=1)]
    return head + b"\n".join(records) + tail


def read_csv_feed(raw: bytes) -> list[SourceRecord]:
    return list(read_csv(io.BytesIO(raw), PART, limits=Limits(record_bytes=LIMIT)))


def read_xml_feed(raw: bytes) -> list[SourceRecord]:
    return list(read_xml(io.BytesIO(raw), PART, XML, limits=Limits(record_bytes=LIMIT)))


def map_csv_feed(raw: bytes) -> list[Mapped]:
    return [CSV_MAPPER.map_record(record) for record in read_csv_feed(raw)]


def map_xml_feed(raw: bytes) -> list[Mapped]:
    return [XML_MAPPER.map_record(record) for record in read_xml_feed(raw)]


def map_national_feed(raw: bytes) -> list[Mapped]:
    records = read_csv(io.BytesIO(raw), PART, NATIONAL, limits=Limits(record_bytes=LIMIT))
    return [NATIONAL_MAPPER.map_record(record) for record in records]
