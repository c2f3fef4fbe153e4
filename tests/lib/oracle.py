"""A slow, plain second implementation of the store, in memory: all records of all batches, gone
through in order of arrival, one by one, with dicts. What it says, the store must hold."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Row

from schemas.event import NationalEvent, encode_event
from schemas.judged import JudgedRecord
from store.tables import (
    alerts,
    event_search,
    events,
    findings,
    patients,
    receipt_lines,
    revisions,
)
from tests.lib.databases import read_rows


class Line(NamedTuple):
    disposition: str
    identity: str | None
    revision: int | None


class Told(NamedTuple):
    """What is stored of everything, in terms that no order of processing may change."""

    lines: dict[tuple[int, int], Line]
    # identity → (position, payload, changes) of each revision
    revisions: dict[str, list[tuple[tuple[int, int], str, tuple[str, ...]]]]
    seen: dict[str, tuple[int, int]]
    first_batch: dict[str, int]
    searched: dict[str, tuple[Any, ...]]
    patients: dict[str, list[tuple[Any, ...]]]
    organisations: dict[str, set[str]]
    alerts: dict[str, set[tuple[str, str]]]
    findings: dict[tuple[int, int], list[str]]


def tell(batches: Mapping[int, Iterable[JudgedRecord]]) -> Told:
    """What the store must hold once every record of these batches (by number) is loaded."""
    told = Told({}, defaultdict(list), {}, {}, {}, {}, {}, defaultdict(set), {})
    current: dict[str, bytes] = {}
    for number in sorted(batches):
        for record in sorted(batches[number], key=lambda one: one.number):
            position = (number, record.number)
            told.findings[position] = [finding.code for finding in record.findings]
            if record.acceptance is None:
                told.lines[position] = Line("rejected", None, None)
                continue
            accepted, local_id = record.acceptance, record.local_id
            identity = local_id if local_id is not None else accepted.content_hash.hex()
            told.seen[identity] = position
            history = told.revisions[identity]
            if current.get(identity) == accepted.content_hash:
                told.lines[position] = Line("unchanged", identity, len(history))
                continue
            disposition = "revised" if history else "created"
            told.lines[position] = Line(disposition, identity, len(history) + 1)
            before = history[-1][1] if history else None
            changes = _compare(before, accepted.event) if before else ()
            history.append((position, encode_event(accepted.event).decode(), changes))
            current[identity] = accepted.content_hash
            told.first_batch.setdefault(identity, number)
            told.alerts[identity] |= {(one.organisation, one.kind) for one in accepted.alerts}
            _tell_content(told, identity, accepted.event)
    for found in [position for position, codes in told.findings.items() if not codes]:
        del told.findings[found]
    return told


def _tell_content(told: Told, identity: str, event: NationalEvent) -> None:
    told.searched[identity] = (
        event.taxonomy_version,
        event.event_type,
        event.occurred_on,
        event.worst_harm,
        event.never_event,
        event.reporter_organisation,
    )
    told.organisations[identity] = set(event.occurred_organisations)
    told.patients[identity] = [
        (number, patient.get("PhysicalHarm"), patient.get("AgeAtTimeOfIncidentDays"))
        for number, patient in enumerate(event.patients, 1)
    ]


def _compare(before: str, after: NationalEvent) -> tuple[str, ...]:
    """Elements that differ, by walking the JSON of both."""

    def walk(value: Any, path: str) -> Iterable[tuple[str, Any]]:
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from walk(inner, f"{path}.{name}" if path else name)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for place, inner in enumerate(value):
                yield from walk(inner, f"{path}[{place}]")
        else:
            yield path.removeprefix("groups."), json.dumps(value)

    old = dict(walk(json.loads(before), ""))
    new = dict(walk(json.loads(encode_event(after)), ""))
    return tuple(sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path)))


def _read_search(told: Told, name: str, row: Row[Any]) -> None:
    if row.organisation is not None:
        told.organisations[name].add(row.organisation)
    searched = (
        row.taxonomy_version,
        row.event_type,
        row.occurred_on,
        row.worst_harm,
        row.never_event,
        row.reporter_organisation,
    )
    assert told.searched.setdefault(name, searched) == searched


def read_told(url: str) -> Told:
    """What the store holds, read from its tables."""
    rows = {
        table.name: read_rows(url, table)
        for table in (
            events,
            revisions,
            receipt_lines,
            findings,
            patients,
            event_search,
            alerts,
        )
    }
    told = Told({}, defaultdict(list), {}, {}, {}, {}, {}, defaultdict(set), {})
    names: dict[Any, Any] = {None: None}
    years: dict[int, int] = {}
    for row in rows["events"]:
        name = row.identity.partition(":")[2]
        assert name not in told.seen, "an event is stored twice"
        names[row.id] = name
        told.seen[name] = (row.seen_batch, row.seen_record)
        told.first_batch[name] = row.first_batch
        years[row.id] = row.year
        told.patients[name], told.organisations[name] = [], set()
    for row in sorted(rows["revisions"], key=lambda one: one.number):
        history = told.revisions[names[row.event_id]]
        changes = tuple(json.loads(row.changes or "[]"))
        history.append(((row.batch_number, row.record_number), row.payload, changes))
        assert len(history) == row.number
        assert row.year == years[row.event_id]
    for row in rows["receipt_lines"]:
        line = Line(row.disposition, names[row.event_id], row.revision)
        told.lines[row.batch_number, row.number] = line
    for row in sorted(rows["patients"], key=lambda one: one.sequence):
        name = names[row.event_id]
        told.patients[name].append((row.sequence, row.physical_harm, row.age_days))
    for row in rows["event_search"]:
        _read_search(told, names[row.event_id], row)
        assert row.year == years[row.event_id] == (row.occurred_on.year if row.occurred_on else 0)
    for row in rows["alerts"]:
        told.alerts[names[row.event_id]].add((row.organisation, row.kind))
    for row in sorted(rows["findings"], key=lambda one: one.ordinal):
        told.findings.setdefault((row.batch_number, row.record_number), []).append(row.code)
    for row in rows["events"]:
        assert row.revision == len(told.revisions[names[row.id]])
    return told
