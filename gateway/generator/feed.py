"""Writes a synthetic feed to a stream, record by record: memory stays flat whatever its size."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import BinaryIO, Final

import msgspec

from gateway.generator.events import UNTIL, EventMaker, Setting
from gateway.generator.organisations import make_register
from gateway.generator.patients import MOST_PATIENTS
from gateway.generator.records import GeneratedRecord, RecordMaker
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from mappers.profile_load import load_profile
from mappers.profile_model import Profile
from mappers.profile_write import csv_header, write_line, write_rows
from mappers.profile_write_xml import write_record, xml_frame
from schemas.errors import WrongUseError
from schemas.submission import Organisation

_FHIR_NAMESPACE: Final = "http://hl7.org/fhir"
# The invented trust that reports where the caller names none.
DEFAULT_ORGANISATIONS: Final = ("RZA",)

Writer = Callable[[BinaryIO, Iterable[GeneratedRecord]], None]


def write_feed(  # noqa: PLR0913 - the options of a command, most of them rarely given
    stream: BinaryIO,
    *,
    events: int,
    format: str,  # noqa: A002 - the word of the command line
    seed: int,
    errors: float = 0.0,
    duplicates: float = 0.0,
    organisations: Sequence[str] = DEFAULT_ORGANISATIONS,
    register: Sequence[Organisation] | None = None,
    elsewhere: float = 0.08,
    identifiers: float = 0.0,
    until: date = UNTIL,
) -> None:
    """``events`` records in ``format`` (a key of ``FORMATS``), the same bytes for the same
    arguments. Of them a share ``errors`` has one fault each, a share ``duplicates`` repeats an
    earlier record (half of those with a change), a share ``elsewhere`` happened at an organisation
    of ``register`` (default: the invented one) other than the reporter's, and a share
    ``identifiers`` has a synthetic identifier in its narrative. Events lie in the year up to
    ``until``."""
    if format not in FORMATS:
        raise WrongUseError(f"unknown feed format {format!r}; known: {', '.join(FORMATS)}")
    version, write = FORMATS[format]
    setting = Setting(
        version=version,
        seed=seed,
        organisations=organisations,
        register=make_register() if register is None else register,
        elsewhere=elsewhere,
        identifiers=identifiers,
        until=until,
    )
    maker = RecordMaker(EventMaker(setting), seed=seed, errors=errors, duplicates=duplicates)
    write(stream, maker.make_all(events))


def _write_fhir_ndjson(stream: BinaryIO, records: Iterable[GeneratedRecord]) -> None:
    encode = msgspec.json.Encoder().encode
    for record in records:
        stream.write(encode(write_fhir(record.event, local_id=record.local_id)))
        stream.write(b"\n")


def _write_fhir_bundle(stream: BinaryIO, records: Iterable[GeneratedRecord]) -> None:
    stream.write(b"<?xml version='1.0' encoding='UTF-8'?>\n")
    stream.write(f'<Bundle xmlns="{_FHIR_NAMESPACE}"><type value="collection"/>\n'.encode())
    for record in records:
        document = write_fhir_xml(write_fhir(record.event, local_id=record.local_id))
        resource = document.partition(b"?>")[2].strip()
        stream.write(b"<entry><resource>" + resource + b"</resource></entry>\n")
    stream.write(b"</Bundle>\n")


def _write_profile_xml(stream: BinaryIO, records: Iterable[GeneratedRecord]) -> None:
    profile = load_profile("lrms-xml")
    head, tail = xml_frame(profile)
    stream.write(head)
    stream.writelines(
        write_record(record.event, record.local_id, profile) + b"\n" for record in records
    )
    stream.write(tail)


def _write_profile_csv(stream: BinaryIO, records: Iterable[GeneratedRecord]) -> None:
    _write_rows(stream, records, load_profile("lrms-csv"))


def _write_national_csv(stream: BinaryIO, records: Iterable[GeneratedRecord]) -> None:
    _write_rows(stream, records, load_profile("national-csv"))


def _write_rows(stream: BinaryIO, records: Iterable[GeneratedRecord], profile: Profile) -> None:
    header = csv_header(profile, patients=MOST_PATIENTS)
    stream.write(write_line(dict(zip(header, header, strict=True)), header).encode())
    for record in records:
        stream.writelines(
            write_line(row, header).encode()
            for row in write_rows(record.event, record.local_id, profile)
        )


FORMATS: Final[dict[str, tuple[str, Writer]]] = {
    "fhir-4": ("4", _write_fhir_ndjson),
    "fhir-5": ("5", _write_fhir_ndjson),
    "fhir-6": ("6", _write_fhir_ndjson),
    "fhir-xml-4": ("4", _write_fhir_bundle),
    "fhir-xml-5": ("5", _write_fhir_bundle),
    "fhir-xml-6": ("6", _write_fhir_bundle),
    "xml": ("5", _write_profile_xml),
    "csv": ("5", _write_profile_csv),
    "national-csv": ("6", _write_national_csv),
}
