"""The events of a stub that speaks the wire contract: kept in memory, judged as ours are. Every
fault that a test asks for is one line here or in ``wire_server``."""

import json
from collections.abc import Collection, Mapping
from datetime import date
from threading import Lock
from typing import Any

import msgspec

from gateway.pipeline.judge import Judge
from gateway.receipts.build import word_finding
from mappers.fhir_read import FhirMapper
from mappers.fhir_write import write_fhir
from schemas.catalogue import reading
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.identifiers import make_event_id, make_identity, make_reference
from schemas.record import SourceRecord
from schemas.submission import Source, Submission
from tests.lib.line import read_register

Json = dict[str, Any]
Faults = Collection[str]


class RefusedError(Exception):
    """Status, OperationOutcome and headers of what is not taken."""

    def __init__(self, status: int, outcome: Json, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.outcome = outcome
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class WireEvents:
    def __init__(self, faults: Faults = ()) -> None:
        self._faults = faults
        self._revisions: dict[str, list[tuple[NationalEvent, str | None]]] = {}
        self._ids: dict[str, str] = {}
        self._lock = Lock()
        register = {one.code: one for one in read_register()}
        source = Source(
            id="stub", organisation="RZA", format="fhir", submits_for=frozenset({"RZA"})
        )
        mapper = FhirMapper(strict=False, default_version="5")
        self._judge = Judge(mapper, Submission(source, date(2026, 11, 27), register))

    def create(self, content: Json, *, only_new: bool = False) -> tuple[int, Json]:
        """Status and AdverseEvent."""
        event, local_id = self.judge(content)
        identity = local_id or str(hash(msgspec.json.encode(event)))
        if "forgets-local-ids" in self._faults:
            identity = f"{identity}-{len(self._revisions)}"
        with self._lock:
            known = self._ids.get(identity)
            if known is not None and only_new:
                return 200, self.read(known)
            if known is not None:
                return 200, self._revise(known, event, local_id)
            numbered = make_event_id("stub", make_identity(identity, b""))
            reference = make_reference(numbered)
            self._ids[identity] = reference
            self._revisions[reference] = [(event, local_id)]
            return 201, self.read(reference)

    def update(self, reference: str, content: Json, if_match: str | None) -> Json:
        with self._lock:
            event, local_id = self.judge(content)
            self._check_known(reference)
            newest = f'W/"{len(self._revisions[reference])}"'
            if if_match and not if_match.startswith('W/"') and "lax" not in self._faults:
                raise RefusedError(400, make_outcome("bad-etag", "invalid"))
            if if_match and if_match != newest and "ignores-if-match" not in self._faults:
                raise RefusedError(412, make_outcome("stale", "conflict"))
            return self._revise(reference, event, local_id)

    def _revise(self, reference: str, event: NationalEvent, local_id: str | None) -> Json:
        revisions = self._revisions[reference]
        if revisions[-1][0] != event or "always-revises" in self._faults:
            revisions.append((event, local_id))
        return self.read(reference)

    def read(self, reference: str, revision: int = 0) -> Json:
        revisions = self._check_known(reference)
        if revision > len(revisions):
            raise RefusedError(404, make_outcome("not-found", "not-found"))
        revision = revision or len(revisions)
        event, local_id = revisions[revision - 1]
        made = write_fhir(
            event, reference=reference, local_id=local_id, event_id=reference, revision=revision
        )
        if "reference-first" in self._faults:
            made["extension"].insert(0, made["extension"].pop())
        return made

    def history(self, reference: str) -> Json:
        numbers = range(len(self._check_known(reference)), 0, -1)
        if "history-backwards" in self._faults:
            numbers = range(1, len(self._revisions[reference]) + 1)
        entries = [{"resource": self.read(reference, number)} for number in numbers]
        return {"resourceType": "Bundle", "type": "history", "entry": entries}

    def search(self, local_id: str) -> Json:
        found = self._ids.get(local_id)
        entries = [{"resource": self.read(found)}] if found else []
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
        return bundle | ({"entry": entries} if entries else {})

    def judge(self, content: Json) -> tuple[NationalEvent, str | None]:
        """RefusedError where there is an error."""
        if "strict" in self._faults and not content.get("contained", [{}])[0].get("extension"):
            raise RefusedError(400, make_outcome("strict", "invalid"))
        record = SourceRecord(number=1, locator="document", content=content, raw_hash=b"")
        judged = self._judge.judge(record)
        if judged.acceptance is not None:
            return judged.acceptance.event, judged.local_id
        codes = [finding.code for finding in judged.findings]
        status = 400 if reading.NOT_ADVERSE_EVENT.code in codes else 422
        status = 403 if "ORG-002" in codes and "no-grants" not in self._faults else status
        raise RefusedError(status, self._word(judged.findings, content))

    def _word(self, findings: Collection[Finding], content: Mapping[str, Any]) -> Json:
        outcome = make_findings(findings)
        if "stops-at-the-first" in self._faults:
            del outcome["issue"][1:]
        for issue in outcome["issue"]:
            if "no-places" in self._faults:
                issue.pop("expression", None)
            if "no-diagnostics" in self._faults:
                del issue["diagnostics"]
            if "echoes" in self._faults:
                issue["diagnostics"] += json.dumps(content)
        return outcome

    def _check_known(self, reference: str) -> list[tuple[NationalEvent, str | None]]:
        if reference not in self._revisions:
            raise RefusedError(404, make_outcome("not-found", "not-found"))
        return self._revisions[reference]


def make_outcome(code: str, kind: str) -> Json:
    issue = {
        "severity": "error",
        "code": kind,
        "details": {"coding": [{"code": code}], "text": code},
        "diagnostics": "try again",
    }
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def make_findings(findings: Collection[Finding]) -> Json:
    return {"resourceType": "OperationOutcome", "issue": [_make_issue(one) for one in findings]}


def _make_issue(finding: Finding) -> Json:
    worded = word_finding(finding)
    return {
        "severity": finding.severity,
        "code": "business-rule",
        "details": {"coding": [{"code": finding.code}], "text": worded.message},
        "diagnostics": worded.fix,
        "expression": [_make_path(finding.source_path)],
    }


def _make_path(pointer: str) -> str:
    path = "AdverseEvent"
    for step in pointer.split("/")[1:]:
        if step.isdigit():
            path += f"[{step}]"
        else:
            path += ".value" if step.startswith("value") else f".{step}"
    return path
