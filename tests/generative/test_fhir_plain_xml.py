"""Plain FHIR XML by the quick way comes out as it does by the general way, and nearly every event
is plain."""

from copy import deepcopy
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.fhir_xml_json import JsonWriter
from gateway.adapters.limits import Limits
from mappers.fhir_plain import PlainEvent
from mappers.fhir_read import FhirMapper, make_general
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.batch import Part
from schemas.event import NationalEvent
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event

FHIR = "{http://hl7.org/fhir}"
LIMITS = Limits()
MAPPER = FhirMapper(strict=True, default_version="4")
# What an attribute may be given in the place of its value.
VALUES = st.sampled_from(
    [
        *("", " ", "1", " 1", "01", "-0", "1.0", "1e2", "true", " true", "null", "5},{", '1,"a":2'),
        *("\\", '"', "&quot;", "a\nb\tc", "\u2028", "#patient1", "2026-02-30", "AE", "<", "]}"),
    ]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
TAGS = ("extension", "contained", "id", "value", "date", "valueCode", "Patient", "resource", "text")


def read_both_ways(raw: bytes) -> list[bool]:
    """Whether each record is plain; all of them are what they are by the general way."""
    part = Part(batch_number=1, number=0, start=0, end=len(raw), first_line=1)
    general = list(read_fhir_xml(BytesIO(raw), part, limits=LIMITS))
    quick = list(read_fhir_xml(BytesIO(raw), part, limits=LIMITS, mapped_only=True))
    assert [make_general(record) for record in quick] == general
    for one, other in zip(quick, general, strict=True):
        if isinstance(one.content, PlainEvent):
            assert MAPPER.map_record(one) == MAPPER.map_record(other)
            assert MAPPER.source_paths(one) == MAPPER.source_paths(other)
    return [isinstance(record.content, PlainEvent) for record in quick]


def write(resource: dict[str, Any], *, in_bundle: bool) -> bytes:
    if in_bundle:
        request = {"method": "POST"}
        entries = [{"resource": resource}, {"resource": resource, "request": request}]
        resource = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    # "url" is an attribute of extensions alone.
    method = b'<method value="POST"/>'
    return write_fhir_xml(resource).replace(method, method + b'<url value="AdverseEvent"/>')


@given(national_events(), st.booleans(), st.booleans())
@settings(deadline=None, max_examples=50)
def test_what_we_write_is_plain(event: NationalEvent, in_bundle: bool, indented: bool) -> None:
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V", local_id='I"N\\C&1')
    raw = write(resource, in_bundle=in_bundle)
    if indented:
        tree = etree.fromstring(raw)
        etree.indent(tree)
        raw = etree.tostring(tree)
    assert all(read_both_ways(raw))


@given(national_events(), st.data(), st.booleans())
@settings(deadline=None, max_examples=120)
def test_an_event_with_some_of_its_places_changed(
    event: NationalEvent, data: st.DataObject, in_bundle: bool
) -> None:
    tree = etree.fromstring(write(write_fhir(event, local_id="1"), in_bundle=in_bundle))
    first = next(tree.iter(f"{FHIR}AdverseEvent"))
    for _ in range(data.draw(st.integers(1, 2))):
        elements = [one for one in first.iter() if one.getparent() is not None]
        if elements:
            change = data.draw(st.sampled_from(CHANGES))
            change(data.draw(st.sampled_from(elements)), data)
    read_both_ways(etree.tostring(tree))


def _change_values(element: Any, data: st.DataObject) -> None:
    for name in element.attrib:
        element.set(name, data.draw(VALUES))


def _add_attribute(element: Any, data: st.DataObject) -> None:
    element.set(data.draw(st.sampled_from(["id", "url", "value", "{urn:x}y"])), "1")


def _add_text(element: Any, data: st.DataObject) -> None:
    element.text = data.draw(st.sampled_from([" ", "\n\t", "x", '"><', '{"url":"A"},']))


def _add_tail(element: Any, data: st.DataObject) -> None:
    element.tail = data.draw(st.sampled_from([" ", "x", ",", '"},{"url":"A"']))


def _repeat(element: Any, data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        element.addnext(deepcopy(element))
    else:
        element.getparent().append(deepcopy(element))


def _drop(element: Any, _: st.DataObject) -> None:
    element.getparent().remove(element)


def _unwrap(element: Any, _: st.DataObject) -> None:
    for child in list(element):
        element.addprevious(child)
    element.getparent().remove(element)


def _empty(element: Any, _: st.DataObject) -> None:
    element.attrib.clear()


def _rename(element: Any, data: st.DataObject) -> None:
    element.tag = FHIR + data.draw(st.sampled_from(TAGS))


def _move_to_other_namespace(element: Any, _: st.DataObject) -> None:
    element.tag = "{urn:x}" + etree.QName(element).localname


def _add_child(element: Any, data: st.DataObject) -> None:
    child = etree.SubElement(element, FHIR + data.draw(st.sampled_from(TAGS)))
    child.set(data.draw(st.sampled_from(["value", "url"])), data.draw(VALUES))


CHANGES = (
    *(_change_values, _add_attribute, _add_text, _add_tail, _repeat, _drop, _unwrap, _empty),
    *(_rename, _move_to_other_namespace, _add_child),
)


def test_a_prefix_for_the_namespace_is_read_the_general_way() -> None:
    raw = write(write_fhir(make_event()), in_bundle=False).decode()
    prefixed = raw.replace("</", "</f:").replace("<", "<f:").replace("<f:/f:", "</f:")
    prefixed = prefixed.replace("<f:?xml", "<?xml").replace("xmlns=", "xmlns:f=")
    assert read_both_ways(raw.encode()) == [True]
    assert read_both_ways(prefixed.encode()) == [False]


def test_what_stands_around_the_markup_and_how_much_of_it_is_remembered() -> None:
    raw = write(write_fhir(make_event()), in_bundle=False)
    canonical = etree.tostring(etree.fromstring(raw), method="c14n")
    writer = JsonWriter()
    assert writer.write(canonical)
    known = len(writer._known)
    for blanks in range(1, 6_000):
        writer.write(canonical.replace(b"><profile", b">" + b" " * (blanks % 900) + b"<profile"))
        writer.write(b'<entry xmlns="http://hl7.org/fhir"><x' + b"y" * (blanks % 90) + b"></entry>")
    assert len(writer._known) < known + 1_000
    assert writer.write(canonical.replace(b"><profile", b">" + b" " * 2_000 + b"<profile")) is None
    assert writer.write(b"<entry>") is None
    assert writer.write(b"") is None


@pytest.mark.parametrize("limit", [7, 8])
def test_limits_are_for_the_general_way_to_hold(limit: int) -> None:
    raw = write(write_fhir(make_event()), in_bundle=False)
    part = Part(batch_number=1, number=0, start=0, end=len(raw))
    limits = Limits(depth=limit)
    (record,) = read_fhir_xml(BytesIO(raw), part, limits=limits, mapped_only=True)
    assert isinstance(record.content, PlainEvent) is (limit == 8)
