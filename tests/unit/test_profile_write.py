"""Events written by profiles with local codes, formats, namespaces and attributes."""

import io

import pytest

from gateway.adapters.csv_rows import read_csv
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_load import load_profile, parse_profile
from mappers.profile_read import ProfileMapper
from mappers.profile_write import csv_header, write_line, write_row
from mappers.profile_write_xml import write_record, xml_frame
from schemas.batch import Part
from schemas.event import NationalEvent
from tests.lib.events import make_event, set_element

PART = Part(batch_number=0, number=0, start=0, end=0)
FIELDS = """
taxonomy_version: "6"
event_type: {field: %(type)s, codes: {Vorfall: "1", Incident: "1"}}
event_date: {field: %(day)s, date_format: "%%d.%%m.%%Y"}
separator: "{~@~}"
elements:
  %(agents)s: {to: AdverseEventAgent.InvolvedAgents, codes: {drug: "4", device: "3"}}
  %(at)s: {to: AdverseEventEstimatedDate.PreciseTime, date_format: "%%H.%%M.%%S"}
  %(on)s: {to: AdverseEventEstimatedDate.TodaysDate, date_format: "%%d %%b %%Y"}
  %(never)s: {to: AdverseEventGovernance.NeverEvent, booleans: {"true": [J], "false": [N]}}
"""
CSV = parse_profile(
    "name: local-csv\nversion: 1\nformat: csv"
    + FIELDS % {"type": "T", "day": "D", "agents": "A", "at": "At", "on": "On", "never": "N"}
    + "medications: {elements: {'vtm {n}': MedicationDmd.VTMCode}}",
    "local-csv.yaml",
)
XML = parse_profile(
    "name: local-xml\nversion: 1\nformat: xml\nrecord: x:feed/list/case\n"
    'namespaces: {x: "urn:x&y", k: "urn:k"}'
    + FIELDS
    % {
        "type": '"@k:type"',
        "day": "day",
        "agents": "what/agents",
        "at": "'when/@at'",
        "on": "when/k:on",
        "never": "what/@never",
    }
    + "medications: {at: drugs/drug, elements: {'@vtm': MedicationDmd.VTMCode}}",
    "local-xml.yaml",
)
EVENT = NationalEvent(
    taxonomy_version="6",
    event_type="1",
    event_date="2026-11-03",
    groups={
        "AdverseEventAgent": {"InvolvedAgents": ["3", "4"]},
        "AdverseEventEstimatedDate": {"PreciseTime": "02:40:00", "TodaysDate": "2026-11-20"},
        "AdverseEventGovernance": {"NeverEvent": False},
        "MedicationDmd": [{"VTMCode": ["12", "34"]}, {"VTMCode": ["5"]}],
    },
)


def test_a_row_in_local_codes_and_formats() -> None:
    row = write_row(EVENT, None, CSV)
    assert row == {
        "T": "Vorfall",
        "D": "03.11.2026",
        "A": "device {~@~} drug",
        "At": "02.40.00",
        "On": "20 Nov 2026",
        "N": "N",
        "vtm 1": "12 {~@~} 34",
        "vtm 2": "5",
    }
    header = csv_header(CSV, patients=3, medications=2)
    text = write_line(dict(zip(header, header, strict=True)), header) + write_line(row, header)
    (record,) = read_csv(io.BytesIO(text.encode()), PART, limits=Limits(record_bytes=1000))
    mapped = ProfileMapper(CSV, strict=True, default_version="5").map_record(record)
    assert (mapped.event, mapped.findings) == (EVENT, [])


def test_an_element_with_namespaces_attributes_and_shared_sections() -> None:
    record = write_record(EVENT, None, XML)
    assert record.count(b"<when ") == record.count(b"<what ") == record.count(b"<drugs>") == 1
    head, tail = xml_frame(XML)
    raw = head + record + record + tail
    assert b"<x:feed xmlns:x=" in raw
    mapper = ProfileMapper(XML, strict=True, default_version="5")
    for one in read_xml(io.BytesIO(raw), PART, XML, limits=Limits(record_bytes=1000)):
        mapped = mapper.map_record(one)
        assert (mapped.event, mapped.findings) == (EVENT, [])
    assert one.locator == "(/x:feed/list/case)[2]"


def test_what_is_wrong_is_written_as_it_is() -> None:
    event = set_element(EVENT, "AdverseEventAgent.InvolvedAgents", ["99"])
    event = set_element(event, "AdverseEventEstimatedDate.PreciseTime", "25:00")
    event = set_element(event, "AdverseEventGovernance.NeverEvent", "maybe")
    row = write_row(event, "7", CSV)
    assert (row["A"], row["At"], row["N"]) == ("99", "25:00", "maybe")


def test_a_row_with_more_patients_than_the_header_is_refused() -> None:
    profile = load_profile("lrms-csv")
    row = write_row(make_event(), "1", profile)
    with pytest.raises(ValueError, match="no column patient_1_"):
        write_line(row, csv_header(profile, patients=0))


def test_text_that_xml_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueError, match="XML"):
        write_record(make_event(narrative="bell \x07"), "1", load_profile("lrms-xml"))
