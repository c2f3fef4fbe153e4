"""The rows of one record, and the record they make."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from gateway.adapters.csv_columns import Columns
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import UNKNOWN_HASH, keep_poisoned
from mappers.profile_dates import ISO, ISO_DATETIME, find_moment
from mappers.profile_model import ROWS
from mappers.profile_parts import RepeatedRows
from schemas.catalogue import reading
from schemas.finding import Finding, has_error
from schemas.record import SourceRecord

_MAX_TOLD: Final = 5
# What a cell costs in memory beside its characters.
_CELL_COST: Final = 50
_START: Final = "row "


class Run:
    """Takes the rows of one id in their order. Of more than a record may hold none is kept."""

    def __init__(self, row_id: str, rows: RepeatedRows, columns: Columns, limits: Limits) -> None:
        self.id = row_id
        self._rule = rows
        self._columns = columns
        self._limit = limits.record_bytes
        self._rows: list[SourceRecord] = []
        self._ranges: list[list[int]] = []
        self._size = self._count = 0
        self._digest = sha256()

    def add(self, row: SourceRecord) -> None:
        self._count += 1
        self._digest.update(row.raw_hash)
        place = int(_name(row))
        if self._ranges and self._ranges[-1][1] == place - 1:
            self._ranges[-1][1] = place
        elif len(self._ranges) <= _MAX_TOLD:
            self._ranges.append([place, place])
        content = row.content or {}
        self._size += sum(map(len, content.values())) + _CELL_COST * (1 + len(content))
        if self._count == 1 or self._size <= self._limit:
            self._rows.append(row)
        else:
            del self._rows[1:]

    def make_record(self) -> SourceRecord:
        """Refused, or quarantined, where any of its rows is: what is missing of it may be what
        matters."""
        first = self._rows[0]
        try:
            fault = next((row.fault for row in self._rows if row.fault is not None), None)
            record = self._make_record() if fault is None else first
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            record = keep_poisoned(error, first.number, first.locator)
            fault = record.fault
        if fault is None:
            return record
        raw_hash = record.raw_hash if self._count == 1 else UNKNOWN_HASH
        return msgspec.structs.replace(record, content=None, fault=fault, raw_hash=raw_hash)

    def _make_record(self) -> SourceRecord:
        first = self._rows[0]
        findings = list(self._find_trouble())
        content: dict[str, Any] | None = None
        if not has_error(findings):
            newest, trouble = self._choose()
            findings += trouble
            if not has_error(findings):
                kept = self._rows if newest is None else [newest]
                findings += self._find_doubles(kept)
                content = self._merge(kept)
        is_single = self._count == 1
        return SourceRecord(
            first.number,
            first.locator if is_single else self._locate(),
            content,
            first.raw_hash if is_single else self._digest.digest(),
            tuple(_distinct(findings)),
            self.id or None
            if content is None and self._columns.local_id == self._columns.id
            else None,
        )

    def _find_trouble(self) -> Iterator[Finding]:
        if self._count > len(self._rows):
            yield reading.ROWS_TOO_LONG.at(limit=self._limit)
        for row in self._rows:
            yield from row.findings

    def _find_doubles(self, rows: list[SourceRecord]) -> Iterator[Finding]:
        """Rows that are the same in every cell, where each gives something to the event."""
        if len(rows) < 2 or not self._columns.of_row:
            return
        places: dict[bytes, list[str]] = {}
        for row in rows:
            if not self._columns.of_row.isdisjoint(row.content):
                places.setdefault(row.raw_hash, []).append(_name(row))
        doubles = [_word_first(same, ", ") for same in places.values() if len(same) > 1]
        if doubles:
            yield reading.ROW_TWICE.at(rows=_word_first(doubles, "; "))

    def _choose(self) -> tuple[SourceRecord | None, list[Finding]]:
        """The newest row where only that counts; of equals the last. A single row needs no date."""
        rule = self._rule
        if rule.keep == "all" or self._count == 1:
            return None, []
        formats = [rule.date_format] if isinstance(rule.date_format, str) else rule.date_format
        formats = formats or [ISO, ISO_DATETIME]
        newest: list[SourceRecord] = []
        at: datetime | None = None
        for row in self._rows:
            moment = _find_newest(row.content.get(rule.by) or "", rule.separator, formats)
            if moment is None:
                finding = reading.NEWEST_UNKNOWN.at(
                    row=_name(row),
                    column=rule.by or "",
                    accepted=" or ".join(formats),
                )
                return None, [finding]
            if at is None or moment > at:
                newest, at = [row], moment
            elif moment == at:
                newest.append(row)
        return newest[-1], list(self._tell_choice(newest))

    def _tell_choice(self, newest: list[SourceRecord]) -> Iterator[Finding]:
        """``newest``: more than one where the dates do not tell."""
        row = _name(newest[-1])
        unlike = [one for one in newest if one.raw_hash != newest[-1].raw_hash]
        if unlike:
            places = _word_first([_name(one) for one in [*unlike, newest[-1]]], ", ")
            yield reading.EQUALLY_NEW.at(rows=places, row=row)
        if older := self._count - 1 - len(unlike):
            yield reading.OLDER_ROWS.at(row=row, count=older)

    def _merge(self, rows: list[SourceRecord]) -> dict[str, Any]:
        of_row = self._columns.of_row
        if len(rows) == 1 and not of_row:
            content: dict[str, Any] = rows[0].content
            return content
        content = {}
        for row in rows:
            for name, cell in row.content.items():
                if name not in self._columns.only_of_row:
                    there = content.setdefault(name, cell)
                    if there is not cell:
                        content[name] = _join(there, cell)
        if of_row:
            content[ROWS] = [
                {name: cell for name, cell in row.content.items() if name in of_row} for row in rows
            ]
        return content

    def _locate(self) -> str:
        told = [str(first) if first == last else f"{first}-{last}" for first, last in self._ranges]
        return f"rows {_word_first(told, ', ')}"


def _name(row: SourceRecord) -> str:
    """Its number."""
    return row.locator.removeprefix(_START)


def _word_first(told: list[str], separator: str) -> str:
    more = " and more" if len(told) > _MAX_TOLD else ""
    return separator.join(told[:_MAX_TOLD]) + more


def _join(there: str | list[str], cell: str) -> str | list[str]:
    """What the rows before say, and what one more says; a blank cell says nothing."""
    known = [there] if isinstance(there, str) else there
    if not cell.strip() or any(one.strip() == cell.strip() for one in known):
        return there
    return cell if known == [""] or not known[0].strip() else [*known, cell]


def _find_newest(text: str, separator: str | None, formats: list[str]) -> datetime | None:
    """The newest of the dates in a cell; None where there is none, or one that cannot be read."""
    pieces = text.split(separator) if separator else [text]
    filled = [piece for piece in pieces if piece.strip()]
    found = [_find_moment(piece, formats) for piece in filled]
    moments = [moment for moment in found if moment is not None]
    return max(moments) if moments and len(moments) == len(filled) else None


def _find_moment(text: str, formats: list[str]) -> datetime | None:
    moments = (find_moment(text, one) for one in formats)
    return next((moment for moment in moments if moment is not None), None)


def _distinct(findings: list[Finding]) -> Iterator[Finding]:
    """Each once: rows of one record may have the same fault."""
    told: set[tuple[object, ...]] = set()
    for finding in findings:
        key = (finding.code, *finding.params.items())
        if key not in told:
            told.add(key)
            yield finding
