"""What is wrong, as the gateway says it: in OperationOutcomes, problem details and receipts."""

from typing import Any

import msgspec
import requests

from gateway.client.bodies import convert, find_json, read_as, word_place
from gateway.client.errors import BadAnswerError, Issue, Told

# Problem details; what the token endpoint says; a receipt.
_AGREED = ({"status", "code"}, {"error", "error_description"}, {"batch_id", "records"})


def find_problem(response: requests.Response) -> dict[str, Any] | None:
    """The agreed body of an error: an OperationOutcome, problem details, what the token endpoint
    says, or the receipt of a correction that is rejected."""
    found = find_json(response.content)
    if not isinstance(found, dict):
        return None
    if found.get("resourceType") == "OperationOutcome":
        return found
    return found if any(names <= found.keys() for names in _AGREED) else None


def read_problem(problem: dict[str, Any]) -> list[Issue]:
    if "resourceType" in problem:
        return read_issues(problem)
    if "records" in problem:
        return _read_receipt(problem)
    # RFC 9457, or RFC 6749 section 5.2 of the token endpoint.
    code, text, fix = (
        next((problem[name] for name in names if isinstance(problem.get(name), str)), "")
        for names in (("code", "error"), ("title", "error_description"), ("detail",))
    )
    return [Issue("error", code, text, fix)]


def read_issues(outcome: dict[str, Any]) -> list[Issue]:
    """The issues of an OperationOutcome; none where it is something else."""
    if outcome.get("resourceType") != "OperationOutcome":
        return []
    try:
        return [_read_issue(one) for one in convert(outcome, _Outcome).issue]
    except msgspec.ValidationError as error:
        raise BadAnswerError(f"an OperationOutcome is not as agreed{word_place(error)}") from None


class _Coding(msgspec.Struct):
    code: str = ""


class _Details(msgspec.Struct):
    coding: list[_Coding] = []
    text: str = ""


class _Issue(msgspec.Struct):
    severity: str
    code: str = ""
    details: _Details = msgspec.field(default_factory=_Details)
    diagnostics: str = ""
    expression: list[str] = []


class _Outcome(msgspec.Struct):
    issue: list[_Issue]


def _read_issue(found: _Issue) -> Issue:
    return Issue(
        severity=found.severity,
        code=found.details.coding[0].code if found.details.coding else "",
        text=found.details.text,
        what_to_do=found.diagnostics,
        expression=found.expression,
        type=found.code,
    )


class _Finding(msgspec.Struct):
    code: str
    severity: str
    source_path: str = ""
    path: str = ""
    message: str = ""
    fix: str = ""


class _Record(msgspec.Struct):
    findings: list[_Finding] = []


class _Receipt(msgspec.Struct):
    records: list[_Record]
    findings: list[_Finding] = []


def _read_receipt(problem: dict[str, Any]) -> list[Issue]:
    receipt = read_as(_Receipt, problem, Told())
    found = [*receipt.findings, *(one for record in receipt.records for one in record.findings)]
    return [
        Issue(one.severity, one.code, one.message, one.fix, [one.source_path or one.path])
        for one in found
    ]
