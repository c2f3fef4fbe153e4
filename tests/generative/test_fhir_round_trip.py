"""event → FHIR → event is the identity, as JSON and as XML."""

import json
from io import BytesIO

from fhir.resources.R4B.adverseevent import AdverseEvent as R4AdverseEvent
from fhir.resources.STU3.adverseevent import AdverseEvent as Stu3AdverseEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.fhir_json import read_fhir_json
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.limits import Limits
from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.batch import Part
from schemas.event import NationalEvent, encode_event
from schemas.record import SourceRecord
from schemas.taxonomy.compiled import compile_groups
from tests.lib.event_strategies import national_events

LIMIT = 1 << 20
# A default version that no drawn profile may fall back to without being seen.
MAPPER = FhirMapper(strict=True, default_version="4")


def make_part(raw: bytes) -> Part:
    return Part(batch_number=1, number=0, start=0, end=len(raw))


def map_json(raw: bytes) -> tuple[SourceRecord, NationalEvent | None]:
    (record,) = read_fhir_json(BytesIO(raw), make_part(raw), limits=Limits(record_bytes=LIMIT))
    mapped = MAPPER.map_record(record)
    assert mapped.findings == []
    return record, mapped.event


@given(national_events())
@settings(deadline=None, max_examples=150)
def test_event_to_fhir_json_and_back_is_the_identity(event: NationalEvent) -> None:
    raw = json.dumps(write_fhir(event)).encode()
    _, again = map_json(raw)
    assert again is not None
    assert encode_event(again) == encode_event(event)


@given(national_events(), st.booleans())
@settings(deadline=None, max_examples=100)
def test_fhir_xml_gives_the_dict_that_json_gives(event: NationalEvent, in_bundle: bool) -> None:
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V", local_id="INC-1", revision=2)
    raw = write_fhir_xml(resource)
    if in_bundle:
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": resource}] * 2}
        raw = write_fhir_xml(bundle)
    for record in read_fhir_xml(BytesIO(raw), make_part(raw), limits=Limits(record_bytes=LIMIT)):
        assert record.findings == ()
        assert record.content == resource
        mapped = MAPPER.map_record(record)
        assert mapped.findings == []
        assert mapped.event == event
        assert mapped.reference == "7K2M-9QXB-4T8D-V"


@given(national_events())
@settings(deadline=None, max_examples=100)
def test_source_paths_point_at_the_values(event: NationalEvent) -> None:
    record, _ = map_json(json.dumps(write_fhir(event)).encode())
    paths = MAPPER.source_paths(record)
    for name, group in event.groups.items():
        for position, content in enumerate(group if isinstance(group, list) else [group]):
            prefix = f"{name}[{position}]" if isinstance(group, list) else name
            for element, value in content.items():
                values = value if isinstance(value, list) else [value]
                assert look_up(record.content, paths[f"{prefix}.{element}"]) in values
                if isinstance(value, list):
                    for number, one in enumerate(value):
                        if value.index(one) == number:
                            place = paths[f"{prefix}.{element}[{number}]"]
                            assert look_up(record.content, place) == one
    assert look_up(record.content, paths["event_type"]) == event.event_type
    if event.narrative is not None:
        assert look_up(record.content, paths["narrative"]) == event.narrative


def look_up(content: object, pointer: str) -> object:
    for token in pointer.split("/")[1:]:
        content = content[int(token)] if isinstance(content, list) else content[token]  # type: ignore[index]
    return content


@given(national_events())
@settings(deadline=None, max_examples=60)
def test_drawn_events_are_valid_in_the_taxonomy(event: NationalEvent) -> None:
    compile_groups(event.taxonomy_version).validate_python(event.groups)


@given(national_events())
@settings(deadline=None, max_examples=60)
def test_fhir_resources_accepts_what_is_written(event: NationalEvent) -> None:
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V", local_id="1", event_id="1")
    if event.taxonomy_version == "6":
        R4AdverseEvent.model_validate(resource)
    else:
        Stu3AdverseEvent.model_validate(resource)
