"""What an event looks like as FHIR: where clients look for what, by release."""

import pytest
from lxml import etree

from mappers.fhir_write import write_fhir
from mappers.fhir_write_xml import write_fhir_xml
from schemas.event import NationalEvent
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.events import make_event

BARE = NationalEvent(taxonomy_version="5", event_type="4", groups={})


@pytest.mark.parametrize("version", ["4", "5"])
def test_stu3_shape(version: str) -> None:
    event = make_event(version=version)
    resource = write_fhir(event)
    assert resource["category"] == "AE"
    assert resource["type"] == {"coding": [{"code": event.event_type}]}
    assert resource["description"] == event.narrative
    assert not {"event", "actuality"} & resource.keys()


def test_r4_shape() -> None:
    event = make_event(version="6")
    resource = write_fhir(event)
    assert resource["actuality"] == "actual"
    assert resource["event"] == {"coding": [{"code": event.event_type}]}
    assert not {"type", "category", "description"} & resource.keys()
    core = next(one for one in resource["extension"] if "adverse-event-core-6" in one["url"])
    assert core["extension"] == [{"url": "Description", "valueString": event.narrative}]


def test_what_the_server_knows() -> None:
    resource = write_fhir(BARE, event_id="42", revision=3, local_id="INC-1")
    assert resource["id"] == "42"
    assert resource["meta"]["versionId"] == "3"
    assert resource["meta"]["profile"] == [get_taxonomy("5").profile_url]
    assert resource["identifier"] == {"value": "INC-1"}
    dated = write_fhir(BARE, last_updated="2026-11-22T09:30:00+00:00")
    assert dated["meta"]["lastUpdated"] == "2026-11-22T09:30:00+00:00"
    known = write_fhir(BARE, revision=3, last_updated="2026-11-22T09:30:00+00:00")
    assert list(known["meta"]) == ["versionId", "lastUpdated", "profile"]
    plain = write_fhir(BARE)
    assert not {"id", "identifier", "extension"} & plain.keys()
    assert plain["meta"].keys() == {"profile"}


def test_location_and_practitioner_are_there_also_when_empty() -> None:
    resource = write_fhir(BARE)
    assert [(one["resourceType"], one["id"]) for one in resource["contained"]] == [
        ("Location", "location1"),
        ("Practitioner", "practitioner1"),
    ]
    assert resource["location"] == {"reference": "#location1"}
    assert resource["recorder"] == {"reference": "#practitioner1"}
    assert not {"subject", "suspectEntity"} & resource.keys()


def test_r4_always_has_a_subject() -> None:
    """R4 asks for one (1..1), also of an event without patients; STU3 does not."""
    resource = write_fhir(NationalEvent(taxonomy_version="6", event_type="4", groups={}))
    assert resource["contained"][0] == {"resourceType": "Patient", "id": "patient1"}
    assert resource["subject"] == {"reference": "#patient1"}


def test_medication_and_device_are_suspect_entities() -> None:
    event = make_event(
        MedicationAdministration={"MedicationAdministration": "y"},
        AdverseEventDeviceDetails={"DeviceTypeOther": "Bed rail"},
    )
    targets = [one["instance"]["reference"] for one in write_fhir(event)["suspectEntity"]]
    assert targets == ["#medication1", "#device1"]


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("has_group", [True, False])
def test_reference_is_the_first_element_of_the_last_extension(
    version: str, has_group: bool
) -> None:
    group = {"DataSharingOptOut": False} if has_group else None
    event = make_event(version=version, AdverseEventReferenceMetadata=group)
    last = write_fhir(event, reference="7K2M-9QXB-4T8D-V")["extension"][-1]
    assert f"adverse-event-reference-metadata-{version}" in last["url"]
    assert last["extension"][0] == {"url": "ReferenceNumber", "valueString": "7K2M-9QXB-4T8D-V"}
    assert len(last["extension"]) == 1 + has_group


def test_refuses_what_the_version_does_not_have() -> None:
    unheard = NationalEvent(taxonomy_version="5", event_type="1", groups={"Unheard": {}})
    with pytest.raises(KeyError, match="Unheard"):
        write_fhir(unheard)
    with pytest.raises(KeyError, match="Unheard"):
        write_fhir(make_event(AdverseEventProcess={"Unheard": "1"}))


def test_xml_has_the_order_of_fhir() -> None:
    resource = write_fhir(make_event(), local_id="INC-1", event_id="42", revision=1)
    root = etree.fromstring(write_fhir_xml(resource))
    names = [etree.QName(child).localname for child in root]
    first_seen = list(dict.fromkeys(names))
    order = "id meta contained extension identifier category type subject date location recorder"
    assert first_seen == [*order.split(), "description", *first_seen[12:]]
    assert set(first_seen[12:]) <= {"suspectEntity"}


def test_xml_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="XML compatible"):
        write_fhir_xml(write_fhir(make_event(narrative="a\x01b")))
