"""The quick way of reading and mapping plain AdverseEvents comes out as the general way does, and
nearly every event is plain."""

import json
from copy import deepcopy
from io import BytesIO
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.fhir_json import read_fhir_json, read_fhir_ndjson
from gateway.adapters.fhir_plain import PlainReader
from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from mappers.fhir_plain import PlainEvent
from mappers.fhir_plain_map import map_plain
from mappers.fhir_read import FhirMapper, make_general
from mappers.fhir_write import write_fhir
from schemas.batch import Part
from schemas.event import NationalEvent, encode_event
from schemas.record import SourceRecord
from schemas.taxonomy import TAXONOMY_VERSIONS
from tests.generative.test_fhir_mapper_never_raises import JSON, NAMES, find_places
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event

MAPPER = FhirMapper(strict=True, default_version="4")
LIMITS = Limits()
WRITERS = (
    msgspec.json.encode,
    lambda resource: json.dumps(resource).encode(),
    lambda resource: json.dumps(resource, indent=1, ensure_ascii=False).encode(),
)


def check_both_ways(raw: bytes, locator: str = "line 1") -> bool:
    """Whether it is plain; then the general way gives the same."""
    plain = PlainReader(LIMITS).read(raw)
    if plain is None:
        return False
    content, finding = read_json(raw, LIMITS)
    assert finding is None
    general = SourceRecord(1, locator, content, b"")
    quick = SourceRecord(1, locator, plain, b"")
    assert make_general(quick) == general
    expected, mapped = MAPPER.map_record(general), MAPPER.map_record(quick)
    assert mapped == expected
    if mapped.event is not None and expected.event is not None:
        assert encode_event(mapped.event) == encode_event(expected.event)
    assert MAPPER.source_paths(quick) == MAPPER.source_paths(general)
    return True


@given(national_events(), st.sampled_from(WRITERS))
@settings(deadline=None, max_examples=80)
def test_what_we_write_is_plain(event: NationalEvent, write: Any) -> None:
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V", local_id="INC-1", revision=2)
    raw = write(resource)
    assert check_both_ways(raw) is (b"\\u0022" not in raw)


@given(national_events(), st.data(), st.sampled_from(WRITERS))
@settings(deadline=None, max_examples=200)
def test_an_event_with_some_of_its_places_changed(
    event: NationalEvent, data: st.DataObject, write: Any
) -> None:
    resource = write_fhir(event, local_id="1", reference="X")
    values = JSON | st.sampled_from(["", " ", " 1 ", "1\r\n2", "e\u0301", "#patient1", 1, 2**63])
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(find_places(resource))))
        change = data.draw(st.sampled_from(["replace", "drop", "twice", "wrap", "again", "turn"]))
        if change == "replace":
            holder[key] = data.draw(values)
        elif change == "wrap":
            holder[key] = [holder[key]]
        elif change == "drop":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
            if change == "turn":
                holder.reverse()
        elif change == "again":
            holder[data.draw(NAMES | st.sampled_from(sorted(holder)))] = deepcopy(holder[key])
        if not resource:
            break
    check_both_ways(write(resource))


@given(national_events(), st.data())
@settings(deadline=None, max_examples=50)
def test_a_key_that_is_there_twice_is_not_plain(event: NationalEvent, data: st.DataObject) -> None:
    resource = write_fhir(event)
    holders = [holder for holder, key in find_places(resource) if isinstance(key, str)]
    holder = data.draw(st.sampled_from(holders))
    key = data.draw(st.sampled_from(sorted(holder)))
    holder["TWICE"] = holder[key]
    write = data.draw(st.sampled_from(WRITERS))
    raw = write(resource).replace(b'"TWICE"', json.dumps(key).encode())
    assert not check_both_ways(raw)


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize(
    "address",
    ["https://fhir.example/StructureDefinition/", "http://h\N{LATIN SMALL LETTER E WITH ACUTE}/"],
)
def test_the_address_may_be_any(version: str, address: str) -> None:
    raw = msgspec.json.encode(write_fhir(make_event("1", version), local_id="1"))
    profile = json.loads(raw)["meta"]["profile"][0]
    known = profile[: profile.rindex("/") + 1]
    assert check_both_ways(raw.replace(known.encode(), address.encode())) is address.isascii()


def test_no_more_addresses_are_compiled_than_a_feed_has() -> None:
    raw = msgspec.json.encode(write_fhir(make_event()))
    profile = json.loads(raw)["meta"]["profile"][0]
    known = profile[: profile.rindex("/") + 1].encode()
    reader = PlainReader(LIMITS)
    read = [reader.read(raw.replace(known, b"https://%d.example/" % number)) for number in range(6)]
    assert [one is not None for one in read] == [True] * 4 + [False] * 2
    assert reader.read(raw.replace(known, b"https://3.example/")) is not None


@pytest.mark.parametrize(
    ("limits", "is_plain"),
    [
        (Limits(depth=8), True),
        (Limits(depth=7), False),
        (Limits(text_chars=500), False),
        (Limits(record_bytes=500), False),
    ],
)
def test_limits_are_for_the_general_way_to_hold(limits: Limits, is_plain: bool) -> None:
    raw = msgspec.json.encode(write_fhir(make_event()))
    assert (PlainReader(limits).read(raw) is not None) is is_plain


def test_entries_of_a_bundle_and_what_they_ask_for() -> None:
    resource = write_fhir(make_event(), local_id="INC-1")
    entries = [
        {"resource": resource},
        {"fullUrl": "urn:uuid:1", "resource": resource, "request": {"method": "POST", "url": "x"}},
        {"resource": resource, "request": {"method": "DELETE", "url": "x"}},
        {"resource": resource, "search": {"mode": "match"}},
        {"resource": {"resourceType": "Patient"}},
    ]
    raw = json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}).encode()
    part = Part(batch_number=1, number=0, start=0, end=len(raw))
    general = list(read_fhir_json(BytesIO(raw), part, limits=LIMITS))
    quick = list(read_fhir_json(BytesIO(raw), part, limits=LIMITS, mapped_only=True))
    assert [make_general(record) for record in quick] == general
    kinds = [isinstance(record.content, PlainEvent) for record in quick]
    assert kinds == [True, True, False, False, False]


def test_lines_of_ndjson_come_as_plain_events_only_where_that_is_asked_for() -> None:
    lines = [msgspec.json.encode(write_fhir(make_event("1", one))) for one in TAXONOMY_VERSIONS]
    raw = b"\n".join([*lines, b"{", lines[0].replace(b'AdverseEvent"', b'Patient"', 1)])
    part = Part(batch_number=1, number=0, start=0, end=len(raw))
    general = list(read_fhir_ndjson(BytesIO(raw), part, limits=LIMITS))
    quick = list(read_fhir_ndjson(BytesIO(raw), part, limits=LIMITS, mapped_only=True))
    assert [make_general(record) for record in quick] == general
    assert [isinstance(one.content, PlainEvent) for one in quick] == [True] * 3 + [False] * 2
    assert not any(isinstance(one.content, PlainEvent) for one in general)


def _find_elements(resource: dict[str, Any], group: str) -> list[Any]:
    held = [resource, *resource["contained"]]
    groups = [one for holder in held for one in holder.get("extension", [])]
    (found,) = [one for one in groups if group in one["url"]]
    elements: list[Any] = found["extension"]
    return elements


def _give_a_code_twice(resource: dict[str, Any]) -> None:
    elements = _find_elements(resource, "adverse-event-agent")
    elements.append(next(one for one in elements if one["url"] == "InvolvedAgents"))


def _give_an_element_twice(resource: dict[str, Any]) -> None:
    elements = _find_elements(resource, "location-details")
    elements.append({"url": "LocationKnown", "valueCode": "n"})


def _give_a_group_twice(resource: dict[str, Any]) -> None:
    resource["extension"].append(resource["extension"][0])


def _lead_nowhere(resource: dict[str, Any]) -> None:
    resource["subject"] = {"reference": "#patient9"}


def _tell_two_stories(resource: dict[str, Any]) -> None:
    resource["description"] = "Another story than that of the element."


def _give_two_ids(resource: dict[str, Any]) -> None:
    resource["identifier"] = [{"value": "1"}, {"value": "2"}]


def _give_two_types(resource: dict[str, Any]) -> None:
    resource["event"]["coding"] *= 2


def _give_an_empty_text(resource: dict[str, Any]) -> None:
    _find_elements(resource, "location-details").append(
        {"url": "OrganisationOther", "valueString": " "}
    )


@pytest.mark.parametrize(
    "change",
    [
        _give_a_code_twice,
        _give_an_element_twice,
        _give_a_group_twice,
        _lead_nowhere,
        _tell_two_stories,
        _give_two_ids,
        _give_two_types,
        _give_an_empty_text,
    ],
)
def test_what_decodes_and_has_to_be_spoken_of_is_mapped_the_general_way(change: Any) -> None:
    resource = write_fhir(make_event("1", "6"), local_id="1")
    change(resource)
    raw = msgspec.json.encode(resource)
    assert check_both_ways(raw)
    plain = PlainReader(LIMITS).read(raw)
    assert plain is not None
    assert map_plain(plain) is None
