"""Three feeds, one event: the same event as FHIR, vendor XML and CSV maps to the equal national
event. The heart of the gateway: nothing may depend on the road an event took."""

import io
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings

from gateway.adapters.fhir_json import read_fhir_json
from gateway.adapters.fhir_xml import read_fhir_xml
from gateway.adapters.limits import Limits
from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.batch import Part
from schemas.event import (
    GOOD_CARE,
    INCIDENT,
    OUTCOME,
    RISK,
    NationalEvent,
    encode_event,
    hash_content,
)
from schemas.record import Mapped
from schemas.taxonomy import TAXONOMY_VERSIONS
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event
from tests.lib.profile_feeds import map_csv_feed, map_xml_feed, write_csv_feed, write_xml_feed

LIMIT = 2**20
FHIR = FhirMapper(strict=True, default_version="5")


def by_csv(event: NationalEvent) -> Mapped:
    return map_csv_feed(write_csv_feed([event]).encode())[0]


def by_xml(event: NationalEvent) -> Mapped:
    return map_xml_feed(write_xml_feed([event]))[0]


def by_fhir_json(event: NationalEvent) -> Mapped:
    raw = json.dumps(write_fhir(event, local_id="1")).encode()
    (record,) = read_fhir_json(io.BytesIO(raw), _part(raw), limits=Limits(record_bytes=LIMIT))
    return FHIR.map_record(record)


def by_fhir_xml(event: NationalEvent) -> Mapped:
    raw = write_fhir_xml(write_fhir(event, local_id="1"))
    (record,) = read_fhir_xml(io.BytesIO(raw), _part(raw), limits=Limits(record_bytes=LIMIT))
    return FHIR.map_record(record)


def _part(raw: bytes) -> Part:
    return Part(batch_number=0, number=0, start=0, end=len(raw))


ROADS: list[Callable[[NationalEvent], Mapped]] = [by_csv, by_xml, by_fhir_json, by_fhir_xml]


def check_roads(event: NationalEvent) -> None:
    content = hash_content(encode_event(event))
    for road in ROADS:
        mapped = road(event)
        assert mapped.event == event, road.__name__
        assert mapped.event is not None
        assert hash_content(encode_event(mapped.event)) == content, road.__name__
        assert mapped.local_id == "1", road.__name__
        assert mapped.findings == [], road.__name__


@given(national_events())
@settings(max_examples=150, deadline=None)
def test_any_event(event: NationalEvent) -> None:
    check_roads(event)


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("event_type", [INCIDENT, RISK, OUTCOME, GOOD_CARE])
def test_a_realistic_event_of_each_type(event_type: str, version: str) -> None:
    check_roads(make_event(event_type, version))
