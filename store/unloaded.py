"""Records of which nothing was loaded, rejected or quarantined: found, and told with all that was
done about them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
    union,
)

from schemas.finding import Finding
from schemas.identifiers import make_reference
from schemas.quarantine import Edit, Replay, UnloadedFilter, UnloadedRecord
from schemas.stored import ReceiptLine
from store.audit import Audit
from store.batches import read_batch
from store.own_records import OwnRecords, has_finding, is_corrected
from store.receipts import Receipts
from store.tables import (
    batches,
    bodies,
    edits,
    quarantine,
    receipt_lines,
    replays,
    sources,
)

_LINES = receipt_lines.c
_decode_findings = msgspec.json.Decoder(list[Finding]).decode


class UnloadedRecords:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._receipts = Receipts(connection, audit, now)
        self._own = OwnRecords(connection, audit, now)

    def find(
        self, wanted: UnloadedFilter, limit: int, *, oldest_first: bool = False
    ) -> list[UnloadedRecord]:
        """The newest batch first, its records in feed order; or all in order of arrival."""
        conditions = _conditions(wanted, oldest_first=oldest_first)
        batch_order = _LINES.batch_number if oldest_first else _LINES.batch_number.desc()
        query = (
            select(batches, *_name_line())
            .join_from(_source_of_lines(wanted), batches, batches.c.number == _LINES.batch_number)
            .where(*conditions)
            .order_by(batch_order, _LINES.number)
            .limit(limit)
        )
        return self._read(self._connection.execute(query).all())

    def count(self, wanted: UnloadedFilter) -> int:
        query = (
            select(func.count())
            .select_from(_source_of_lines(wanted))
            .join(batches, batches.c.number == _LINES.batch_number)
            .where(*_conditions(wanted, oldest_first=False))
        )
        return int(self._connection.execute(query).scalar_one())

    def find_edits(self, batch_number: int, record_number: int) -> list[tuple[Edit, str]]:
        """The edits of a record, each with its diff, which is content."""
        query = (
            select(edits, batches.c.id)
            .join(batches, batches.c.number == edits.c.correction_batch)
            .where(edits.c.batch_number == batch_number, edits.c.record_number == record_number)
            .order_by(edits.c.correction_batch)
        )
        return [
            (Edit(row.id, row.actor, row.reason, row.edited_at), row.diff)
            for row in self._connection.execute(query)
        ]

    def _read(self, rows: Sequence[Row[Any]]) -> list[UnloadedRecord]:
        keys = [(row.batch_number, row.line_number) for row in rows]
        told = self._receipts.find_findings(keys)
        numbers = {key[0] for key in keys}
        corrections = self._own.find_corrections(numbers)
        faults = self._find_faults(keys)
        replayed = self._find_replays(keys)
        return [
            UnloadedRecord(
                batch=read_batch(row),
                line=_read_line(row, tuple(told[key])),
                raw_hash=row.raw_hash,
                fault_ids=tuple(faults[key]),
                corrections=tuple(corrections[key]),
                replays=tuple(replayed[key]),
            )
            for row, key in zip(rows, keys, strict=True)
        ]

    def _find_faults(self, keys: Collection[tuple[int, int]]) -> defaultdict[Any, list[str]]:
        found: defaultdict[Any, list[str]] = defaultdict(list)
        for row in self._connection.execute(
            _of(keys, quarantine).order_by(quarantine.c.quarantined_at, quarantine.c.fault_id)
        ):
            found[row.batch_number, row.record_number].append(row.fault_id)
        return found

    def _find_replays(self, keys: Collection[tuple[int, int]]) -> defaultdict[Any, list[Replay]]:
        found: defaultdict[Any, list[Replay]] = defaultdict(list)
        for row in self._connection.execute(_of(keys, replays).order_by(replays.c.attempt)):
            codes = tuple(one.code for one in _decode_findings(row.findings))
            found[row.batch_number, row.record_number].append(
                Replay(row.before, codes, row.after, row.profile, row.actor, row.replayed_at)
            )
        return found


def _of(keys: Collection[tuple[int, int]], table: FromClause) -> Select[Any]:
    """The rows of some records; a statement for each batch would be more, and no faster."""
    by_batch: defaultdict[int, list[int]] = defaultdict(list)
    for batch_number, number in keys:
        by_batch[batch_number].append(number)
    chosen = [
        and_(table.c.batch_number == batch_number, table.c.record_number.in_(numbers))
        for batch_number, numbers in by_batch.items()
    ]
    return select(table).where(or_(False, *chosen))


def _name_line() -> list[ColumnElement[Any]]:
    """The columns of the line that a batch has too are named apart."""
    names = ("batch_number", "locator", "local_id", "raw_hash", "disposition", "event_id")
    line = [_LINES.number.label("line_number"), _LINES.revision.label("line_revision")]
    return [*line, *(_LINES[name] for name in names)]


def _read_line(row: Row[Any], told: tuple[Finding, ...]) -> ReceiptLine:
    return ReceiptLine(
        number=row.line_number,
        locator=row.locator,
        local_id=row.local_id,
        disposition=row.disposition,
        reference=None if row.event_id is None else make_reference(row.event_id),
        revision=row.line_revision,
        findings=told,
    )


def _source_of_lines(wanted: UnloadedFilter) -> FromClause:
    """Of open records an index has them all; of settled ones the replays say which to look at."""
    if wanted.settlement == "open" or wanted.number is not None:
        return receipt_lines
    unloaded = select(_LINES.batch_number, _LINES.number).where(_LINES.event_id.is_(None))
    replayed = select(replays.c.batch_number, replays.c.record_number.label("number"))
    known = union(unloaded, replayed).subquery("known")
    same = and_(known.c.batch_number == _LINES.batch_number, known.c.number == _LINES.number)
    return receipt_lines.join(known, same)


def _conditions(wanted: UnloadedFilter, *, oldest_first: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [*_by_settlement(wanted), *_by_batch(wanted)]
    if wanted.number is not None:
        conditions.append(_LINES.number == wanted.number)
    if wanted.disposition is not None:
        conditions.append(_LINES.disposition == wanted.disposition)
    if wanted.code is not None:
        conditions.append(has_finding(wanted.code))
    if wanted.fault_id is not None:
        conditions.append(_was_quarantined(wanted.fault_id))
    if wanted.feeds_only:
        conditions.append(~exists().where(bodies.c.batch_number == _LINES.batch_number))
    if wanted.after is not None:
        conditions.append(_is_behind(*wanted.after, oldest_first=oldest_first))
    return conditions


def _by_settlement(wanted: UnloadedFilter) -> list[ColumnElement[bool]]:
    is_unloaded = _LINES.event_id.is_(None)
    if wanted.settlement == "open":
        return [is_unloaded, ~is_corrected()]
    if wanted.settlement == "settled":
        return [or_(~is_unloaded, is_corrected())]
    return []


def _by_batch(wanted: UnloadedFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.batch_id is not None:
        conditions.append(batches.c.id == wanted.batch_id)
    if wanted.source_id is not None:
        conditions.append(batches.c.source_id == wanted.source_id)
    if wanted.organisation is not None:
        own = select(sources.c.id).where(sources.c.organisation == wanted.organisation)
        conditions.append(batches.c.source_id.in_(own))
    if wanted.since is not None:
        conditions.append(batches.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(batches.c.received_at < wanted.until)
    return conditions


def _was_quarantined(fault_id: str) -> ColumnElement[bool]:
    return exists().where(
        quarantine.c.fault_id == fault_id,
        quarantine.c.batch_number == _LINES.batch_number,
        quarantine.c.record_number == _LINES.number,
    )


def _is_behind(batch_id: str, number: int, *, oldest_first: bool) -> ColumnElement[bool]:
    edge = select(batches.c.number).where(batches.c.id == batch_id).scalar_subquery()
    further = _LINES.batch_number > edge if oldest_first else _LINES.batch_number < edge
    return or_(further, and_(_LINES.batch_number == edge, _LINES.number > number))
