"""What real clients send as FHIR, and what becomes of it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from schemas.catalogue import get_catalogue, mapping, reading, word_fix, word_message
from schemas.finding import FindingCode
from schemas.record import Mapped, SourceRecord
from schemas.taxonomy import get_taxonomy
from tests.lib.events import make_event, make_patient

Resource = dict[str, Any]
Change = Callable[[Resource], object]

LENIENT = FhirMapper(strict=False, default_version="5")
STRICT = FhirMapper(strict=True, default_version="5")


def make_resource(version: str = "5", **changes: Any) -> Resource:
    return write_fhir(make_event(version=version, **changes), local_id="INC-1")


def read(resource: Any, mapper: FhirMapper = LENIENT, locator: str = "line 1") -> Mapped:
    mapped = mapper.map_record(SourceRecord(1, locator, resource, b"\0" * 32))
    for finding in mapped.findings:
        # Every finding can be worded.
        assert word_message(finding)
        assert word_fix(finding)
    return mapped


def url_of(group: str, version: str = "5") -> str:
    taxonomy = get_taxonomy(version)
    return taxonomy.url_of(taxonomy.by_name[group])


def find_extension(resource: Resource, group: str, version: str = "5") -> Resource:
    holders = [resource, *resource["contained"]]
    for holder in holders:
        for extension in holder.get("extension", []):
            if extension["url"] == url_of(group, version):
                return extension  # type: ignore[no-any-return]
    raise LookupError(group)


def find_contained(resource: Resource, kind: str) -> Resource:
    return next(one for one in resource["contained"] if one["resourceType"] == kind)


def add_to(group: str, element: Any) -> Change:
    return lambda resource: find_extension(resource, group)["extension"].append(element)


def put(**fields: Any) -> Change:
    return lambda resource: resource.update(fields)


def drop(*names: str) -> Change:
    return lambda resource: [resource.pop(name) for name in names]


def both(*changes: Change) -> Change:
    return lambda resource: [change(resource) for change in changes]


def put_in_contained(kind: str, **fields: Any) -> Change:
    return lambda resource: find_contained(resource, kind).update(fields)


def rename_patient(resource: Resource) -> None:
    find_contained(resource, "Patient")["id"] = "patient"
    resource["subject"] = {"reference": "#patient"}


def hash_in_contained_id(resource: Resource) -> None:
    find_contained(resource, "Patient")["id"] = "#patient1"


def turn_contained(resource: Resource) -> None:
    resource["contained"].reverse()


def split_patients(resource: Resource) -> None:
    """Each patient on a Patient of its own, the last one first, and one that is empty."""
    patient = find_contained(resource, "Patient")
    first, second = patient["extension"]
    patient["extension"] = [second]
    resource["contained"] += [
        {"resourceType": "Patient", "id": "patient2", "extension": [first]},
        {"resourceType": "Patient", "id": "patient3", "extension": []},
    ]


def other_address(resource: Resource) -> None:
    for holder in (resource, *resource["contained"]):
        for extension in holder.get("extension", []):
            extension["url"] = "http://localhost/x/" + extension["url"].rpartition("/")[2]


def turn_codes(resource: Resource) -> None:
    find_extension(resource, "AdverseEventAgent")["extension"].reverse()


def pad_texts(resource: Resource) -> None:
    resource["description"] = f"\r\n {resource['description']} \n"
    for one in find_extension(resource, "AdverseEventAgent")["extension"]:
        if "valueCode" in one:
            one["valueCode"] = f" {one['valueCode']} "


AGENT = "AdverseEventAgent"
TWO_PATIENTS: Resource = {
    "PatientInformation": [make_patient(1), make_patient(2)],
    "AdverseEventDeviceDetails": None,
}


@pytest.mark.parametrize(
    "change",
    [
        rename_patient,
        hash_in_contained_id,
        turn_contained,
        split_patients,
        other_address,
        turn_codes,
        pad_texts,
        put(identifier=[{"value": "INC-1", "system": "urn:datix"}]),
        put(id="17", language="en-GB", text={"status": "generated", "div": "<div/>"}),
        both(put(meta={}), other_address),
        drop("meta"),
        add_to("AdverseEventAgent", {"url": "DrugsInvolved", "valueString": ""}),
        add_to(AGENT, {"url": "DrugsInvolved", "valueString": " "}),
        lambda resource: resource["contained"].append(
            {
                "resourceType": "Device",
                "id": "d",
                "extension": [{"url": url_of("AdverseEventDeviceDetails"), "extension": []}],
            }
        ),
        lambda resource: resource["type"]["coding"][0].update(system="urn:x", display="Incident"),
    ],
)
def test_survived_without_a_word(change: Change) -> None:
    event = make_event(**TWO_PATIENTS)
    resource = make_resource(**TWO_PATIENTS)
    change(resource)
    mapped = read(resource, STRICT)
    assert mapped.findings == []
    assert mapped.event == event
    assert mapped.local_id == "INC-1"


TODAY = {"url": "TodaysDate", "valueDate": "2026-11-04"}


def misplace_location(resource: Resource) -> None:
    location = find_contained(resource, "Location")
    resource["extension"] += location.pop("extension")


def age_agent_group(resource: Resource) -> None:
    extension = find_extension(resource, AGENT)
    extension["url"] = url_of(AGENT, "4")


def list_of_one(resource: Resource) -> None:
    element = find_extension(resource, "LocationDetails")["extension"][0]
    element["valueCode"] = [element["valueCode"]]


def repeat_agent_group(resource: Resource) -> None:
    resource["extension"].append(deepcopy(find_extension(resource, AGENT)))


# Code, what was done to the resource, and the path in the record that the finding names.
FINDINGS: list[tuple[FindingCode, Change, str]] = [
    (mapping.UNKNOWN_VERSION, put(meta={"profile": ["urn:event-3"]}), "/meta/profile"),
    (mapping.UNKNOWN_VERSION, put(meta={"profile": [3]}), "/meta/profile"),
    (mapping.UNKNOWN_FIELD, put(outcome={"text": "x"}), "/outcome"),
    (mapping.UNKNOWN_FIELD, put(_date={"id": "x"}), "/_date"),
    (mapping.UNKNOWN_FIELD, put(meta={"sender~/": 1}), "/meta/sender~0~1"),
    (mapping.UNKNOWN_FIELD, put(identifier={"value": "INC-1", "note": "x"}), "/identifier/note"),
    (
        mapping.UNKNOWN_FIELD,
        put_in_contained("Patient", identifier=[{"value": "9990000000"}]),
        "/contained/0/identifier",
    ),
    (
        mapping.UNKNOWN_FIELD,
        lambda resource: resource["contained"].append({"resourceType": "Basic", "id": "b"}),
        "/contained/5",
    ),
    (
        mapping.UNKNOWN_FIELD,
        lambda resource: resource["type"]["coding"].append({"code": "2"}),
        "/type/coding/1",
    ),
    (
        mapping.UNKNOWN_FIELD,
        lambda resource: resource["meta"]["profile"].append("http://x/y"),
        "/meta/profile/1",
    ),
    (mapping.UNKNOWN_FIELD, put(modifierExtension=[]), "/modifierExtension"),
    (
        mapping.UNKNOWN_GROUP,
        lambda resource: resource["extension"].insert(
            0, {"url": "http://x/adverse-event-core-5", "extension": []}
        ),
        "/extension/0",
    ),
    (mapping.GROUP_OF_OTHER_VERSION, age_agent_group, "/extension/1"),
    (mapping.UNKNOWN_ELEMENT, add_to(AGENT, {"url": "Agents", "valueCode": "1"}), ""),
    (mapping.MISPLACED_GROUP, misplace_location, ""),
    (mapping.MISPLACED_ELEMENT, add_to(AGENT, TODAY), ""),
    (
        mapping.REPEATED_ELEMENT,
        add_to("LocationDetails", {"url": "LocationKnown", "valueCode": "u"}),
        "",
    ),
    (mapping.REPEATED_GROUP, repeat_agent_group, ""),
    (mapping.REPEATED_VALUE, add_to(AGENT, {"url": "InvolvedAgents", "valueCode": "10"}), ""),
    (
        mapping.WRONG_VALUE,
        add_to("AdverseEventGovernance", {"url": "HsibNotify", "valueString": "true"}),
        "",
    ),
    (
        mapping.WRONG_VALUE,
        add_to(AGENT, {"url": "InvolvedAgents", "valueCode": ["1", "2"]}),
        "",
    ),
    (
        mapping.OTHER_VALUE_KEY,
        add_to("AdverseEventEstimatedDate", {"url": "PreciseTime", "valueString": "10:00:00"}),
        "",
    ),
    (mapping.LIST_OF_ONE, list_of_one, "/contained/1/extension/0/extension/0/valueCode"),
    (mapping.LIST_OF_ONE, lambda resource: put(date=[resource["date"]])(resource), "/date"),
    (mapping.NO_VALUE, add_to(AGENT, {"url": "InvolvedAgents"}), ""),
    (mapping.NO_VALUE, lambda resource: find_extension(resource, AGENT).pop("extension"), ""),
    (mapping.WRONG_STRUCTURE, put(extension={}), "/extension"),
    (mapping.WRONG_STRUCTURE, put(extension=["x"]), "/extension/0"),
    (mapping.WRONG_STRUCTURE, put(contained={}), "/contained"),
    (mapping.WRONG_STRUCTURE, put(contained=[1]), "/contained/0"),
    (mapping.WRONG_STRUCTURE, put(description=7), "/description"),
    (mapping.WRONG_STRUCTURE, put(subject="#patient1"), "/subject"),
    (mapping.WRONG_STRUCTURE, put(identifier={"value": 7}), "/identifier/value"),
    (mapping.WRONG_STRUCTURE, put(suspectEntity=["x"]), "/suspectEntity/0"),
    (mapping.WRONG_STRUCTURE, add_to(AGENT, "x"), ""),
    (mapping.NO_EVENT_TYPE, drop("type"), "/type"),
    (mapping.NO_EVENT_TYPE, put(type={"text": "incident"}), "/type"),
    (
        mapping.FIELD_OF_OTHER_RELEASE,
        lambda resource: resource.update(event=resource.pop("type")),
        "/event",
    ),
    (mapping.FIELD_OF_OTHER_RELEASE, put(actuality="actual"), "/actuality"),
    (mapping.EVENT_TYPE_DIFFERS, put(event={"coding": [{"code": "4"}]}), "/event"),
    (mapping.TIME_DROPPED, put(date="2026-11-03T14:20:00Z"), "/date"),
    (mapping.BAD_DATE, put(date="03/11/2026"), "/date"),
    (mapping.BAD_DATE, put(date="2026-11"), "/date"),
    (mapping.BAD_DATE, put(date=20261103), "/date"),
    (mapping.NOT_ACTUAL, put(category="PAE"), "/category"),
    (mapping.DANGLING_REFERENCE, put(location={"reference": "#ward"}), "/location"),
    (mapping.DANGLING_REFERENCE, put(recorder={"reference": "Practitioner/7"}), "/recorder"),
    (
        mapping.DANGLING_REFERENCE,
        put(suspectEntity=[{"instance": {"reference": "#drug"}}]),
        "/suspectEntity/0/instance",
    ),
    (mapping.SEVERAL_IDENTIFIERS, put(identifier=[{"value": "1"}, {"value": "2"}]), "/identifier"),
]


@pytest.mark.parametrize(("code", "change", "place"), FINDINGS)
def test_finding(code: FindingCode, change: Change, place: str) -> None:
    resource = make_resource(
        AdverseEventAgent={"InvolvedAgents": ["10"]}, AdverseEventGovernance={"NeverEvent": False}
    )
    change(resource)
    found = [one for one in read(resource).findings if one.code == code.code]
    assert found, read(resource).findings
    assert found[0].source_path
    assert not place or place in {one.source_path for one in found}


def test_every_code_of_fhir_mapping_is_raised_here() -> None:
    raised = {code.code for code, _, _ in FINDINGS}
    raised |= {mapping.NARRATIVE_DIFFERS.code}
    codes = {code for code in get_catalogue() if "MAP-010" <= code <= "MAP-049"}
    assert codes == raised


LOOSE = [
    put(outcome={"text": "x"}),
    add_to(AGENT, {"url": "Agents", "valueCode": "1"}),
    add_to(AGENT, {"url": "InvolvedAgents"}),
    age_agent_group,
    lambda resource: resource["extension"].append({"url": "http://x/y-5", "extension": []}),
]


@pytest.mark.parametrize("change", LOOSE)
def test_unknown_is_an_error_where_the_source_is_strict(change: Change) -> None:
    resource = make_resource(AdverseEventAgent={"InvolvedAgents": ["10"]})
    change(resource)
    assert {one.severity for one in read(resource, LENIENT).findings} == {"warning"}
    assert {one.severity for one in read(resource, STRICT).findings} == {"error"}


def test_modifier_extension_is_an_error_whatever_the_source() -> None:
    resource = make_resource()
    resource["modifierExtension"] = [{"url": "http://x/negated", "valueBoolean": True}]
    (finding,) = read(resource, LENIENT).findings
    assert finding.severity == "error"


@pytest.mark.parametrize("content", [None, [], "x", 7, {}, {"resourceType": "Patient"}])
def test_not_an_adverse_event(content: Any) -> None:
    mapped = read(content)
    assert mapped.event is None
    assert [one.code for one in mapped.findings] == [reading.NOT_ADVERSE_EVENT.code]


# What the accepted oddities become: change, and the event that must come out.
@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (misplace_location, {}),
        (age_agent_group, {}),
        (list_of_one, {}),
        (
            add_to(AGENT, TODAY),
            {"AdverseEventEstimatedDate": {"TodaysDate": "2026-11-04"}},
        ),
        (
            lambda resource: resource["contained"].append(
                {
                    "resourceType": "Device",
                    "id": "device1",
                    "extension": [
                        {
                            "url": url_of("AdverseEventDeviceDetails"),
                            "extension": [{"url": "DeviceTypeOther", "valueCode": "Bed rail"}],
                        }
                    ],
                }
            ),
            {"AdverseEventDeviceDetails": {"DeviceTypeOther": "Bed rail"}},
        ),
        (put(date="2026-06-30T23:30:00Z"), {"event_date": "2026-07-01"}),
        (put(date="2026-06-30T23:30:00+01:00"), {"event_date": "2026-06-30"}),
        (put(date="2026-06-30T23:30:00"), {"event_date": "2026-06-30"}),
        (put(date="2026-13-30T23:30:00"), {"event_date": None}),
        (put(date="0001-01-01T00:00:00+14:00"), {"event_date": None}),
        (put(date=""), {"event_date": None}),
        (lambda resource: resource.update(event=resource.pop("type")), {}),
        (repeat_agent_group, {}),
        (
            add_to("LocationDetails", {"url": "LocationKnown", "valueCode": "u"}),
            {},
        ),
    ],
)
def test_oddity_is_taken_over(change: Change, changed: Resource) -> None:
    plain: Resource = {
        "AdverseEventAgent": {"InvolvedAgents": ["10"]},
        "AdverseEventEstimatedDate": None,
        "AdverseEventDeviceDetails": None,
    }
    resource = make_resource(**plain)
    change(resource)
    assert read(resource).event == make_event(**plain | changed)


def test_todays_date_in_both_places_is_one_group() -> None:
    dates = {"AdverseEventEstimatedDate": {"IncidentOccurredToday": "n"}}
    resource = make_resource(**dates)
    add_to(AGENT, TODAY)(resource)
    # The agent group first: its TodaysDate opens the group that comes later.
    resource["extension"].sort(key=lambda extension: "agent" not in extension["url"])
    mapped = read(resource)
    assert [one.code for one in mapped.findings] == [mapping.MISPLACED_ELEMENT.code]
    assert mapped.event is not None
    assert mapped.event.group("AdverseEventEstimatedDate") == {
        "IncidentOccurredToday": "n",
        "TodaysDate": "2026-11-04",
    }


def test_group_given_twice_is_told_also_where_an_element_of_it_stood_elsewhere() -> None:
    resource = make_resource(AdverseEventEstimatedDate={"IncidentOccurredToday": "n"})
    add_to(AGENT, TODAY)(resource)
    dates = find_extension(resource, "AdverseEventEstimatedDate")
    resource["extension"].sort(key=lambda extension: "agent" not in extension["url"])
    resource["extension"].append(deepcopy(dates))
    codes = [one.code for one in read(resource).findings]
    assert codes.count(mapping.REPEATED_GROUP.code) == 1


def test_misplaced_element_of_the_wrong_type_leaves_no_group_behind() -> None:
    resource = make_resource(AdverseEventEstimatedDate=None)
    add_to(AGENT, {"url": "TodaysDate", "valueDate": 7})(resource)
    event = read(resource).event
    assert event is not None
    assert "AdverseEventEstimatedDate" not in event.groups


def test_version_of_the_profile_goes_before_that_of_the_source() -> None:
    resource = make_resource("6")
    resource["meta"]["profile"] = ["http://elsewhere/patient-safety-adverse-event-6|1.0.0"]
    event = read(resource, FhirMapper(strict=True, default_version="4")).event
    assert event is not None
    assert event.taxonomy_version == "6"


def test_reference_number_is_no_content() -> None:
    event = make_event()
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V")
    mapped = read(resource)
    assert mapped.reference == "7K2M-9QXB-4T8D-V"
    assert mapped.event == event


def test_place_of_a_reference_number_that_stands_alone_in_its_group() -> None:
    event = make_event(AdverseEventReferenceMetadata=None)
    resource = write_fhir(event, reference="7K2M-9QXB-4T8D-V")
    paths = LENIENT.source_paths(SourceRecord(1, "line 1", resource, b""))
    last = len(resource["extension"]) - 1
    place = f"/extension/{last}/extension/0/valueString"
    assert paths["AdverseEventReferenceMetadata.ReferenceNumber"] == place


class TestNarrativeOfVersion6:
    def test_in_both_places_the_same(self) -> None:
        resource = make_resource("6")
        resource["description"] = make_event(version="6").narrative
        assert read(resource).findings == []

    def test_in_both_places_not_the_same(self) -> None:
        resource = make_resource("6")
        resource["description"] = "An older draft of it."
        mapped = read(resource)
        assert [one.code for one in mapped.findings] == [mapping.NARRATIVE_DIFFERS.code]
        assert mapped.event == make_event(version="6")

    def test_only_as_description(self) -> None:
        resource = make_resource("6")
        resource["description"] = make_event(version="6").narrative
        resource["extension"] = [
            one for one in resource["extension"] if "adverse-event-core" not in one["url"]
        ]
        assert read(resource).event == make_event(version="6")


XPATH = (
    "/Bundle/entry[4]/resource/AdverseEvent"
    "/contained[2]/Location/extension[1]/extension[1]/valueCode/@value"
)


@pytest.mark.parametrize(
    ("locator", "place"),
    [
        ("line 7", "/contained/1/extension/0/extension/0/valueCode"),
        ("document", "/contained/1/extension/0/extension/0/valueCode"),
        ("/entry/3/resource", "/entry/3/resource/contained/1/extension/0/extension/0/valueCode"),
        ("/Bundle/entry[4]/resource/AdverseEvent", XPATH),
    ],
)
def test_places_are_those_of_the_senders_document(locator: str, place: str) -> None:
    resource = make_resource()
    record = SourceRecord(1, locator, resource, b"")
    assert LENIENT.source_paths(record)["LocationDetails.LocationKnown"] == place
    element = find_extension(resource, "LocationDetails")["extension"][0]
    element["valueCode"] = 7
    assert [one.source_path for one in read(resource, locator=locator).findings] == [place]


def test_findings_show_no_free_text() -> None:
    secret = "Mrs Example of 9 Sample Street"
    resource = make_resource()
    resource |= {"date": secret, "category": secret, "meta": {"profile": [secret]}}
    add_to(AGENT, {"url": secret, "valueCode": secret})(resource)
    for finding in read(resource).findings:
        assert secret not in repr(finding.params)
