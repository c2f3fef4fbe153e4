"""Source beside result: each field with what it gave, or why it gave nothing."""

import io

import pytest

from gateway.adapters.limits import Limits
from gateway.profiles.judging import Judging
from gateway.profiles.preview import Preview, PreviewField, make_preview
from mappers.profile_load import load_profile
from tests.lib.profile_files import RECEIVED_AT, make_judging, make_row, write_rows


def show(*rows: dict[str, str], first: int = 1, count: int = 5) -> Preview:
    return make_preview(make_judging(), io.BytesIO(write_rows(*rows)), first=first, count=count)


def fields_of(preview: Preview, place: int = 0) -> dict[str, PreviewField]:
    return {field.path: field for field in preview.records[place].fields}


def given(field: PreviewField) -> list[tuple[str, str, str]]:
    return [(one.element, one.value, one.label) for one in field.gives]


def test_a_code_stands_beside_its_national_code_and_label():
    fields = fields_of(show(make_row(1)))
    assert given(fields["harm_1"]) == [
        ("PatientInformation.PhysicalHarm", "4", "Low physical harm")
    ]
    assert given(fields["type"]) == [("event_type", "1", "Patient safety incident")]
    assert given(fields["date"]) == [("event_date", "2025-05-03", "")]
    assert given(fields["id"]) == [("local_id", "R-1", "")]


def test_of_two_fields_of_one_element_each_shows_its_own_value():
    fields = fields_of(show(make_row(1, drug="yes", device="yes")))
    assert given(fields["drug"]) == [("AdverseEventAgent.InvolvedAgents", "4", "Medications")]
    assert given(fields["device"]) == [("AdverseEventAgent.InvolvedAgents", "3", "Devices")]


def test_a_field_may_fill_two_elements():
    fields = fields_of(show(make_row(1)))
    assert [one.element for one in fields["trust"].gives] == [
        "PractitionerDetails.ReporterOrganisation",
        "LocationDetails.Organisation",
    ]


def test_a_rule_with_a_condition_gives_only_where_it_holds():
    never = {"never": "yes", "what": "1"}
    assert given(fields_of(show(make_row(1, **never)))["what"])[0][1] == "1"
    assert fields_of(show(make_row(1, never="no", what="1")))["what"].gives == []


def test_fields_left_out_say_why():
    fields = fields_of(show(make_row(1, handler="J", ward="icu", bleep="7")))
    assert (fields["handler"].use, fields["handler"].reason) == ("ignored", "not of the event")
    assert fields["ward"].use == "asked"
    assert fields["bleep"].use == "unknown"
    assert [one.code for one in fields["bleep"].findings] == ["MAP-001"]


def test_what_no_field_says_is_marked():
    added = show(make_row(1, ward="icu")).records[0].added
    marks = {one.element: (one.value, one.mark) for one in added}
    assert marks["LocationDetails.LocationKnown"] == ("y", "constant")
    assert marks["AdverseEventClassification.LevelOfConcern"] == ("3", "derived")
    assert marks["PatientInformation.PatientSequence"] == ("1", None)


def test_a_finding_stands_at_its_field_with_what_to_do():
    record = show(make_row(1, harm_1="bad")).records[0]
    assert record.is_rejected
    (finding,) = next(field for field in record.fields if field.path == "harm_1").findings
    assert finding.code == "MAP-050"
    assert finding.fix


def test_organisations_are_not_asked_without_a_source():
    preview = show(make_row(1, trust="NOWHERE1"))
    assert not preview.organisations_asked
    assert not preview.records[0].is_rejected


def test_the_records_asked_for_are_shown():
    preview = show(*(make_row(number) for number in range(1, 9)), first=4, count=2)
    assert [record.number for record in preview.records] == [4, 5]


def test_a_file_that_cannot_be_read_says_so():
    preview = make_preview(make_judging(), io.BytesIO(b"a,b\n1,2\n"), first=1, count=5)
    assert preview.records == []
    assert [one.code for one in preview.findings] == ["READ-069"]


@pytest.mark.parametrize("name", ["lrms-xml"])
def test_xml_shows_each_occurrence_of_a_repeated_group(name: str):
    judging = Judging(load_profile(name), limits=Limits(), received_at=RECEIVED_AT)
    xml = b"""<incidents xmlns="urn:lrms:incidents:1"><incident id="1" taxonomy="5" type="incident">
      <patients><patient><physicalHarm>5</physicalHarm></patient>
      <patient><physicalHarm>4</physicalHarm><shoes>9</shoes></patient></patients>
    </incident></incidents>"""
    fields = fields_of(make_preview(judging, io.BytesIO(xml), first=1, count=1))
    assert given(fields["patients/patient[1]/physicalHarm"])[0][1:] == ("5", "No physical harm")
    assert given(fields["patients/patient[2]/physicalHarm"])[0][1:] == ("4", "Low physical harm")
    assert fields["patients/patient[2]/shoes"].use == "unknown"
    assert [one.code for one in fields["patients/patient[2]/shoes"].findings] == ["MAP-001"]
