"""Whatever we accept, fhir.resources accepts as R4 (version 6) or STU3 (4, 5), but for the
exceptions of docs/vendors/fhir-exceptions.md; and whatever we accept, we can send."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.adverseevent import AdverseEvent as R4AdverseEvent
from fhir.resources.STU3.adverseevent import AdverseEvent as Stu3AdverseEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.fhir_json import read_fhir_ndjson
from gateway.adapters.limits import Limits
from gateway.fhir.sent import check_sent
from gateway.pipeline.judge import Judge
from mappers.fhir_read import FhirMapper
from mappers.fhir_tables import Version, get_version
from mappers.fhir_write import write_fhir
from schemas.batch import Part
from schemas.catalogue import get_catalogue
from schemas.event import GOOD_CARE, INCIDENT, OUTCOME, RISK, NationalEvent
from schemas.judged import JudgedRecord
from schemas.taxonomy import TAXONOMY_VERSIONS
from tests.lib.corrupted import corrupt
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event, make_submission, set_element
from tests.lib.fhir_exceptions import EXCEPTIONS
from tests.lib.generated import SUBMISSION, make_events

PAGE = Path("docs/vendors/fhir-exceptions.md")
MODELS: dict[str, Any] = {"STU3": Stu3AdverseEvent, "R4": R4AdverseEvent}
# The invented register of the generator, and that of tests.lib.events.
SUBMISSIONS = (SUBMISSION, make_submission())
Change = Callable[[dict[str, Any]], None]


@lru_cache
def make_pool() -> list[NationalEvent]:
    """Events that are accepted as they are."""
    return [event for version in TAXONOMY_VERSIONS for event in make_events(30, version=version)]


EVENTS = st.integers(0, 89).map(lambda number: make_pool()[number])


def judge(resource: Any) -> JudgedRecord:
    """As a feed of one line is read, mapped and validated; for the first register that has its
    organisations."""
    raw = json.dumps(resource).encode()
    part = Part(batch_number=1, number=1, start=0, end=len(raw))
    (record,) = read_fhir_ndjson(BytesIO(raw), part, limits=Limits())
    judged = [
        Judge(FhirMapper(strict=False, default_version="5"), submission).judge(record)
        for submission in SUBMISSIONS
    ]
    return next((one for one in judged if one.acceptance is not None), judged[0])


def is_fhir(resource: dict[str, Any], release: str) -> bool:
    try:
        MODELS[release].model_validate(deepcopy(resource))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def check_claim(resource: dict[str, Any]) -> bool:
    """Whether it was accepted; if so, it is FHIR, or is with the exceptions mended."""
    acceptance = judge(resource).acceptance
    if acceptance is None:
        return False
    table = get_version(acceptance.event.taxonomy_version)
    check_sent(write_fhir(acceptance.event, local_id="INC-1"), table.release)
    if not is_fhir(resource, table.release):
        mended = deepcopy(resource)
        for mend in EXCEPTIONS.values():
            mend(mended, table)
        assert is_fhir(mended, table.release)
    return True


# What real clients do (national-schema README), and what else is known of them; the exception of
# each, if FHIR does not take it.


def other_contained_id(resource: dict[str, Any]) -> None:
    patient = next(one for one in resource["contained"] if one["resourceType"] == "Patient")
    patient["id"] = "patient"
    resource["subject"] = {"reference": "#patient"}


def empty_patient(resource: dict[str, Any]) -> None:
    patient = next(one for one in resource["contained"] if one["resourceType"] == "Patient")
    patient["extension"] = []


def today_among_the_agents(resource: dict[str, Any]) -> None:
    elements = find_group(resource, "adverse-event-agent")["extension"]
    elements.append({"url": "TodaysDate", "valueDate": "2026-11-20"})


def device_type_as_code(resource: dict[str, Any]) -> None:
    elements = find_group(resource, "adverse-event-device-details")["extension"]
    elements.append({"url": "DeviceTypeOther", "valueCode": "Bed rail"})


def device_type_as_code_of_two_lines(resource: dict[str, Any]) -> None:
    elements = find_group(resource, "adverse-event-device-details")["extension"]
    elements.append({"url": "DeviceTypeOther", "valueCode": "Bed rail,\n\nleft side"})


def date_in_a_list(resource: dict[str, Any]) -> None:
    resource["date"] = [resource["date"]]


def code_in_a_list(resource: dict[str, Any]) -> None:
    element = find_group(resource, "location-details")["extension"][0]
    element["valueCode"] = [element["valueCode"]]


def two_identifiers(resource: dict[str, Any]) -> None:
    resource["identifier"] = [{"value": "INC-1"}, {"value": "OLD-7"}]


def profile_without_a_list(resource: dict[str, Any]) -> None:
    resource["meta"]["profile"] = resource["meta"]["profile"][0]


def no_subject(resource: dict[str, Any]) -> None:
    resource.pop("subject", None)
    resource["contained"] = [
        one for one in resource["contained"] if one["resourceType"] != "Patient"
    ]


def description_as_well(resource: dict[str, Any]) -> None:
    core = find_group(resource, "adverse-event-core")["extension"]
    resource["description"] = core[0]["valueString"]


def event_instead_of_type(resource: dict[str, Any]) -> None:
    resource["event"] = resource.pop("type")


def no_actuality(resource: dict[str, Any]) -> None:
    del resource["actuality"]


def category_of_no_code(resource: dict[str, Any]) -> None:
    resource["category"] = {"coding": [{"code": "AE"}]}


def unknown_field(resource: dict[str, Any]) -> None:
    resource["contained"][0]["wardPhone"] = "x"


def unknown_group(resource: dict[str, Any]) -> None:
    resource["extension"].append({"url": "urn:vendor:own", "extension": [{"valueCode": 3}]})


def unknown_element(resource: dict[str, Any]) -> None:
    find_group(resource, "location-details")["extension"].append({"url": "Ward", "valueX": 3})


def language_of_no_code(resource: dict[str, Any]) -> None:
    resource["language"] = 5


def time_as_instant(resource: dict[str, Any]) -> None:
    for element in find_group(resource, "adverse-event-estimated-date")["extension"]:
        if element["url"] == "PreciseTime":
            element["valueInstant"] = element.pop("valueTime")


def blank_behind_a_code(resource: dict[str, Any]) -> None:
    find_group(resource, "location-details")["extension"][0]["valueCode"] += " "


def empty_text(resource: dict[str, Any]) -> None:
    elements = find_group(resource, "location-details")["extension"]
    elements.append({"url": "OrganisationOther", "valueString": ""})


def date_without_offset(resource: dict[str, Any]) -> None:
    resource["date"] += "T14:20"


def date_with_offset(resource: dict[str, Any]) -> None:
    resource["date"] += "T14:20:00+00:00"


def reference_of_no_text(resource: dict[str, Any]) -> None:
    resource["location"] = {"reference": 5}


def id_with_an_underscore(resource: dict[str, Any]) -> None:
    for one in resource["contained"]:
        if one["resourceType"] == "Location":
            one["id"] = "location_1"
    resource["location"] = {"reference": "#location_1"}


def find_group(resource: dict[str, Any], name: str) -> Any:
    """The extension of a group."""
    holders = [resource, *resource["contained"]]
    return next(
        extension
        for holder in holders
        for extension in holder.get("extension", [])
        if f"/{name}-" in extension["url"]
    )


# (change, versions, exception or None, finding that tells it or None)
DEVIATIONS: list[tuple[Change, str, str | None, str | None]] = [
    (other_contained_id, "456", None, None),
    (empty_patient, "456", None, None),
    (today_among_the_agents, "456", None, "MAP-017"),
    (device_type_as_code, "456", None, None),
    (date_with_offset, "456", None, "MAP-030"),
    (device_type_as_code_of_two_lines, "456", "value-key", None),
    (time_as_instant, "456", "value-key", "MAP-022"),
    (date_in_a_list, "456", "list-or-one", "MAP-023"),
    (code_in_a_list, "456", "list-or-one", "MAP-023"),
    (two_identifiers, "456", "list-or-one", "MAP-034"),
    (profile_without_a_list, "456", "list-or-one", None),
    (no_subject, "6", "no-subject", None),
    (description_as_well, "6", "other-release", None),
    (event_instead_of_type, "45", "other-release", "MAP-028"),
    (no_actuality, "6", "actuality", None),
    (category_of_no_code, "45", "actuality", "MAP-032"),
    (unknown_field, "456", "left-out", "MAP-012"),
    (unknown_group, "456", "left-out", "MAP-013"),
    (unknown_element, "456", "left-out", "MAP-015"),
    (language_of_no_code, "456", "left-out", None),
    (blank_behind_a_code, "456", "blanks", None),
    (empty_text, "456", "blanks", None),
    (date_without_offset, "456", "date", "MAP-030"),
    (reference_of_no_text, "456", "reference", "MAP-033"),
    (id_with_an_underscore, "456", "reference", None),
]
CASES = [
    pytest.param(change, version, exception, told, id=f"{change.__name__}-{version}")
    for change, versions, exception, told in DEVIATIONS
    for version in versions
]


@pytest.mark.parametrize(("change", "version", "exception", "told"), CASES)
def test_what_real_clients_do_is_accepted_and_is_fhir_or_an_exception(
    change: Change, version: str, exception: str | None, told: str | None
) -> None:
    resource = write_fhir(make_event(version=version), local_id="INC-1")
    change(resource)
    judged = judge(resource)
    assert judged.acceptance is not None, judged.findings
    table = get_version(version)
    assert is_fhir(resource, table.release) == (exception is None)
    assert (told is None) or told in {finding.code for finding in judged.findings}
    if told is None:
        assert not {one.code for one in judged.findings if one.code.startswith("MAP-")}
    if exception is not None:
        check_only_cause(resource, exception, table)


def check_only_cause(resource: dict[str, Any], exception: str, table: Version) -> None:
    """Its own mend makes FHIR of it, and no other does."""
    for name, mend in EXCEPTIONS.items():
        mended = deepcopy(resource)
        mend(mended, table)
        assert is_fhir(mended, table.release) == (name == exception), name


@given(EVENTS, st.lists(st.sampled_from(DEVIATIONS), max_size=4), st.data())
@settings(deadline=None, max_examples=200)
def test_several_deviations_and_a_corruption(
    event: NationalEvent,
    deviations: list[tuple[Change, str, str | None, str | None]],
    data: st.DataObject,
) -> None:
    resource = write_fhir(event, local_id="INC-1")
    for change, versions, _, _ in deviations:
        if event.taxonomy_version in versions:
            try:
                change(resource)
            except (StopIteration, KeyError, TypeError, AttributeError):
                continue  # not in this event, or another deviation took its place
    if data.draw(st.booleans()):
        corrupt(resource, data)
    check_claim(resource)


@given(EVENTS, st.data())
@settings(deadline=None, max_examples=400)
def test_a_corrupted_event_that_is_accepted(event: NationalEvent, data: st.DataObject) -> None:
    resource = write_fhir(event, local_id="INC-1")
    for _ in range(data.draw(st.integers(1, 2))):
        if resource:
            corrupt(resource, data)
    check_claim(resource)


@given(national_events())
@settings(deadline=None, max_examples=100)
def test_a_well_formed_event_is_fhir_accepted_or_not(event: NationalEvent) -> None:
    resource = write_fhir(event, local_id="INC-1")
    check_claim(resource)
    assert is_fhir(resource, get_version(event.taxonomy_version).release)


@pytest.mark.parametrize("version", TAXONOMY_VERSIONS)
@pytest.mark.parametrize("event_type", [INCIDENT, RISK, OUTCOME, GOOD_CARE])
def test_the_claim_is_about_events_that_are_accepted(version: str, event_type: str) -> None:
    """Else all of the above would prove nothing."""
    assert check_claim(write_fhir(make_event(event_type, version), local_id="INC-1"))


def test_the_pool_is_accepted() -> None:
    assert all(check_claim(write_fhir(event, local_id="INC-1")) for event in make_pool()[::9])


@pytest.mark.parametrize("code", ["a  b", "a\n\nb"])
def test_a_code_that_fhir_cannot_carry_is_rejected(code: str) -> None:
    """Of an element whose list is not known: it would be accepted, and could not be sent."""
    event = set_element(make_event(version="6"), "PatientInformation[0].GenderIdentity", code)
    judged = judge(write_fhir(event, local_id="INC-1"))
    assert judged.acceptance is None
    assert "TAX-010" in {finding.code for finding in judged.findings}
    one_blank = set_element(make_event(version="6"), "PatientInformation[0].GenderIdentity", "a b")
    assert check_claim(write_fhir(one_blank, local_id="INC-1"))


def read_page() -> dict[str, set[str]]:
    """Exception → the findings that tell it, as the page for vendors says."""
    rows = re.findall(r"^\| `([a-z-]+)` \|.*?\|(.*?)\|", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: set(re.findall(r"[A-Z]+-\d{3}", told)) for name, told in rows}


def test_the_page_for_vendors_names_each_exception_and_what_tells_it() -> None:
    page = read_page()
    assert list(page) == list(EXCEPTIONS)
    shown = {name: set[str]() for name in EXCEPTIONS}
    for _, _, exception, told in DEVIATIONS:
        if exception is not None and told is not None:
            shown[exception].add(told)
    assert page == shown
    told = {code for codes in page.values() for code in codes}
    assert all(get_catalogue()[code].severity != "error" for code in told)


def test_each_exception_occurs() -> None:
    assert {exception for _, _, exception, _ in DEVIATIONS} == {None, *EXCEPTIONS}
