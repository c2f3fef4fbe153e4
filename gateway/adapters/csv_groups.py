"""Rows of one record: joined by their id wherever they stand in the file, memory flat.

Most files keep such rows together; then one look ahead is enough. A first pass hashes the ids (8
bytes for each run of equal ones) and finds those in more than one place; only of these are the
rows collected, in a second pass, packed, up to a limit; the last pass gives the records, each in
the place of its first row. A record is never given with some of its rows only: it is whole, or
refused.

Content of a record: column → text, or the list of the different texts where its rows disagree (a
blank cell does not disagree), and under ``ROWS`` a dict for each row of the columns that belong to
a row. Of ``keep: newest`` only the newest row counts.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from gateway.adapters.broken import Tell, tell_nobody
from gateway.adapters.csv_columns import Columns
from gateway.adapters.csv_run import Run
from gateway.adapters.limits import Limits
from mappers.profile_parts import RepeatedRows
from schemas.catalogue import reading
from schemas.record import SourceRecord

# Of rows that do not stand together, as many times the longest record are kept at once.
_KEPT_RECORDS: Final = 16
# What a row that is kept costs beside its content.
_ROW_COST: Final = 100
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(SourceRecord).decode
Read = Callable[[Tell], Iterator[SourceRecord]]


def join_rows(
    read: Read,
    rows: RepeatedRows,
    columns: Columns,
    limits: Limits,
    tell: Tell,
    *,
    together: bool = False,
) -> Iterator[SourceRecord]:
    """``read`` gives the rows as records, from the start each time it is called. ``together``:
    those of one record are known to stand together."""
    scattered = _Scattered(iter(()) if together else read(tell_nobody), columns)
    kept = _Kept(limits)
    if scattered:
        kept.collect(read(tell_nobody), columns, scattered)
    number = 0
    for record in _join(read(tell), rows, columns, scattered, kept):
        if not number:
            number = record.number
        yield msgspec.structs.replace(record, number=number)
        number += 1


def _join(
    records: Iterator[SourceRecord],
    rows: RepeatedRows,
    columns: Columns,
    scattered: "_Scattered",
    kept: "_Kept",
) -> Iterator[SourceRecord]:
    run: Run | None = None
    for row in records:
        row_id = find_row_id(row, columns)
        if run is not None and row_id == run.id:
            run.add(row)
            continue
        if run is not None:
            yield run.make_record()
            run = None
        if row_id is None:
            yield _make_single(row, rows, columns)
        elif (place := scattered.find(row_id)) is not None:
            if (whole := kept.take(row_id)) is not None:
                run = Run(row_id, rows, columns, kept.limits)
                for one in whole:
                    run.add(one)
                yield run.make_record()
                run = None
            elif not kept.had(row_id) and scattered.is_new(place):
                finding = reading.ROWS_SCATTERED.at(column=rows.id)
                local_id = row_id if columns.local_id == columns.id else None
                yield SourceRecord(
                    row.number, row.locator, None, row.raw_hash, (finding,), local_id
                )
        else:
            run = Run(row_id, rows, columns, kept.limits)
            run.add(row)
    if run is not None:
        yield run.make_record()


def find_row_id(row: SourceRecord, columns: Columns) -> str | None:
    """What record a row is of, where it says so."""
    if row.content is None:
        return row.local_id
    return (row.content.get(columns.id) or "").strip() or None


def _make_single(row: SourceRecord, rows: RepeatedRows, columns: Columns) -> SourceRecord:
    """A row that does not say of which record it is."""
    run = Run("", rows, columns, Limits())
    run.add(row)
    record = run.make_record()
    if record.content is None:
        return record
    finding = reading.NO_ROW_ID.at(column=rows.id)
    return msgspec.structs.replace(record, findings=(*record.findings, finding))


class _Scattered:
    """The ids whose rows stand in more than one place, as hashes."""

    def __init__(self, records: Iterator[SourceRecord], columns: Columns) -> None:
        runs, last = array("q"), None
        for row in records:
            row_id = find_row_id(row, columns)
            if row_id is not None and row_id != last:
                runs.append(hash(row_id))
            last = row_id
        hashes = np.frombuffer(runs, dtype=np.int64) if runs else np.empty(0, dtype=np.int64)
        hashes.sort()
        self._hashes = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
        self._is_met = np.zeros(len(self._hashes), dtype=np.bool_)

    def __bool__(self) -> bool:
        return len(self._hashes) > 0

    def find(self, row_id: str) -> int | None:
        if not self:
            return None
        wanted = hash(row_id)
        place = int(np.searchsorted(self._hashes, wanted))
        is_there = place < len(self._hashes) and self._hashes[place] == wanted
        return place if is_there else None

    def is_new(self, place: int) -> bool:
        """Whether it is asked for the first time."""
        was_met = bool(self._is_met[place])
        self._is_met[place] = True
        return not was_met


class _Kept:
    """The rows of the scattered ids, packed; of an id all or none."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._left = _KEPT_RECORDS * limits.record_bytes
        # None: there was no room for all of them. Empty: already given.
        self._rows: dict[str, list[bytes] | None] = {}

    def collect(
        self, records: Iterator[SourceRecord], columns: Columns, scattered: _Scattered
    ) -> None:
        is_full = False
        for row in records:
            row_id = find_row_id(row, columns)
            if row_id is None or scattered.find(row_id) is None:
                continue
            there = self._rows.get(row_id, [])
            if there is None or (is_full and not there):
                continue
            packed = _pack(row)
            self._left -= len(packed) + _ROW_COST
            if self._left < 0:
                is_full = True
                self._left += sum(len(one) + _ROW_COST for one in [packed, *there])
                self._rows[row_id] = None
            else:
                there.append(packed)
                self._rows[row_id] = there

    def take(self, row_id: str) -> list[SourceRecord] | None:
        """The rows of an id, once; None where they are not kept, or were taken before."""
        packed: Any = self._rows.get(row_id)
        if not packed:
            return None
        self._rows[row_id] = []
        return [_unpack(one) for one in packed]

    def had(self, row_id: str) -> bool:
        return self._rows.get(row_id) == []
