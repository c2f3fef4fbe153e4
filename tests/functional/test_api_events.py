"""Single events over HTTP: created, updated, read, searched, validated; what is answered, and
exactly where clients look for it."""

import json
import re
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any

import pytest

from gateway.adapters.fhir_json import read_fhir_json
from gateway.adapters.limits import Limits
from mappers.fhir_read import FhirMapper
from mappers.fhir_tables import REFERENCE_GROUP
from schemas.batch import Part
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, NationalEvent, encode_event
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import (
    EVENTS,
    FHIR_JSON,
    Api,
    count_rows,
    encode,
    find_growth,
    get_code,
    get_issue,
    get_reference,
    make_name,
    write_event,
)
from tests.lib.events import STORY, make_event

REFERENCE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]")
UNKNOWN = "0000-0000-0000-0"


def map_event(raw: bytes) -> NationalEvent:
    """What a resource says, read as the gateway reads feeds."""
    part = Part(batch_number=1, number=0, start=0, end=len(raw))
    (record,) = read_fhir_json(BytesIO(raw), part, limits=Limits())
    mapped = FhirMapper(strict=True, default_version="4").map_record(record)
    assert mapped.findings == []
    assert mapped.event is not None
    return mapped.event


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("event_type", [INCIDENT, RISK, OUTCOME, GOOD_CARE])
def test_a_create_is_answered_as_the_national_service_does(
    api: Api, version: str, event_type: str
) -> None:
    event = make_event(event_type, version)
    name = make_name()
    sent = write_event(version, event_type, name=name)
    answer = api.create(sent)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Content-Type"] == FHIR_JSON
    told = answer.json()
    reference = get_reference(answer)
    assert REFERENCE.fullmatch(reference)
    taxonomy = get_taxonomy(version)
    assert told["resourceType"] == "AdverseEvent"
    assert told["id"] == reference
    assert told["meta"]["versionId"] == "1"
    assert told["meta"]["profile"] == [taxonomy.profile_url]
    assert told["extension"][-1]["url"] == taxonomy.url_of(taxonomy.by_name[REFERENCE_GROUP])
    assert told["identifier"] == {"value": name}
    assert answer.headers["Location"] == f"{EVENTS}/{reference}/_history/1"
    assert answer.headers["ETag"] == 'W/"1"'
    assert parsedate_to_datetime(answer.headers["Last-Modified"]) == api.clock.now()
    assert encode_event(map_event(answer.content)) == encode_event(event)
    for path in (f"/{reference}", f"/{reference}/_history/1"):
        again = api.read(path)
        assert again.status_code == 200
        assert again.headers["ETag"] == 'W/"1"'
        assert again.headers["Last-Modified"] == answer.headers["Last-Modified"]
        assert again.content == answer.content
    batch = api.call("GET", f"/feeds/{answer.headers['LRMS-Batch']}")
    assert batch.status_code == 200
    assert batch.json()["counts"]["created"] == 1


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_what_is_read_can_be_sent_back_as_an_update(api: Api, version: str) -> None:
    created = api.create(write_event(version, name=make_name()))
    reference = get_reference(created)
    unchanged = api.update(reference, created.content)
    assert unchanged.status_code == 200
    assert unchanged.content == created.content
    changed = write_event(version, name=created.json()["identifier"]["value"], narrative=STORY) | {
        "id": reference
    }
    answer = api.update(reference, changed)
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == 'W/"2"'
    assert answer.headers["Location"] == f"{EVENTS}/{reference}/_history/2"
    assert answer.json()["meta"]["versionId"] == "2"
    assert get_reference(answer) == reference
    assert map_event(answer.content).narrative == STORY
    assert api.read(f"/{reference}").content == answer.content
    assert api.read(f"/{reference}/_history/2").content == answer.content
    assert api.read(f"/{reference}/_history/1").content == created.content


def test_an_event_without_identifier_is_updated_by_its_id(api: Api) -> None:
    created = api.create(write_event(narrative=f"{STORY} Told once."))
    reference = get_reference(created)
    assert "identifier" not in created.json()
    answer = api.update(reference, write_event(narrative=f"{STORY} Told anew."))
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    assert get_reference(answer) == reference


def test_an_event_may_move_on_to_a_newer_taxonomy(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event("5", name=name)))
    answer = api.update(reference, write_event("6", name=name))
    assert (answer.status_code, answer.headers["ETag"]) == (200, 'W/"2"')
    history = api.read(f"/{reference}/_history").json()
    urls = [entry["resource"]["meta"]["profile"][0][-1] for entry in history["entry"]]
    assert urls == ["6", "5"]


def test_the_same_event_again_is_the_same_event(api: Api) -> None:
    body = encode(write_event(name=make_name()))
    first = api.create(body)
    second = api.create(body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    assert second.headers["LRMS-Batch"] == first.headers["LRMS-Batch"]
    # The same, written another way.
    third = api.create(encode(json.loads(body)) + b"\n")
    assert third.status_code == 200
    assert third.content == first.content


def test_the_same_identifier_with_other_content_is_the_next_version(api: Api) -> None:
    name = make_name()
    first = api.create(write_event(name=name))
    second = api.create(write_event(name=name, narrative=STORY))
    assert (second.status_code, second.headers["ETag"]) == (200, 'W/"2"')
    assert get_reference(second) == get_reference(first)


def test_the_history_is_newest_first(api: Api) -> None:
    name = make_name()
    created = api.create(write_event(name=name))
    reference = get_reference(created)
    api.clock.forward(60)
    updated = api.update(reference, write_event(name=name, narrative=STORY))
    answer = api.read(f"/{reference}/_history")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["resourceType"], told["type"], told["total"]) == ("Bundle", "history", 2)
    newest, oldest = told["entry"]
    assert newest["request"] == {"method": "PUT", "url": f"AdverseEvent/{reference}"}
    assert oldest["request"] == {"method": "POST", "url": "AdverseEvent"}
    assert newest["response"]["etag"] == 'W/"2"'
    assert newest["resource"] == updated.json()
    assert oldest["resource"] == created.json()
    assert oldest["resource"]["meta"]["lastUpdated"] < newest["resource"]["meta"]["lastUpdated"]


def test_an_event_is_found_by_its_identifier(api: Api) -> None:
    name = make_name()
    created = api.create(write_event(name=name))
    for value in (name, f"urn:any|{name}", f"|{name}"):
        answer = api.call("GET", f"{EVENTS}?identifier={value}")
        assert answer.status_code == 200
        told = answer.json()
        assert (told["type"], told["total"]) == ("searchset", 1)
        (entry,) = told["entry"]
        assert entry["resource"] == created.json()
        assert entry["fullUrl"].endswith(f"{EVENTS}/{created.json()['id']}")
    # Identifiers are each source's own.
    for source, value in ((SOURCE.id, "never-sent"), (OTHER.id, name)):
        empty = api.call("GET", f"{EVENTS}?identifier={value}", source=source).json()
        assert (empty["type"], empty["total"]) == ("searchset", 0)
        assert "entry" not in empty


@pytest.mark.parametrize("query", ["", "?identifier="])
def test_a_search_without_an_identifier_is_refused(api: Api, query: str) -> None:
    answer = api.call("GET", f"{EVENTS}{query}")
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")


def test_what_is_not_there(api: Api) -> None:
    created = api.create(write_event(name=make_name()))
    reference = created.json()["id"]
    for path in (
        f"/{UNKNOWN}",
        f"/{UNKNOWN}/_history",
        f"/{UNKNOWN}/_history/1",
        "/no-id-at-all",
        "/no-id-at-all/_history",
        "/..%2F..%2Fetc",
        "/%00",
        f"/{reference[:-1]}{'0' if reference[-1] != '0' else '1'}",
        f"/{reference}/_history/2",
        f"/{reference}/_history/2147483647",
    ):
        answer = api.read(path)
        assert answer.status_code == 404, path
        assert get_issue(answer)["code"] == "not-found"
        assert answer.headers["Content-Type"] == FHIR_JSON
    for number in ("0", "-1", "x", "1.5", "2147483648", "9" * 400):
        answer = api.read(f"/{reference}/_history/{number}")
        assert (answer.status_code, get_code(answer)) == (400, "request-malformed"), number
        assert number not in answer.text or len(number) < 3


def test_another_sources_event_is_not_there(api: Api) -> None:
    body = write_event(name=make_name())
    reference = get_reference(api.create(body))
    before = count_rows(api.database)
    for path in (f"/{reference}", f"/{reference}/_history", f"/{reference}/_history/1"):
        theirs = api.read(path, source=OTHER.id)
        nobodys = api.read(path.replace(reference, UNKNOWN), source=OTHER.id)
        assert theirs.status_code == nobodys.status_code == 404
        # Not to be told apart from one that does not exist, but for the name that was asked for.
        assert theirs.text.replace(reference, "") == nobodys.text.replace(UNKNOWN, "")
    answer = api.update(reference, body, source=OTHER.id)
    assert (answer.status_code, get_code(answer)) == (404, "not-found")
    assert api.update(UNKNOWN, body).text == answer.text
    assert count_rows(api.database) == before


REJECTED = {
    "a code of no list": (
        {"AdverseEventAgent": {"InvolvedAgents": ["3", "4", "99"]}},
        ("code-invalid", "TAX-007", "AdverseEventAgent.InvolvedAgents[2]"),
    ),
    "a narrative too short": (
        {"narrative": "Fell."},
        ("value", "TEXT-002", "narrative"),
    ),
    "a date to come": (
        {"event_date": "2027-01-01"},
        ("business-rule", "RULE-052", "event_date"),
    ),
}


@pytest.mark.parametrize("case", REJECTED)
@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_a_rejection_says_where_clients_look(api: Api, case: str, version: str) -> None:
    changes, (kind, code, element) = REJECTED[case]
    sent = write_event(version, name=make_name(), **changes)
    before = count_rows(api.database)
    answer = api.create(sent)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == FHIR_JSON
    assert "Location" not in answer.headers
    (issue,) = [one for one in answer.json()["issue"] if one["severity"] == "error"]
    assert issue["code"] == kind
    coding = issue["details"]["coding"][0]
    assert (coding["system"], coding["code"]) == ("urn:lrms-gateway:finding", code)
    assert issue["details"]["text"]
    assert issue["diagnostics"]
    assert issue["extension"] == [{"url": "urn:lrms-gateway:element", "valueString": element}]
    assert find(sent, issue["expression"][0]) in ("99", "Fell.", "2027-01-01")
    growth = find_growth(before, count_rows(api.database))
    findings = growth.pop("findings")
    assert findings == len(answer.json()["issue"])
    # Its bytes and its receipt are kept; no event is.
    assert growth == {"batches": 1, "bodies": 1, "receipt_lines": 1, "audit": 1}
    receipt = api.call("GET", f"/feeds/{answer.headers['LRMS-Batch']}/receipt").json()
    assert [one["code"] for one in receipt["records"][0]["findings"]][-1] == code


def find(resource: Any, expression: str) -> Any:
    """What a simple FHIRPath leads to; its ``value`` is whichever of value[x] there is."""
    value = resource
    for name, _, position in re.findall(r"\.(\w+)(\[(\d+)\])?", expression):
        (key,) = [key for key in value if key == name or (name == "value" and key[:5] == name)]
        value = value[key]
        if position:
            value = value[int(position)]
    return value


def test_a_rejected_event_is_accepted_once_it_is_mended(api: Api) -> None:
    name = make_name()
    bad = write_event(name=name, narrative="Fell.")
    assert [api.create(bad).status_code for _ in range(2)] == [422, 422]
    assert api.create(write_event(name=name)).status_code == 201
    reference = get_reference(api.create(write_event(name=name)))
    rejected = api.update(reference, bad)
    assert (rejected.status_code, get_code(rejected)) == (422, "TEXT-002")
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'
    assert api.update(reference, write_event(name=name, narrative=STORY)).status_code == 200


def test_warnings_do_not_stand_in_the_way(api: Api) -> None:
    phone = f"{STORY} NHS number 999 000 0018."
    sent = write_event(name=make_name(), narrative=phone)
    assert api.create(sent).status_code == 201
    told = api.call("POST", EVENTS, sent, Prefer="return=OperationOutcome")
    validated = api.call("POST", f"{EVENTS}/$validate", sent)
    assert validated.status_code == told.status_code == 200
    assert get_issue(validated)["severity"] == "warning"
    assert get_issue(validated)["finding"] == "TEXT-003"
    assert "999 000 0018" not in validated.text


UNREADABLE = {
    "nothing": (b"", "READ-001"),
    "cut off": (b'{"resourceType": "AdverseEvent", "ext', "READ-001"),
    "not UTF-8": (b'{"resourceType": "AdverseEvent", "description": "\xff\xfe"}', "READ-002"),
    "a number": (b"12", "READ-006"),
    "a list": (b"[]", "READ-006"),
    "another resource": (b'{"resourceType": "Patient", "id": "p"}', "READ-006"),
    "a Bundle": (b'{"resourceType": "Bundle", "type": "batch", "entry": []}', "READ-006"),
    "a key twice": (b'{"resourceType": "AdverseEvent", "date": "2026", "date": "2025"}', None),
    "not a number": (b'{"resourceType": "AdverseEvent", "value": NaN}', "READ-001"),
    "two of them": (b'{"resourceType": "AdverseEvent"}{"resourceType": "AdverseEvent"}', None),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_is_no_adverse_event_is_unreadable(api: Api, case: str) -> None:
    body, code = UNREADABLE[case]
    for method, path in (("POST", EVENTS), ("POST", f"{EVENTS}/$validate")):
        answer = api.call(method, path, body)
        assert answer.status_code == (400 if path == EVENTS else 200), answer.text
        issue = get_issue(answer)
        assert issue["severity"] == "error"
        assert issue["diagnostics"]
        assert code is None or issue["finding"] == code
        assert issue["finding"].startswith("READ-")


def test_an_update_must_be_of_the_event_at_its_address(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    other = get_reference(api.create(write_event(name=make_name())))
    wrong_name = api.update(reference, write_event(name=make_name(), narrative=STORY))
    assert (wrong_name.status_code, get_code(wrong_name)) == (422, "REQ-001")
    assert get_issue(wrong_name)["expression"] == ["AdverseEvent.identifier"]
    wrong_id = api.update(reference, write_event(name=name, narrative=STORY) | {"id": other})
    assert (wrong_id.status_code, get_code(wrong_id)) == (422, "REQ-002")
    assert get_issue(wrong_id)["expression"] == ["AdverseEvent.id"]
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'
    assert api.read(f"/{other}").headers["ETag"] == 'W/"1"'


def test_validate_stores_nothing(api: Api) -> None:
    good = write_event(name=make_name())
    bad = write_event(name=make_name(), narrative="Fell.")
    before = count_rows(api.database)
    for body, code in ((good, None), (bad, "TEXT-002")):
        wrapped = {"resourceType": "Parameters", "parameter": [{"name": "resource"}]}
        wrapped["parameter"][0]["resource"] = body  # type: ignore[index]
        plain = api.call("POST", f"{EVENTS}/$validate", body)
        answer = api.call("POST", f"{EVENTS}/$validate", wrapped)
        assert answer.status_code == plain.status_code == 200
        assert answer.content == plain.content
        if code is None:
            (issue,) = answer.json()["issue"]
            assert issue["severity"] == "information"
            assert issue["details"]["text"] == "All OK"
        else:
            assert get_issue(answer)["finding"] == code
    assert count_rows(api.database) == before
    assert (
        api.call("GET", f"{EVENTS}?identifier={good['identifier']['value']}").json()["total"] == 0
    )


def test_the_capability_statement_lists_a_profile_of_each_version(api: Api) -> None:
    profiles = [get_taxonomy(version).profile_url for version in TAXONOMY_VERSIONS]
    for accept, fhir_version in (
        ("*/*", "4.0.1"),
        ("application/fhir+json; fhirVersion=3.0", "3.0.2"),
    ):
        answer = api.call("GET", "/adverse-event/fhir/metadata", source="", Accept=accept)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == FHIR_JSON
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        told = answer.json()
        assert told["resourceType"] == "CapabilityStatement"
        assert told["fhirVersion"].startswith(fhir_version[:3])
        assert all(profile in answer.text for profile in profiles)


@pytest.mark.parametrize("kind", ["StructureDefinition", "ValueSet", "CodeSystem"])
@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
def test_the_taxonomy_is_served(api: Api, kind: str, version: str) -> None:
    path = f"/taxonomy/fhir/{kind}"
    answer = api.call("GET", f"{path}?version={version}", source="")
    assert answer.status_code == 200
    told = answer.json()
    assert told["type"] == "searchset"
    assert told["total"] == len(told["entry"]) > 15
    for entry in told["entry"][:3]:
        resource = entry["resource"]
        assert resource["resourceType"] == kind
        assert resource["id"].endswith(f"-{version}")
        # A list is of summaries, and says so.
        (tag,) = resource.pop("meta")["tag"]
        assert tag["code"] == "SUBSETTED"
        one = api.call("GET", f"{path}/{resource['id']}", source="")
        assert one.status_code == 200
        assert resource.items() <= one.json().items()
        by_url = api.call("GET", f"{path}?url={resource['url']}", source="").json()
        assert [found["resource"]["id"] for found in by_url["entry"]] == [resource["id"]]


def test_what_the_taxonomy_does_not_have(api: Api) -> None:
    for path, status in (
        ("/taxonomy/fhir/CodeSystem/agent-type-7", 404),
        ("/taxonomy/fhir/CodeSystem/..%2f..%2fetc%2fpasswd", 404),
        (f"/taxonomy/fhir/CodeSystem/{'x' * 129}", 400),
        ("/taxonomy/fhir/Patient", 400),
        ("/taxonomy/fhir/CodeSystem?version=7", 400),
    ):
        answer = api.call("GET", path, source="")
        assert answer.status_code == status, path
        assert answer.headers["Content-Type"] == FHIR_JSON


def test_health_says_whether_the_database_answers(api: Api) -> None:
    answer = api.call("GET", "/health", source="")
    assert (answer.status_code, answer.json()) == (200, {"status": "pass"})
