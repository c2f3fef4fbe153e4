"""An event and a record as rows, values in the order of the tables' columns. Pure."""

from datetime import datetime

import msgspec

from schemas.event import NationalEvent
from schemas.finding import Finding
from schemas.identifiers import is_same_organisation
from schemas.judged import JudgedRecord
from schemas.values import storable
from store.arrival import Arrival, Settled, encode_names
from store.bulk import Row
from store.partitions import UNDATED

_encode_params = msgspec.json.Encoder(order="deterministic").encode


def make_search(
    event_id: int, event: NationalEvent, source_id: str, organisation: str
) -> list[Row]:
    """What an event is searched by: a row for each organisation where it happened, one at least.
    ``organisation`` is its source's: who recorded it, where it does not say."""
    occurred_on = event.occurred_on
    reporter = event.reporter_organisation
    where = list(dict.fromkeys(event.occurred_organisations))
    recorded_by = organisation if reporter is None else reporter
    told = (
        UNDATED if occurred_on is None else occurred_on.year,
        occurred_on,
        event.worst_harm,
        event.never_event,
        any(not is_same_organisation(one, recorded_by) for one in where),
        event.event_type,
        event.taxonomy_version,
    )
    return [
        (event_id, place, *told, one, reporter, source_id)
        for place, one in enumerate(where or [None], 1)
    ]


def get_year(search: list[Row]) -> int:
    """The year of occurrence in rows of :func:`make_search`."""
    year: int = search[0][2]
    return year


def make_revision(
    event_id: int,
    settled: Settled,
    arrival: Arrival,
    *,
    changes: str | None,
    now: datetime,
    year: int,
) -> Row:
    accepted = arrival.acceptance
    return (
        event_id,
        settled.revision,
        *arrival.position,
        accepted.content_hash,
        accepted.payload.decode(),
        changes,
        encode_names(accepted.derived),
        now,
        year,
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
