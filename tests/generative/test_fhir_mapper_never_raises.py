"""The FHIR mapper gives an answer, whatever the record."""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from schemas.catalogue import word_fix, word_message
from schemas.event import NationalEvent, decode_event, encode_event
from schemas.record import SourceRecord
from tests.lib.event_strategies import national_events

MAPPER = FhirMapper(strict=True, default_version="5")

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
)
FHIR_NAMES = st.sampled_from(
    [
        *("resourceType", "meta", "profile", "contained", "extension", "url", "valueCode", "id"),
        *("identifier", "value", "type", "event", "coding", "code", "date", "description"),
        *("subject", "suspectEntity", "instance", "reference", "category", "actuality"),
    ]
)
NAMES = FHIR_NAMES | st.text(max_size=5)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
RESOURCES = st.dictionaries(NAMES, JSON, max_size=8).map(
    lambda fields: fields | {"resourceType": "AdverseEvent"}
)


def map_anything(content: Any, locator: str) -> None:
    before = deepcopy(content)
    record = SourceRecord(1, locator, content, b"")
    mapped = MAPPER.map_record(record)
    for finding in mapped.findings:
        word_message(finding)
        word_fix(finding)
    paths = MAPPER.source_paths(record)
    assert all(isinstance(place, str) for place in paths.values())
    if mapped.event is not None:
        assert decode_event(encode_event(mapped.event)) == mapped.event
        assert all(group for group in mapped.event.groups.values())
    assert content == before, "the record was changed"


LOCATORS = st.sampled_from(
    ["line 1", "/entry/0/resource", "/Bundle/entry[1]/resource/AdverseEvent"]
)


@given(JSON, LOCATORS)
@settings(deadline=None, max_examples=150)
def test_any_json(content: Any, locator: str) -> None:
    map_anything(content, locator)


@given(RESOURCES, LOCATORS)
@settings(deadline=None, max_examples=200)
def test_any_adverse_event(content: Any, locator: str) -> None:
    map_anything(content, locator)


@given(national_events(), st.data(), LOCATORS)
@settings(deadline=None, max_examples=200)
def test_a_real_event_with_some_of_its_places_replaced(
    event: NationalEvent, data: st.DataObject, locator: str
) -> None:
    resource = write_fhir(event, local_id="1", reference="X")
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from(list(find_places(resource))))
        change = data.draw(st.sampled_from(["replace", "drop", "twice", "wrap"]))
        if change == "replace":
            holder[key] = data.draw(JSON)
        elif change == "wrap":
            holder[key] = [holder[key]]
        elif change == "drop":
            del holder[key]
        elif isinstance(holder, list):
            holder.append(deepcopy(holder[key]))
        else:
            holder[data.draw(NAMES)] = deepcopy(holder[key])
        if not resource:
            break
    map_anything(resource, locator)


def find_places(value: Any) -> Any:
    """Each (holder, key) of a nested value; never empty for a resource."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield value, key
        if isinstance(inner, dict | list):
            yield from find_places(inner)


@given(national_events(), st.data())
@settings(deadline=None, max_examples=150)
def test_an_unknown_name_anywhere_is_a_finding(event: NationalEvent, data: st.DataObject) -> None:
    """Nothing of a record is passed over in silence."""
    resource = write_fhir(event)
    holders = [holder for holder, _ in find_places(resource) if isinstance(holder, dict)]
    holder = data.draw(st.sampled_from(holders))
    holder["unheardOf"] = data.draw(SCALARS)
    findings = MAPPER.map_record(SourceRecord(1, "line 1", resource, b"")).findings
    assert [one.source_path.rpartition("/")[2] for one in findings] == ["unheardOf"]
