"""An event and a record as rows, values in the order of the tables' columns. Pure."""

from datetime import datetime
from typing import Any

import msgspec

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.judged import JudgedRecord
from schemas.values import storable
from store.arrival import Arrival, Settled, encode_names
from store.bulk import Row

_encode_params = msgspec.json.Encoder(order="deterministic").encode
_LARGEST_INTEGER = 2**31 - 1

SEARCHED = (
    "taxonomy_version",
    "event_type",
    "occurred_on",
    "worst_harm",
    "never_event",
    "reporter_organisation",
)


def make_searched(event: NationalEvent) -> Row:
    """The columns :data:`SEARCHED` of an event."""
    return (
        event.taxonomy_version,
        event.event_type,
        event.occurred_on,
        event.worst_harm,
        event.never_event,
        event.reporter_organisation,
    )


def make_patients(event_id: int, event: NationalEvent) -> list[Row]:
    """By their place in the event, which validation holds equal to PatientSequence."""
    return [
        (
            event_id,
            place,
            _code(patient.get("PhysicalHarm")),
            _code(patient.get("PsychologicalHarm")),
            _small(patient.get("AgeAtTimeOfIncidentDays")),
            _code(patient.get("AgeBracket")),
            _code(patient.get("GenderIdentity")),
        )
        for place, patient in enumerate(event.patients, 1)
    ]


def make_organisations(event_id: int, event: NationalEvent) -> list[Row]:
    return [(event_id, code) for code in dict.fromkeys(event.occurred_organisations)]


def make_revision(
    event_id: int, number: int, arrival: Arrival, changes: str | None, now: datetime
) -> Row:
    accepted = arrival.acceptance
    return (
        event_id,
        number,
        *arrival.position,
        accepted.content_hash,
        accepted.payload.decode(),
        changes,
        encode_names(accepted.derived),
        now,
    )


def make_line(
    batch_number: int, record: JudgedRecord, event_id: int | None, settled: Settled | None
) -> Row:
    """A receipt line; of a record without an event: rejected or quarantined."""
    local_id = record.local_id
    return (
        batch_number,
        record.number,
        storable(record.locator),
        None if local_id is None else storable(local_id),
        record.raw_hash,
        record.unloaded if settled is None else settled.disposition,
        event_id,
        None if settled is None else settled.revision,
    )


def make_findings(batch_number: int, number: int, findings: tuple[Finding, ...]) -> list[Row]:
    return [
        (
            batch_number,
            number,
            ordinal,
            one.code,
            one.severity,
            one.scope,
            storable(one.path),
            storable(one.source_path),
            _encode_params(
                {name: _storable_param(value) for name, value in one.params.items()}
            ).decode(),
        )
        for ordinal, one in enumerate(findings)
    ]


def _storable_param(value: str | int) -> str | int:
    return storable(value) if isinstance(value, str) else value


def _code(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 4 else None


def _small(value: Any) -> int | None:
    # An age no person can have is only a warning; the payload keeps it, the column need not.
    return value if isinstance(value, int) and 0 <= value <= _LARGEST_INTEGER else None
