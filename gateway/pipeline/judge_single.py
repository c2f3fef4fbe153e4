"""Judge a request about one event: read, map and validate its body, and tell which event it is."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import msgspec

from gateway.adapters.fhir_json import read_event
from gateway.adapters.fhir_plain import PlainReader
from gateway.adapters.json_depth import is_too_deep
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_feed_terms, make_mapper
from gateway.pipeline.fresh import Fresh
from gateway.pipeline.judge import LONDON, Judge, make_submission
from gateway.pipeline.versions import write_version
from gateway.sandbox.rejecting import RejectingMapper
from mappers.fhir_read import make_general
from schemas.asked import Asked, EventVersion
from schemas.catalogue import organisations, reading, requests
from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.identifiers import make_event_id, make_identity, make_reference, parse_reference
from schemas.judged import JudgedRecord
from schemas.record import SourceRecord
from schemas.submission import Organisation, Source

_NOT_ALLOWED: Final = organisations.SUBMITTER_NOT_ALLOWED.code
_CONTENT: Final = "content:"


class JudgedSingle(msgspec.Struct, frozen=True):
    """``identity`` says which event an accepted record is about; ``is_by_content``: by nothing
    but what it says. ``not_allowed`` is the organisation that the source may not submit for;
    ``written`` the resource that tells of an accepted record, but for its revision."""

    source: Source
    record: JudgedRecord
    identity: str | None = None
    not_allowed: str | None = None
    written: dict[str, Any] | None = None

    @property
    def is_by_content(self) -> bool:
        return self.identity is not None and self.identity.startswith(_CONTENT)


class _By(NamedTuple):
    source: Source
    register: Mapping[str, Organisation]


class SingleJudge:
    """Keeps the register and the sources for some seconds: what each request needs of them."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        settings = gateway.settings
        self._register = Fresh(
            self._read_register, settings.register_cache_seconds, gateway.monotonic
        )
        self._sources = Fresh(self._read_source, settings.key_cache_seconds, gateway.monotonic)
        self._plain = PlainReader(settings.limits)
        # By source, with what each judges by.
        self._judges: dict[str, tuple[Source, Mapping[str, Organisation], date, Judge]] = {}

    def judge(self, asked: Asked, known_as: str | None = None) -> JudgedSingle:
        """``known_as``: the identity of the event that an update is about."""
        by = _By(self._sources.get(asked.source_id), self._register.get(""))
        return self._judge(asked, by, known_as)

    def judge_now(self, asked: Asked) -> JudgedSingle | None:
        """A create, without waiting for the database; None where that is to be asked first."""
        source, register = self._sources.peek(asked.source_id), self._register.peek("")
        if source is None or register is None:
            return None
        return self._judge(asked, _By(source, register), None)

    def _judge(self, asked: Asked, by: _By, known_as: str | None) -> JudgedSingle:
        source = by.source
        record = self._read(asked.body)
        judge = self._get_judge(by, to_reject=asked.to_reject)
        judged = judge.judge(record, asked.event_id)
        if asked.is_update and judged.acceptance is not None:
            wrong = _find_other(asked, record, judged, known_as)
            if wrong is not None:
                findings = (*judged.findings, wrong)
                judged = msgspec.structs.replace(judged, acceptance=None, findings=findings)
        if judged.acceptance is None:
            return JudgedSingle(source, judged, None, _find_not_allowed(judged))
        content_hash = judged.acceptance.content_hash
        identity = known_as or make_identity(judged.local_id, content_hash)
        event_id = asked.event_id or make_event_id(source.id, identity)
        written = self._write_answer(judged.acceptance.event, judged.local_id, event_id)
        return JudgedSingle(source, judged, identity, written=written)

    def _get_judge(self, by: _By, *, to_reject: bool) -> Judge:
        """One a source, as long as nothing it judges by has changed."""
        (source, register), now = by, self._gateway.now()
        if to_reject:
            return self._make_judge(source, register, now, to_reject=True)
        today = now.astimezone(LONDON).date()
        kept = self._judges.get(source.id)
        if kept is not None and kept[0] is source and kept[1] is register and kept[2] == today:
            return kept[3]
        judge = self._make_judge(source, register, now, to_reject=False)
        self._judges[source.id] = (source, register, today, judge)
        return judge

    def _make_judge(
        self,
        source: Source,
        register: Mapping[str, Organisation],
        now: datetime,
        *,
        to_reject: bool,
    ) -> Judge:
        gateway = self._gateway
        fhir = msgspec.structs.replace(source, format="fhir", profile=None)
        mapper = make_mapper(fhir, make_feed_terms(fhir, gateway.profiles, gateway.settings.limits))
        if to_reject:
            mapper = RejectingMapper(mapper, all_records=True)
        return Judge(mapper, make_submission(source, now, register))

    def _write_answer(
        self, event: NationalEvent, local_id: str | None, event_id: int
    ) -> dict[str, Any]:
        """What could not be sent back is not stored either: FaultError."""
        return write_version(
            EventVersion(
                event=event,
                event_id=event_id,
                local_id=local_id,
                revision=1,
                recorded_at=self._gateway.now(),
            )
        )

    def _read(self, body: bytes) -> SourceRecord:
        limits = self._gateway.settings.limits
        if is_too_deep(body, limits.depth):
            raw_hash = hashlib.sha256(body).digest()
            finding = reading.NESTED_TOO_DEEP.at(limit=limits.depth)
            return SourceRecord(1, "request", None, raw_hash, (finding,))
        return read_event(body, 1, "request", limits, self._plain)

    def _read_register(self, _: str) -> dict[str, Organisation]:
        with self._gateway.store.read() as work:
            return work.organisations.get_register()

    def _read_source(self, source_id: str) -> Source:
        with self._gateway.store.read() as work:
            return work.sources.get(source_id)


def is_unreadable(findings: Iterable[Finding]) -> bool:
    """The body is no AdverseEvent at all, rather than one with something wrong."""
    return any(one.severity == "error" and one.code.startswith("READ-") for one in findings)


def _find_other(
    asked: Asked, record: SourceRecord, judged: JudgedRecord, known_as: str | None
) -> Finding | None:
    """That the body is of another event than the address."""
    own_id = make_general(record).content.get("id")
    if own_id is not None and (
        type(own_id) is not str or parse_reference(own_id) != asked.event_id
    ):
        return requests.OTHER_ID.at("", "/id")
    if judged.local_id is not None and make_identity(judged.local_id, b"") != known_as:
        return requests.OTHER_IDENTIFIER.at("", "/identifier")
    return None


def _find_not_allowed(judged: JudgedRecord) -> str | None:
    for finding in judged.findings:
        if finding.code == _NOT_ALLOWED:
            return str(finding.params.get("value", "")).strip("'")
    return None


def word_asked(asked: Asked) -> str:
    """As the batch of the request is named."""
    if asked.event_id is None:
        return "POST AdverseEvent"
    return f"PUT AdverseEvent/{make_reference(asked.event_id)}"
