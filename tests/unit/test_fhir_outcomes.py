"""OperationOutcome: each finding where clients look for it, and its place as FHIRPath."""

import json
import re
from string import Formatter
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome as R4Outcome
from fhir.resources.STU3.operationoutcome import OperationOutcome as Stu3Outcome
from hypothesis import given, settings

from gateway.fhir.issue_types import get_issue_type
from gateway.fhir.models import Release
from gateway.fhir.outcomes import make_outcome, make_outcome_lines, make_problem_outcome
from gateway.fhir.pieces import is_surely_valid
from gateway.fhir.places import Place, find_place, make_expression
from gateway.receipts.build import word_finding
from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from schemas.catalogue import get_catalogue, reading, rules
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.receipt import ReceiptFinding, ReceiptRecord
from schemas.record import SourceRecord
from tests.lib.event_strategies import national_events

MODELS: dict[str, Any] = {"STU3": Stu3Outcome, "R4": R4Outcome}
FATAL = rules.FATAL_WITH_PSYCHOLOGICAL_HARM.at(
    "PatientInformation[0].PsychologicalHarm", "/contained/0/extension/0/extension/1/valueCode"
)
# Of the value set issue-type those that STU3 and R4 share.
ISSUE_TYPES = {
    *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown"),
    *("expired", "forbidden", "suppressed", "processing", "not-supported", "duplicate"),
    *("not-found", "too-long", "code-invalid", "extension", "too-costly", "business-rule"),
    *("conflict", "incomplete", "transient", "lock-error", "no-store", "exception", "timeout"),
    *("throttled", "informational"),
}


def read(raw: bytes) -> dict[str, Any]:
    outcome: dict[str, Any] = json.loads(raw)
    return outcome


def find_any(code: str) -> Finding:
    """A finding of the code, whatever its parameters."""
    entry = get_catalogue()[code]
    names = {
        name
        for text in (entry.message, entry.fix)
        for _, name, _, _ in Formatter().parse(text)
        if name
    }
    return entry.at("Group.Element", "/date", **dict.fromkeys(names, "x"))


def test_a_finding_stands_where_clients_look() -> None:
    (issue,) = read(make_outcome([FATAL]))["issue"]
    assert issue == {
        "extension": [
            {
                "url": "urn:lrms-gateway:element",
                "valueString": "PatientInformation[0].PsychologicalHarm",
            }
        ],
        "severity": "error",
        "code": "business-rule",
        "details": {
            "coding": [
                {
                    "system": "urn:lrms-gateway:finding",
                    "code": "RULE-010",
                    "display": "Psychological harm of a patient who died",
                }
            ],
            "text": "PhysicalHarm is 1 (fatal), so PsychologicalHarm cannot be given",
        },
        "diagnostics": "Leave PsychologicalHarm out where PhysicalHarm is 1.",
        "expression": ["AdverseEvent.contained[0].extension[0].extension[1].value"],
    }


def test_no_finding_is_all_ok() -> None:
    outcome = read(make_outcome([]))
    assert outcome == {
        "resourceType": "OperationOutcome",
        "issue": [
            {"severity": "information", "code": "informational", "details": {"text": "All OK"}}
        ],
    }


@pytest.mark.parametrize("release", ["STU3", "R4"])
def test_every_code_of_the_catalogue_makes_a_valid_issue(release: Release) -> None:
    findings = [find_any(code) for code in get_catalogue()]
    raw = make_outcome(findings, release=release)
    MODELS[release].model_validate_json(raw)
    assert is_surely_valid(read(raw), "OperationOutcome", release)
    issues = read(raw)["issue"]
    assert [one["details"]["coding"][0]["code"] for one in issues] == list(get_catalogue())
    assert {one["code"] for one in issues} <= ISSUE_TYPES
    assert [one["severity"] for one in issues] == [finding.severity for finding in findings]


@pytest.mark.parametrize(
    ("code", "issue_type"),
    [
        ("TAX-004", "required"),
        ("TAX-007", "code-invalid"),
        ("TAX-010", "value"),
        ("TAX-013", "too-long"),
        ("RULE-010", "business-rule"),
        ("ORG-002", "forbidden"),
        ("READ-001", "structure"),
        ("READ-006", "not-supported"),
        ("MAP-013", "extension"),
        ("MAP-033", "not-found"),
        ("EXP-001", "processing"),
        ("NEW-001", "processing"),
    ],
)
def test_issue_types(code: str, issue_type: str) -> None:
    assert get_issue_type(code) == issue_type


def test_every_area_has_an_issue_type_of_its_own_choice() -> None:
    chosen = {code.partition("-")[0]: get_issue_type(code) for code in get_catalogue()}
    assert {area for area, kind in chosen.items() if kind == "processing"} == {"EXP"}


@pytest.mark.parametrize(
    ("source_path", "place"),
    [
        ("", Place()),
        ("/date", Place("AdverseEvent.date")),
        ("/contained/0/extension/2", Place("AdverseEvent.contained[0].extension[2]")),
        ("/event/coding/0/code", Place("AdverseEvent.event.coding[0].code")),
        (
            "/extension/0/extension/1/valueCode",
            Place("AdverseEvent.extension[0].extension[1].value"),
        ),
        ("/contained/0/ward~1name/x", Place("AdverseEvent.contained[0]")),
        ("/0/date", Place("AdverseEvent")),
        ("/entry/3/resource/date", Place("AdverseEvent.date", "/entry/3/resource/date")),
        ("/entry/3/resource", Place("AdverseEvent", "/entry/3/resource")),
        ("/AdverseEvent/date/@value", Place("", "/AdverseEvent/date/@value")),
        ("/Bundle/entry[1]/resource", Place("", "/Bundle/entry[1]/resource")),
        ("event_date", Place("", "event_date")),
    ],
)
def test_places_in_fhir(source_path: str, place: Place) -> None:
    assert find_place(source_path, is_fhir=True) == place


def test_places_in_other_feeds_are_locations_only() -> None:
    assert find_place("/incidents/0/date", is_fhir=False) == Place("", "/incidents/0/date")


@given(national_events())
@settings(deadline=None, max_examples=60)
def test_the_expression_finds_what_the_pointer_finds(event: NationalEvent) -> None:
    resource = write_fhir(event, local_id="INC-1", reference="7K2M-9QXB-4T8D-V")
    mapper = FhirMapper(strict=True, default_version="5")
    paths = mapper.source_paths(SourceRecord(1, "line 1", resource, b""))
    assert paths
    for pointer in paths.values():
        assert evaluate(make_expression(pointer), resource) == look_up(resource, pointer)


def evaluate(expression: str, resource: dict[str, Any]) -> Any:
    """As much of FHIRPath as an expression of ours has."""
    root, *steps = re.findall(r"\w+", expression)
    assert root == resource["resourceType"]
    found: Any = resource
    for step in steps:
        if step.isdecimal():
            found = found[int(step)]
        elif step == "value" and "value" not in found:
            (found,) = (value for key, value in found.items() if key.startswith("value"))
        else:
            found = found.get(step)
    return found


def look_up(content: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        content = content[int(token)] if isinstance(content, list) else content.get(token)
    return content


@pytest.mark.parametrize("release", ["STU3", "R4"])
def test_a_problem_outcome(release: Release) -> None:
    raw = make_problem_outcome(
        "too_many_requests", "too many", "Wait as Retry-After says.", "throttled", release=release
    )
    MODELS[release].model_validate_json(raw)
    assert read(raw)["issue"] == [
        {
            "severity": "error",
            "code": "throttled",
            "details": {
                "coding": [{"system": "urn:lrms-gateway:problem", "code": "too_many_requests"}],
                "text": "too many",
            },
            "diagnostics": "Wait as Retry-After says.",
        }
    ]


def test_a_problem_may_have_nothing_to_do() -> None:
    """FHIR has no empty texts."""
    (issue,) = read(make_problem_outcome("not-found", "Not Found", "", "not-found"))["issue"]
    assert "diagnostics" not in issue


CREATED = ReceiptRecord(1, "line 1", "INC-1", "created", "7K2M-9QXB-4T8D-V", 1, [])
REJECTED = ReceiptRecord(2, "line 2", None, "rejected", None, None, [word_finding(FATAL)])


def test_a_receipt_is_a_line_a_record_and_one_for_the_feed() -> None:
    broken = word_finding(reading.EMPTY_FEED.at())
    lines = list(make_outcome_lines([CREATED, REJECTED], is_fhir=True, batch_findings=[broken]))
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    for line in lines:
        R4Outcome.model_validate_json(line)
        assert is_surely_valid(read(line), "OperationOutcome", "R4")
    first, second, whole = map(read, lines)
    assert first["extension"] == [
        {
            "url": "urn:lrms-gateway:record",
            "extension": [
                {"url": "number", "valueInteger": 1},
                {"url": "disposition", "valueCode": "created"},
                {"url": "locator", "valueString": "line 1"},
                {"url": "local_id", "valueString": "INC-1"},
                {"url": "reference", "valueString": "7K2M-9QXB-4T8D-V"},
                {"url": "revision", "valueInteger": 1},
            ],
        }
    ]
    assert first["issue"][0]["details"]["text"] == "All OK"
    assert [one["url"] for one in second["extension"][0]["extension"]] == [
        "number", "disposition", "locator",
    ]  # fmt: skip
    assert second["issue"][0]["details"]["coding"][0]["code"] == "RULE-010"
    assert whole["extension"] == [{"url": "urn:lrms-gateway:batch", "valueBoolean": True}]


def test_places_of_a_csv_are_locations() -> None:
    finding = word_finding(
        rules.DATE_IN_FUTURE.at("event_date", "event_date", value="x", today="y")
    )
    record = ReceiptRecord(1, "row 2", "1", "rejected", None, None, [finding])
    (line,) = make_outcome_lines([record], is_fhir=False)
    (issue,) = read(line)["issue"]
    assert issue["location"] == ["event_date"]
    assert "expression" not in issue


def test_blank_texts_are_left_out() -> None:
    """FHIR has none: a blank column name, a local id of blanks."""
    finding = ReceiptFinding("MAP-001", "warning", "", " ", "a", "b")
    record = ReceiptRecord(1, "row 2", " ", "created", "7K2M-9QXB-4T8D-V", 1, [finding])
    (line,) = make_outcome_lines([record], is_fhir=False)
    (issue,) = read(line)["issue"]
    assert issue.keys() == {"severity", "code", "details", "diagnostics"}
    urls = [one["url"] for one in read(line)["extension"][0]["extension"]]
    assert urls == ["number", "disposition", "locator", "reference", "revision"]
