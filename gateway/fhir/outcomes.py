"""OperationOutcome: what is wrong with a record, or with a request, in the terms of FHIR.

Of each issue, ``code`` is FHIR's issue type; ``details.coding[0]`` our finding code with its title;
``details.text`` what is wrong; ``diagnostics`` what to do; ``expression`` the place, as FHIRPath on
the AdverseEvent; ``location`` the place as the sender counts it, where it is no place of an
AdverseEvent, or one in a Bundle; the extension ``urn:lrms-gateway:element`` the element of the
national event, such as ``PatientInformation[0].PhysicalHarm``.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from gateway.fhir.issue_types import get_issue_type
from gateway.fhir.models import Json, Release
from gateway.fhir.places import find_place
from gateway.fhir.sent import encode_sent
from gateway.receipts.build import word_finding
from schemas.catalogue import get_catalogue
from schemas.finding import Finding
from schemas.receipt import ReceiptFinding, ReceiptRecord

FINDING_SYSTEM: Final = "urn:lrms-gateway:finding"
PROBLEM_SYSTEM: Final = "urn:lrms-gateway:problem"
ELEMENT_URL: Final = "urn:lrms-gateway:element"
RECORD_URL: Final = "urn:lrms-gateway:record"
BATCH_URL: Final = "urn:lrms-gateway:batch"
_ALL_OK: Final = {
    "severity": "information",
    "code": "informational",
    "details": {"text": "All OK"},
}


def make_outcome(findings: Sequence[Finding], *, release: Release = "R4") -> bytes:
    """The findings on one AdverseEvent, an issue each; without any, one issue that says all is
    well."""
    return encode_sent(make_outcome_resource([word_finding(one) for one in findings]), release)


def make_problem_outcome(
    code: str,
    text: str,
    diagnostics: str,
    issue_type: str,
    *,
    release: Release = "R4",
) -> bytes:
    """What is wrong with a request that never came to be a record: not known, not allowed, not
    found, too many. ``diagnostics``, what to do, may be empty; ``issue_type`` is FHIR's: login,
    forbidden, not-found, conflict, throttled …"""
    coding = {"system": PROBLEM_SYSTEM, "code": code}
    issue: Json = {
        "severity": "error",
        "code": issue_type,
        "details": {"coding": [coding], "text": text},
    }
    if _find_text(diagnostics):
        issue["diagnostics"] = diagnostics
    return encode_sent({"resourceType": "OperationOutcome", "issue": [issue]}, release)


def make_outcome_lines(
    records: Iterable[ReceiptRecord],
    *,
    is_fhir: bool,
    batch_findings: Sequence[ReceiptFinding] = (),
    release: Release = "R4",
) -> Iterator[bytes]:
    """A receipt as NDJSON: a line a record, in feed order, and after them one for the feed as a
    whole, where there are findings on it. ``is_fhir``: the feed was FHIR, so that places are
    expressions on the AdverseEvent."""
    for record in records:
        yield encode_sent(make_record_outcome(record, is_fhir=is_fhir), release) + b"\n"
    if batch_findings:
        yield encode_sent(make_batch_outcome(batch_findings, is_fhir=is_fhir), release) + b"\n"


def make_record_outcome(record: ReceiptRecord, *, is_fhir: bool) -> Json:
    """The outcome of one record. The extension ``urn:lrms-gateway:record`` says which it is, with
    the names of the receipt: number, locator, local_id, disposition, reference, revision."""
    outcome = make_outcome_resource(record.findings, is_fhir=is_fhir)
    elements: list[Json] = [
        {"url": "number", "valueInteger": record.number},
        {"url": "disposition", "valueCode": record.disposition},
        *(
            {"url": name, "valueString": text}
            for name in ("locator", "local_id", "reference")
            if (text := _find_text(getattr(record, name)))
        ),
    ]
    if record.revision is not None:
        elements.append({"url": "revision", "valueInteger": record.revision})
    return {
        "resourceType": "OperationOutcome",
        "extension": [{"url": RECORD_URL, "extension": elements}],
        "issue": outcome["issue"],
    }


def make_batch_outcome(findings: Sequence[ReceiptFinding], *, is_fhir: bool) -> Json:
    """The outcome of a feed as a whole; the extension ``urn:lrms-gateway:batch`` tells it from that
    of a record."""
    outcome = make_outcome_resource(findings, is_fhir=is_fhir)
    return {
        "resourceType": "OperationOutcome",
        "extension": [{"url": BATCH_URL, "valueBoolean": True}],
        "issue": outcome["issue"],
    }


def make_outcome_resource(findings: Sequence[ReceiptFinding], *, is_fhir: bool = True) -> Json:
    """The OperationOutcome as plain JSON, not yet checked."""
    issues = [_make_issue(finding, is_fhir=is_fhir) for finding in findings]
    return {"resourceType": "OperationOutcome", "issue": issues or [_ALL_OK]}


def _make_issue(finding: ReceiptFinding, *, is_fhir: bool) -> Json:
    issue: Json = {}
    if element := _find_text(finding.path):
        issue["extension"] = [{"url": ELEMENT_URL, "valueString": element}]
    issue |= {
        "severity": finding.severity,
        "code": get_issue_type(finding.code),
        "details": {"coding": [_make_coding(finding.code)], "text": finding.message},
        "diagnostics": finding.fix,
    }
    place = find_place(finding.source_path, is_fhir=is_fhir)
    if _find_text(place.location):
        issue["location"] = [place.location]
    if place.expression:
        issue["expression"] = [place.expression]
    return issue


def _make_coding(code: str) -> Json:
    coding = {"system": FINDING_SYSTEM, "code": code}
    entry = get_catalogue().get(code)
    return coding | {"display": entry.title} if entry else coding


def _find_text(value: Any) -> str | None:
    """A text that FHIR takes: one with something in it."""
    return value if isinstance(value, str) and value.strip() else None
