"""What is sent is checked: the quick check and the models of fhir.resources agree."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from fhir.resources.R4B.adverseevent import AdverseEvent as R4AdverseEvent
from fhir.resources.R4B.bundle import BundleEntry as R4Entry
from fhir.resources.R4B.operationoutcome import OperationOutcome as R4Outcome
from fhir.resources.STU3.adverseevent import AdverseEvent as Stu3AdverseEvent
from fhir.resources.STU3.bundle import BundleEntry as Stu3Entry
from fhir.resources.STU3.operationoutcome import OperationOutcome as Stu3Outcome
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.fhir.models import Release
from gateway.fhir.pieces import is_surely_valid
from gateway.fhir.sent import check_entry, check_sent, encode_sent, get_release
from mappers.fhir_write import write_fhir
from schemas.errors import FaultError
from schemas.event import NationalEvent
from tests.lib.corrupted import corrupt
from tests.lib.event_strategies import national_events
from tests.lib.events import make_event

MODELS: dict[tuple[str, str], Any] = {
    ("AdverseEvent", "STU3"): Stu3AdverseEvent,
    ("AdverseEvent", "R4"): R4AdverseEvent,
    ("OperationOutcome", "STU3"): Stu3Outcome,
    ("OperationOutcome", "R4"): R4Outcome,
    ("BundleEntry", "STU3"): Stu3Entry,
    ("BundleEntry", "R4"): R4Entry,
}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "extension": [
        {
            "url": "urn:example:record",
            "extension": [
                {"url": "number", "valueInteger": 3},
                {"url": "locator", "valueString": "line 3"},
            ],
        }
    ],
    "issue": [
        {
            "severity": "error",
            "code": "value",
            "details": {
                "coding": [{"system": "urn:example:code", "code": "A-1", "display": "Bad"}],
                "text": "bad",
            },
            "diagnostics": "mend it",
            "expression": ["AdverseEvent.date"],
            "location": ["/Bundle/entry[1]"],
        }
    ],
}
ENTRY = {
    "fullUrl": "http://localhost/AdverseEvent/7K2M-9QXB-4T8D-V",
    "search": {"mode": "match"},
    "request": {"method": "POST", "url": "AdverseEvent"},
    "response": {
        "status": "201 Created",
        "location": "AdverseEvent/7K2M-9QXB-4T8D-V/_history/1",
        "etag": 'W/"1"',
        "lastModified": "2026-11-22T09:30:00+00:00",
        "outcome": OUTCOME,
    },
}


def write(event: NationalEvent) -> dict[str, Any]:
    return write_fhir(
        event,
        reference="7K2M-9QXB-4T8D-V",
        local_id="INC-1",
        event_id="7K2M-9QXB-4T8D-V",
        revision=2,
        last_updated="2026-11-22T09:30:00+00:00",
    )


def is_taken_whole(value: Any, kind: str, release: str) -> bool:
    if kind != "BundleEntry" and value.get("resourceType") != kind:
        return False
    try:
        MODELS[kind, release].model_validate(deepcopy(value))
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
    return True


def is_sent(value: Any, kind: str, release: Release) -> bool:
    check = check_entry if kind == "BundleEntry" else check_sent
    try:
        check(value, release)
    except FaultError:
        return False
    return True


@given(national_events())
@settings(deadline=None, max_examples=100)
def test_what_we_write_passes_the_quick_check(event: NationalEvent) -> None:
    """Otherwise every event would pay for the whole check."""
    resource = write(event)
    release = get_release(resource)
    assert is_surely_valid(resource, "AdverseEvent", release)
    assert is_taken_whole(resource, "AdverseEvent", release)


@pytest.mark.parametrize("release", ["STU3", "R4"])
@pytest.mark.parametrize(("kind", "value"), [("OperationOutcome", OUTCOME), ("BundleEntry", ENTRY)])
def test_outcomes_and_entries_pass_the_quick_check(
    kind: str, value: dict[str, Any], release: Release
) -> None:
    assert is_surely_valid(value, kind, release)
    assert is_taken_whole(value, kind, release)


@given(national_events(), st.data())
@settings(deadline=None, max_examples=400)
def test_a_corrupted_event_is_judged_as_fhir_resources_does(
    event: NationalEvent, data: st.DataObject
) -> None:
    resource = write(event)
    release = get_release(resource)
    for _ in range(data.draw(st.integers(1, 2))):
        if resource:
            corrupt(resource, data)
    judge(resource, "AdverseEvent", release)


@given(
    st.sampled_from([("OperationOutcome", OUTCOME), ("BundleEntry", ENTRY)]),
    st.sampled_from(["STU3", "R4"]),
    st.data(),
)
@settings(deadline=None, max_examples=200)
def test_a_corrupted_outcome_or_entry_is_judged_as_fhir_resources_does(
    given_value: tuple[str, dict[str, Any]], release: Release, data: st.DataObject
) -> None:
    kind, value = given_value
    value = deepcopy(value)
    corrupt(value, data)
    judge(value, kind, release)


def judge(value: dict[str, Any], kind: str, release: Release) -> None:
    before = deepcopy(value)
    whole = is_taken_whole(value, kind, release)
    assert is_sent(value, kind, release) == whole
    assert whole or not is_surely_valid(value, kind, release)
    assert value == before


def element(resource: dict[str, Any]) -> dict[str, Any]:
    """An element with a code."""
    return next(
        one for group in resource["extension"] for one in group["extension"] if "valueCode" in one
    )


def drop_actuality(resource: dict[str, Any]) -> None:
    del resource["actuality"]


def drop_subject(resource: dict[str, Any]) -> None:
    del resource["subject"]


def drop_address(resource: dict[str, Any]) -> None:
    del element(resource)["url"]


def number_as_code(resource: dict[str, Any]) -> None:
    element(resource)["valueCode"] = 3


def empty_text(resource: dict[str, Any]) -> None:
    resource["identifier"]["value"] = ""


def blank_code(resource: dict[str, Any]) -> None:
    element(resource)["valueCode"] = " "


def code_with_two_blanks(resource: dict[str, Any]) -> None:
    element(resource)["valueCode"] = "a  b"


def two_values(resource: dict[str, Any]) -> None:
    element(resource)["valueString"] = "3"


def unknown_field(resource: dict[str, Any]) -> None:
    resource["contained"][0]["unheardOf"] = 1


def no_day(resource: dict[str, Any]) -> None:
    resource["date"] = "2026-02-30"


def no_instant(resource: dict[str, Any]) -> None:
    resource["meta"]["lastUpdated"] = "2026-11-22T09:30:00"


def unknown_resource(resource: dict[str, Any]) -> None:
    resource["contained"][0]["resourceType"] = "Ward"


def null_extension(resource: dict[str, Any]) -> None:
    resource["extension"].append(None)


def no_kind(resource: dict[str, Any]) -> None:
    del resource["resourceType"]


REFUSED = [
    drop_actuality, drop_subject, drop_address, number_as_code, empty_text, blank_code,
    code_with_two_blanks, two_values, unknown_field, no_day, no_instant, unknown_resource,
    null_extension, no_kind,
]  # fmt: skip


@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_is_refused_by_the_quick_check_and_as_a_whole(
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    resource = write(make_event(version="6"))
    assert is_surely_valid(resource, "AdverseEvent", "R4")
    spoil(resource)
    assert not is_surely_valid(resource, "AdverseEvent", "R4")
    assert not is_taken_whole(resource, "AdverseEvent", "R4")
    with pytest.raises(FaultError, match="not valid FHIR R4"):
        check_sent(resource, "R4")


def test_an_event_of_the_other_release_is_refused() -> None:
    resource = write(make_event(version="5"))
    check_sent(resource, "STU3")
    with pytest.raises(FaultError, match="not valid FHIR R4"):
        check_sent(resource, "R4")


def test_what_the_quick_check_is_too_strict_for_is_judged_as_a_whole() -> None:
    resource = write(make_event(version="6"))
    resource["language"] = "en-GB"
    assert not is_surely_valid(resource, "AdverseEvent", "R4")
    check_sent(resource, "R4")


def test_the_fault_quotes_nothing() -> None:
    secret = "MARKED-SECRET"
    resource = write(make_event(version="6", narrative=f"The narrative says {secret} aloud."))
    resource["identifier"]["value"] = {secret: secret}
    resource[secret] = secret
    element(resource)["valueCode"] = f"{secret}  {secret}"
    with pytest.raises(FaultError) as raised:
        check_sent(resource, "R4")
    assert secret not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_the_release_follows_from_the_profile() -> None:
    assert get_release(write(make_event(version="4"))) == "STU3"
    assert get_release(write(make_event(version="6"))) == "R4"
    with pytest.raises(FaultError, match="names no profile"):
        get_release({"resourceType": "AdverseEvent", "meta": {"profile": ["urn:other"]}})
    with pytest.raises(FaultError, match="names no profile"):
        get_release({"resourceType": "AdverseEvent"})


def test_what_is_encoded_was_checked() -> None:
    assert encode_sent({"resourceType": "Patient", "id": "p"}, "R4") == (
        b'{"resourceType":"Patient","id":"p"}'
    )
    with pytest.raises(FaultError, match="not valid FHIR STU3"):
        encode_sent({"resourceType": "Patient", "unheardOf": 1}, "STU3")


def test_other_commands_do_not_wait_for_fhir_resources() -> None:
    code = (
        "import sys, gateway.fhir.sent, gateway.cli\n"
        "sys.exit(any(name.startswith('fhir.resources') for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
