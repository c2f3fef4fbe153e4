"""Judged records to load, small and synthetic."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import structs

from schemas.batch import Batch, Part
from schemas.event import NationalEvent, encode_event, hash_content
from schemas.finding import Finding
from schemas.identifiers import make_batch_id
from schemas.judged import Acceptance, AlertDemand, JudgedRecord
from schemas.submission import Organisation, Source
from store.engine import Store

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
SOURCE = Source(id="ward-system", organisation="RZA", format="csv")
_FOUND = Finding("RULE-001", "error", "record", "narrative", "story", {"length": 3})


def make_event(content: str) -> NationalEvent:
    """An event whose content, harm, place and patients all follow from one word."""
    grade = str(1 + sum(content.encode()) % 5)
    patients = [
        {"PatientSequence": number, "PhysicalHarm": grade, "AgeAtTimeOfIncidentDays": 372}
        for number in range(1, 2 + len(content) % 2)
    ]
    return NationalEvent(
        taxonomy_version="6",
        event_type="1",
        event_date="2026-11-03",
        narrative=f"Something was seen: {content}",
        groups={
            "LocationDetails": {"LocationKnown": "y", "Organisation": [f"RZ{content[0]}"]},
            "PractitionerDetails": {"ReporterOrganisation": "RZA"},
            "PatientInformation": patients,
        },
    )


def make_record(number: int, content: str | None, local_id: str | None = None) -> JudgedRecord:
    """A record with this content; rejected where there is none."""
    acceptance = None
    if content is not None:
        event = make_event(content)
        payload = encode_event(event)
        grade = "urgent" if event.worst_harm in (1, 2) else "digest"
        demands = (AlertDemand(f"RZ{content[0]}", grade, "routine"),)
        acceptance = Acceptance(event, payload, hash_content(payload), demands, ("event_date",))
    raw = hashlib.sha256(f"{number} {content} {local_id!a}".encode()).digest()
    findings = (_FOUND,) if content is None else ()
    return JudgedRecord(number, f"row {number}", local_id, raw, acceptance, findings)


def register(store: Store) -> None:
    """The source of the tests, and its organisation."""
    with store.begin(actor="test", at=NOW) as work:
        work.organisations.add_many([Organisation("RZA", "Aldermoor University Hospitals")])
        work.sources.add(SOURCE)


def receive(store: Store, name: str) -> Batch:
    """A batch of no bytes in particular."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    with store.begin(actor="test", at=NOW) as work:
        batch_id = make_batch_id(SOURCE.id, sha256)
        return work.batches.add(batch_id, SOURCE.id, sha256, 10, name, "file")[0]


def plan(store: Store, batch: Batch, sizes: Sequence[int]) -> list[Part]:
    """The batch cut into parts of so many records each."""
    parts, first = [], 1
    for number, size in enumerate(sizes, 1):
        parts.append(
            Part(batch_number=batch.number, number=number, start=0, end=1, first_record=first)
        )
        first += size
    with store.begin(actor="test", at=NOW) as work:
        work.batches.plan(structs.replace(batch, shape="csv"), parts)
    return parts
