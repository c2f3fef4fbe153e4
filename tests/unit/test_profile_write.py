"""Events written by profiles with local codes, formats, namespaces, attributes, rows and pointers;
what cannot be turned round is left out, and what a feed cannot carry is refused."""

import io
import json

import msgspec
import pytest

from gateway.adapters.csv_rows import read_csv
from gateway.adapters.json_records import read_json_records
from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from mappers.profile_load import load_profile, parse_profile
from mappers.profile_read import ProfileMapper
from mappers.profile_write import csv_header, write_line, write_row, write_rows
from mappers.profile_write_json import json_frame, write_json_record
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


WORDS = """
name: words
version: 1
format: %s
taxonomy_version: "5"
local_id: "%sid"
event_type: {field: "%stype", codes: {incident: "1"}}
event_date: {field: "%sday", date_format: [DD/MM/YYYY, ISO]}
"""


def make_profile(feed_format, more, at=""):
    return parse_profile(WORDS % (feed_format, at, at, at) + more, "words.yaml")


ROWS = make_profile(
    "csv",
    """
rows: {id: id}
elements: {place: LocationDetails.LocationWithinService}
patients:
  rows: true
  elements: {who: PatientInformation.PatientSequence, harm: PatientInformation.PhysicalHarm}
""",
)
TWO_PATIENTS = make_event(
    PatientInformation=[{"PatientSequence": 1, "PhysicalHarm": "4"}, {"PatientSequence": 2}]
)


def test_each_patient_is_a_row_with_the_columns_of_the_event():
    rows = write_rows(TWO_PATIENTS, "7", ROWS)
    assert [row["who"] for row in rows] == ["1", "2"]
    assert all(row["id"] == "7" and row["type"] == "incident" for row in rows)
    assert csv_header(ROWS, patients=0) == ["id", "type", "day", "place", "who", "harm"]


def test_rows_that_nothing_holds_together_are_refused():
    with pytest.raises(ValueError, match="belong together"):
        write_rows(TWO_PATIENTS, None, ROWS)
    alone = msgspec.structs.replace(TWO_PATIENTS, groups={})
    assert len(write_rows(alone, None, ROWS)) == 1


def test_what_only_concludes_or_needs_something_beside_it_is_left_out():
    profile = make_profile(
        "csv",
        """
elements:
  Place:
    - {to: LocationDetails.ServiceArea, take: {separator: ">", part: 1}}
    - {to: LocationDetails.LocationWithinService, take: {separator: ">", part: 2}}
  Worry: {to: AdverseEventClassification.LevelOfConcern, derived: true}
  Site: {to: LocationDetails.Organisation, by_name: true}
  Role: {to: PractitionerDetails.ReporterRole, when: {Place: Ward}}
patients: {rows: true, when: {who: Patient}, elements: {harm: PatientInformation.PhysicalHarm}}
rows: {id: id}
""",
    )
    (row,) = write_rows(TWO_PATIENTS, "7", profile)
    assert row.keys() == {"id", "type", "day"}


def test_the_first_date_format_is_written():
    (row,) = write_rows(make_event(event_date="2025-03-09"), "7", ROWS)
    assert row["day"] == "09/03/2025"


TICKS = """
elements:
  Drug?: {to: AdverseEventAgent.InvolvedAgents, codes: {"Y": "4", "N": ""}}
  Device?: {to: AdverseEventAgent.InvolvedAgents, codes: {"Y": "3", "N": ""}}
  Texts: AdverseEventAgent.DrugsInvolved
"""


@pytest.mark.parametrize(
    ("agents", "expected"), [(["3"], {"Device?": "Y"}), (["4"], {"Drug?": "Y"}), (["9"], {})]
)
def test_of_several_fields_the_first_that_has_the_words_is_written(agents, expected):
    event = msgspec.structs.replace(EVENT, groups={"AdverseEventAgent": {"InvolvedAgents": agents}})
    row = write_row(event, None, make_profile("csv", TICKS))
    assert {field: text for field, text in row.items() if field.endswith("?")} == expected


def test_what_a_cell_cannot_carry_is_refused_without_its_content():
    texts = make_profile("csv", TICKS)
    groups = {"AdverseEventAgent": {"DrugsInvolved": ["morphine", "insulin"]}}
    event = msgspec.structs.replace(EVENT, groups=groups)
    with pytest.raises(ValueError, match=r"^Texts: several values, and no separator") as refused:
        write_row(event, None, texts)
    assert "morphine" not in str(refused.value)
    divided = make_profile("csv", TICKS + 'separator: "i"\n')
    with pytest.raises(ValueError, match=r"^Texts: a value holds the separator i$"):
        write_row(event, None, divided)


def test_fields_told_apart_by_an_attribute():
    profile = make_profile(
        "xml",
        """
record: list/case
elements:
  "part[@name='a/b']/field[@name='Drugs']": AdverseEventAgent.DrugsInvolved
  "part[@name='a/b']/field[@name='Never']": AdverseEventGovernance.NeverEvent
""",
        at="@",
    )
    groups = {
        "AdverseEventAgent": {"DrugsInvolved": ["x", "y"]},
        "AdverseEventGovernance": {"NeverEvent": True},
    }
    event = msgspec.structs.replace(EVENT, taxonomy_version="5", groups=groups)
    record = write_record(event, "7", profile)
    assert record.decode() == (
        '<case id="7" type="incident" day="03/11/2026"><part name="a/b">'
        '<field name="Drugs">x</field><field name="Drugs">y</field>'
        '<field name="Never">true</field></part></case>'
    )
    head, tail = xml_frame(profile)
    (read,) = read_xml(io.BytesIO(head + record + tail), PART, profile, limits=Limits())
    mapped = ProfileMapper(profile, strict=True, default_version="5").map_record(read)
    assert (mapped.event, mapped.findings) == (event, [])


JSON = make_profile(
    "json",
    """
record: /export/cases
separator: ";"
elements:
  /what/agents: {to: AdverseEventAgent.InvolvedAgents, codes: {drug: "4", device: "3"}}
  /what/never~1ever: AdverseEventGovernance.NeverEvent
  /what/devices/*/type: AdverseEventDeviceDetails.DeviceType
patients:
  at: /people
  elements:
    /n: PatientInformation.PatientSequence
    /harm/physical: PatientInformation.PhysicalHarm
""",
    at="/",
)


def test_a_json_object_is_read_again_as_the_equal_event():
    event = NationalEvent(
        taxonomy_version="5",
        event_type="1",
        event_date="2026-11-03",
        groups={
            "AdverseEventAgent": {"InvolvedAgents": ["3", "4"]},
            "AdverseEventGovernance": {"NeverEvent": False},
            "PatientInformation": [
                {"PatientSequence": 1, "PhysicalHarm": "5"},
                {"PatientSequence": 2},
            ],
        },
    )
    record = write_json_record(event, "7", JSON)
    assert json.loads(record) == {
        "id": "7",
        "type": "incident",
        "day": "03/11/2026",
        "what": {"agents": "device ; drug", "never/ever": False},
        "people": [{"n": 1, "harm": {"physical": "5"}}, {"n": 2}],
    }
    head, tail = json_frame(JSON)
    raw = head + b",\n".join([record, record]) + tail
    part = Part(batch_number=0, number=0, start=0, end=len(raw))
    records = read_json_records(io.BytesIO(raw), part, JSON, limits=Limits(), by_line=False)
    mapper = ProfileMapper(JSON, strict=True, default_version="5")
    mapped = [mapper.map_record(one) for one in records]
    assert [(one.event, one.local_id, one.findings) for one in mapped] == [(event, "7", [])] * 2
