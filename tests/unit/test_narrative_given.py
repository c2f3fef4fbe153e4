"""What a narrative left out, or given and empty, means: in each format, for each type of event."""

import csv
import io
import json
from pathlib import Path

import pytest
from lxml import etree

from gateway.adapters.limits import Limits
from gateway.adapters.shapes import find_shape
from gateway.pipeline.feeds import make_feed_terms, make_mapper, read_records
from gateway.pipeline.judge import Judge, make_submission
from mappers.profile_load import make_shelf
from schemas.batch import Part
from schemas.submission import Source
from tests.lib import events
from tests.lib.events import make_event
from tests.lib.line import NOW, read_register
from validation.validate import validate_event

TYPES = ("incident", "risk", "outcome", "good-care")
REGISTER = {one.code: one for one in read_register()}
LIMIT = 10**6
EMPTY = ("", " \n ")


def judge(feed_format: str, content: bytes) -> list[str]:
    profile = None if feed_format == "fhir" else f"lrms-{feed_format}"
    source = Source(
        id="case", organisation="RZA", format=feed_format, profile=profile,
        submits_for=frozenset(REGISTER),
    )  # fmt: skip
    shape = find_shape(io.BytesIO(content), feed_format, limits=Limits(record_bytes=LIMIT))
    part = Part(batch_number=0, number=0, start=0, end=len(content))
    terms = make_feed_terms(source, make_shelf(), Limits(record_bytes=LIMIT))
    judging = Judge(make_mapper(source, terms), make_submission(source, NOW, REGISTER))
    stream = io.BytesIO(content)
    (record,) = read_records(stream, shape, part, terms)
    return [finding.code for finding in judging.judge(record).findings]


def write_fhir(kind: str, version: str, narrative: str | None) -> bytes:
    resource = json.loads(Path(f"samples/fhir/{kind}-{version}/input.json").read_bytes())
    resource.pop("description", None)
    for group in list(resource["extension"]):
        # The narrative of version 6, and what a risk may have in its place (in 4: must have).
        told = ("Description",) if version == "4" else ("Description", "RiskDescription")
        group["extension"] = [one for one in group["extension"] if one["url"] not in told]
        if "adverse-event-core" in group["url"]:
            resource["extension"].remove(group)
            if narrative is not None:
                group["extension"].append({"url": "Description", "valueString": narrative})
                resource["extension"].append(group)
    if narrative is not None and version != "6":
        resource["description"] = narrative
    return json.dumps(resource).encode()


NEEDED = {"incident": ["TEXT-001"], "risk": ["RULE-004"], "outcome": [], "good-care": []}


def what_is_missed(kind: str, version: str) -> list[str]:
    return ["TEXT-001"] if version == "6" else NEEDED[kind]


@pytest.mark.parametrize("version", ["4", "5", "6"])
@pytest.mark.parametrize("kind", TYPES)
def test_left_out_it_is_missed_where_it_is_needed(kind, version):
    expected = [] if (kind, version) == ("risk", "4") else what_is_missed(kind, version)
    assert judge("fhir", write_fhir(kind, version, None)) == expected


@pytest.mark.parametrize("narrative", EMPTY)
@pytest.mark.parametrize("version", ["4", "5", "6"])
@pytest.mark.parametrize("kind", TYPES)
def test_empty_in_fhir_it_is_an_error_of_every_event(kind, version, narrative):
    expected = ["TEXT-001"] if version == "6" else ["TEXT-002"]
    assert judge("fhir", write_fhir(kind, version, narrative)) == expected


@pytest.mark.parametrize("kind", TYPES)
def test_empty_in_fhir_xml_it_is_the_same(kind):
    root = etree.parse(f"samples/fhir-xml/{kind}-5/input.xml").getroot()
    (described,) = root.iterfind("{http://hl7.org/fhir}description")
    described.set("value", "")
    assert judge("fhir", etree.tostring(root)) == ["TEXT-002"]


@pytest.mark.parametrize("narrative", EMPTY)
@pytest.mark.parametrize("kind", TYPES)
def test_an_empty_cell_or_element_of_an_export_is_none(kind, narrative):
    root = etree.parse(f"samples/xml/{kind}/input.xml").getroot()
    name = "{urn:lrms:incidents:1}"
    for element in [*root.iter(f"{name}narrative"), *root.iter(f"{name}riskDescription")]:
        element.text = narrative
    assert judge("xml", etree.tostring(root)) == what_is_missed(kind, root[0].get("taxonomy"))


@pytest.mark.parametrize("kind", TYPES)
def test_an_empty_cell_of_csv_is_no_narrative(kind):
    text = Path(f"samples/csv/{kind}/input.csv").read_text(encoding="utf-8-sig")
    names, cells = list(csv.reader(io.StringIO(text)))[:2]
    row = dict(zip(names, cells, strict=True)) | {"narrative": " "}
    row |= {"risk_description": ""} if "risk_description" in row else {}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows([list(row), list(row.values())])
    assert judge("csv", out.getvalue().encode()) == what_is_missed(kind, row["taxonomy_version"])


def test_validation_says_so_whatever_mapped_it():
    for kind in "1234":
        findings = validate_event(make_event(kind, narrative=""), events.make_submission())
        assert [finding.code for finding in findings] == ["TEXT-002"]
