"""Judge a record: map it, validate it, and say whether it is accepted, and who is to be told."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from gateway.notifications.policy import decide_alerts
from gateway.pipeline.follow_ons import drop_follow_ons, drop_repeats
from gateway.pipeline.quarantine import quarantine
from schemas.catalogue import mapping
from schemas.event import NationalEvent, encode_event, hash_content
from schemas.fault import find_fault, is_of_a_record
from schemas.finding import Finding, has_error
from schemas.identifiers import make_event_id, make_identity, parse_reference
from schemas.judged import Acceptance, JudgedRecord
from schemas.record import Mapper, SourceRecord
from schemas.submission import Organisation, Source, Submission
from schemas.values import is_plain_code, storable
from validation.organisation_names import resolve_names
from validation.organisations import resolve_organisations
from validation.validate import validate_event

LONDON = ZoneInfo("Europe/London")


def make_submission(
    source: Source,
    received_at: datetime,
    register: Mapping[str, Organisation],
    quiet_before: date | None = None,
) -> Submission:
    """By the grants that hold on the day the batch was received, whenever it is judged."""
    received_on = received_at.astimezone(LONDON).date()
    return Submission(source.on(received_on), received_on, register, quiet_before)


class Judge:
    """Judges the records of one batch."""

    def __init__(self, mapper: Mapper, submission: Submission) -> None:
        self._mapper = mapper
        self._submission = submission
        self._source = submission.source

    def judge(self, record: SourceRecord, event_id: int | None = None) -> JudgedRecord:
        """``event_id``: of the event that the record is about, where its request says so."""
        if record.content is None:
            if record.fault is not None:
                return quarantine(record, record.fault)
            local_id = None if record.local_id is None else storable(record.local_id)
            return self._rejected(record, local_id, list(record.findings))
        mapped = self._mapper.map_record(record)
        # As it will be stored, so that event, reference and receipt all follow from the same.
        local_id = None if mapped.local_id is None else storable(mapped.local_id)
        findings = [*record.findings, *mapped.findings]
        if mapped.event is None:
            return self._rejected(record, local_id, findings)
        named = mapped.event
        if mapped.organisation_names:
            named, unknown = resolve_names(named, mapped.organisation_names, self._submission)
            findings += unknown
        event, replaced = resolve_organisations(named, self._submission)
        findings += replaced
        payload = encode_event(event)
        findings += validate_event(event, self._submission, payload)
        as_mapped = payload if event is named else encode_event(named)
        content_hash = hash_content(as_mapped)
        if mapped.reference is not None:
            if event_id is None:
                identity = make_identity(local_id, content_hash)
                event_id = make_event_id(self._source.id, identity)
            findings += _check_reference(mapped.reference, event_id)
        if findings:
            is_rejected = has_error(findings)
            if is_rejected:
                findings = drop_follow_ons(findings, event.taxonomy_version)
            findings = drop_repeats(self._locate(record, findings))
            if is_rejected:
                return self._rejected(record, local_id, findings)
        return JudgedRecord(
            number=record.number,
            locator=record.locator,
            local_id=local_id,
            raw_hash=record.raw_hash,
            acceptance=Acceptance(
                event=event,
                payload=payload,
                content_hash=content_hash,
                alerts=decide_alerts(
                    event, self._recorded_by(event), self._submission.quiet_before
                ),
                derived=mapped.derived,
            ),
            findings=tuple(findings),
        )

    def _recorded_by(self, event: NationalEvent) -> str:
        return event.reporter_organisation or self._source.organisation

    def _rejected(
        self, record: SourceRecord, local_id: str | None, findings: list[Finding]
    ) -> JudgedRecord:
        if record.content is not None and record.findings and not is_plain_code(local_id or ""):
            # A row that is too short may be the rest of a narrative, and so may what seems its id.
            local_id = None
        return JudgedRecord(
            number=record.number,
            locator=record.locator,
            local_id=local_id,
            raw_hash=record.raw_hash,
            acceptance=None,
            findings=tuple(findings),
        )

    def _locate(self, record: SourceRecord, findings: list[Finding]) -> list[Finding]:
        """Adds where in the sender's record each finding's element came from. Only records with
        findings pay for the trace."""
        if all(finding.source_path for finding in findings):
            return findings
        paths = self._mapper.source_paths(record)
        return [
            finding
            if finding.source_path
            else msgspec.structs.replace(finding, source_path=_find_source(paths, finding.path))
            for finding in findings
        ]


def _check_reference(given: str, event_id: int) -> list[Finding]:
    """A reference the sender gave back must be that of this very event."""
    if parse_reference(given) == event_id:
        return []
    return [mapping.FOREIGN_REFERENCE.at("AdverseEventReferenceMetadata.ReferenceNumber")]


def judge_all(judge: Judge, records: Iterable[SourceRecord]) -> Iterator[JudgedRecord]:
    """The records of a batch, judged; one over which our own code fails is quarantined."""
    for record in records:
        try:
            judged = judge.judge(record)
        except Exception as error:
            if not is_of_a_record(error):
                raise
            judged = quarantine(record, find_fault(error))
        yield judged


def _find_source(paths: Mapping[str, str], path: str) -> str:
    """The nearest known source of an element: its own, its list's, its group's, the first of a
    repeated group, the only field of a group; else nothing."""
    nearest = path
    while nearest:
        if nearest in paths:
            return paths[nearest]
        cut = max(nearest.rfind("["), nearest.rfind("."))
        nearest = nearest[:cut] if cut > 0 else ""
    if found := paths.get(f"{path}[0]"):
        return found
    # A group that is missing: the field that would have filled it, where there is only one.
    fields = {source for name, source in paths.items() if name.startswith(f"{path}.")}
    return fields.pop() if len(fields) == 1 else ""
