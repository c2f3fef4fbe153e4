"""The records of one source: those that were rejected, and what was sent in their place."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, exists, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.batch import Batch
from schemas.sent import Correction, RejectedFilter, SentRecord
from store.audit import Audit
from store.bulk import is_postgresql
from store.receipts import Receipts, read_line
from store.tables import batches, corrections, findings, receipt_lines

_LINES = receipt_lines.c
_OWN = [batches.c.id.label("batch_id"), batches.c.received_at]


class OwnRecords:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now
        self._receipts = Receipts(connection, audit, now)

    def find(self, source_id: str, batch_id: str, number: int) -> SentRecord | None:
        """One record of a batch, whatever became of it."""
        query = _select(source_id).where(batches.c.id == batch_id, _LINES.number == number)
        found = self._read(self._connection.execute(query).all())
        return found[0] if found else None

    def lock(self, record: SentRecord) -> SentRecord:
        """The record as it stands, until the end of the transaction: of two that are sent in its
        place at once, the second sees the first."""
        chosen = (_LINES.batch_number == record.batch_number) & (
            _LINES.number == record.line.number
        )
        query: Select[Any] = select(*_OWN, receipt_lines).join(
            batches, batches.c.number == _LINES.batch_number
        )
        locking = query.where(chosen).with_for_update(of=receipt_lines)
        # A replay that we waited for put another line in the place of the one we had found.
        found = self._connection.execute(locking).all() or self._connection.execute(locking).all()
        (locked,) = self._read(found)
        return locked

    def find_rejected(self, source_id: str, wanted: RejectedFilter, limit: int) -> list[SentRecord]:
        """The newest batch first, its records in feed order."""
        query = (
            _select(source_id)
            # As the index of unloaded lines has it.
            .where(
                _LINES.event_id.is_(None), _LINES.disposition == "rejected", *_conditions(wanted)
            )
            .order_by(_LINES.batch_number.desc(), _LINES.number)
            .limit(limit)
        )
        return self._read(self._connection.execute(query).all())

    def add_correction(self, record: SentRecord, batch: Batch) -> None:
        """The batch was sent in the place of the record; told twice, it is told once."""
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        added = self._connection.execute(
            into(corrections)
            .values(
                batch_number=record.batch_number,
                record_number=record.line.number,
                correction_batch=batch.number,
                created_at=self._now,
            )
            .on_conflict_do_nothing()
        )
        if added.rowcount:
            details = {"record": record.line.number, "by": batch.id}
            self._audit.add("record.corrected", record.batch_id, details)

    def _read(self, rows: Sequence[Row[Any]]) -> list[SentRecord]:
        keys = [(row.batch_number, row.number) for row in rows]
        told = self._receipts.find_findings(keys)
        made = self.find_corrections({key[0] for key in keys})
        corrected = self._find_corrected({key[0] for key in keys})
        return [
            SentRecord(
                batch_id=row.batch_id,
                batch_number=row.batch_number,
                received_at=row.received_at,
                line=read_line(row, tuple(told[key])),
                corrections=tuple(made[key]),
                corrects=corrected[key[0]].told if key[0] in corrected else None,
            )
            for row, key in zip(rows, keys, strict=True)
        ]

    def find_corrections(
        self, batch_numbers: Collection[int]
    ) -> defaultdict[tuple[int, int], list[Correction]]:
        """By batch and record number, what was sent in its place: of a correction that was
        rejected too, what was sent after it."""
        found: defaultdict[tuple[int, int], list[Correction]] = defaultdict(list)
        if not batch_numbers:
            return found
        tried = self._find_corrected(batch_numbers)
        places = {place.batch_number for place in tried.values()}
        made = self._find_made({*batch_numbers, *places})
        for key, sent in made.items():
            found[key] += [one for _, one in sent]
        for batch_number, place in tried.items():
            sent = made[place.batch_number, place.record_number]
            found[batch_number, 1] += [one for number, one in sent if number > batch_number]
        return found

    def _find_made(
        self, batch_numbers: Collection[int]
    ) -> defaultdict[tuple[int, int], list[tuple[int, Correction]]]:
        """The same without that, each with the number of its batch."""
        columns = corrections.c
        line = (_LINES.batch_number == columns.correction_batch) & (_LINES.number == 1)
        query = (
            select(corrections, batches.c.id, _LINES.disposition)
            .join(batches, batches.c.number == columns.correction_batch)
            .outerjoin(receipt_lines, line)
            .where(columns.batch_number.in_(batch_numbers))
            .order_by(columns.correction_batch)
        )
        found: defaultdict[tuple[int, int], list[tuple[int, Correction]]] = defaultdict(list)
        for row in self._connection.execute(query):
            told = Correction(row.id, row.disposition, row.created_at)
            found[row.batch_number, row.record_number].append((row.correction_batch, told))
        return found

    def _find_corrected(self, batch_numbers: Collection[int]) -> dict[int, "_Place"]:
        """By the number of a batch that was sent as a correction, what it corrects."""
        if not batch_numbers:
            return {}
        columns = corrections.c
        query = (
            select(corrections, batches.c.id)
            .join(batches, batches.c.number == columns.batch_number)
            .where(columns.correction_batch.in_(batch_numbers))
        )
        return {
            row.correction_batch: _Place(row.batch_number, row.record_number, row.id)
            for row in self._connection.execute(query)
        }


class _Place(NamedTuple):
    """Of the record that a batch was sent to correct."""

    batch_number: int
    record_number: int
    batch_id: str

    @property
    def told(self) -> tuple[str, int]:
        return self.batch_id, self.record_number


def _select(source_id: str) -> Select[Any]:
    return (
        select(receipt_lines, *_OWN)
        .join(batches, batches.c.number == _LINES.batch_number)
        .where(batches.c.source_id == source_id)
    )


def _conditions(wanted: RejectedFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.batch_id is not None:
        conditions.append(batches.c.id == wanted.batch_id)
    if wanted.code is not None:
        conditions.append(has_finding(wanted.code))
    if wanted.corrected is not None:
        conditions.append(is_corrected() if wanted.corrected else ~is_corrected())
    if wanted.since is not None:
        conditions.append(batches.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(batches.c.received_at < wanted.until)
    if wanted.after is not None:
        batch_id, number = wanted.after
        edge = select(batches.c.number).where(batches.c.id == batch_id).scalar_subquery()
        conditions.append(
            or_(
                _LINES.batch_number < edge,
                and_(_LINES.batch_number == edge, _LINES.number > number),
            )
        )
    return conditions


def has_finding(code: str) -> ColumnElement[bool]:
    """Of a receipt line's record."""
    return exists().where(
        findings.c.batch_number == _LINES.batch_number,
        findings.c.record_number == _LINES.number,
        findings.c.code == code,
    )


def is_corrected() -> ColumnElement[bool]:
    """Something was loaded in the place of a receipt line's record; of a correction that was
    rejected too, in the place of what it was to correct."""
    made, sent, tried = (
        corrections.alias("made"),
        receipt_lines.alias("sent"),
        corrections.alias("tried"),
    )
    is_loaded = and_(
        sent.c.batch_number == made.c.correction_batch,
        sent.c.number == 1,
        sent.c.event_id.is_not(None),
    )
    in_its_place = exists().where(
        made.c.batch_number == _LINES.batch_number,
        made.c.record_number == _LINES.number,
        is_loaded,
    )
    after_it = exists().where(
        tried.c.correction_batch == _LINES.batch_number,
        made.c.batch_number == tried.c.batch_number,
        made.c.record_number == tried.c.record_number,
        is_loaded,
    )
    return or_(in_its_place, after_it)
