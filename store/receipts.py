"""Receipt lines and findings: what is told about a batch, streamed in feed order."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, tuple_

from schemas.batch import Batch
from schemas.finding import Finding, Params
from schemas.identifiers import make_reference
from schemas.receipt import Counts
from schemas.stored import ReceiptLine
from store.audit import Audit
from store.tables import findings, receipt_lines

_FETCHED = 1_000
_FINDING = [
    findings.c[name] for name in ("code", "severity", "scope", "path", "source_path", "params")
]
_decode_params = msgspec.json.Decoder(Params).decode


class Receipts:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def count(self, batch_number: int) -> Counts:
        return count_dispositions(self._connection, batch_number)

    def read_lines(self, batch: Batch) -> Iterator[ReceiptLine]:
        """Each record of the batch in feed order, with its findings; memory stays flat. To be used
        up within the unit of work."""
        lines = self._stream(
            select(receipt_lines)
            .where(receipt_lines.c.batch_number == batch.number)
            .order_by(receipt_lines.c.number)
        )
        marked = self._stream(
            select(findings.c.record_number, *_FINDING)
            .where(findings.c.batch_number == batch.number, findings.c.record_number > 0)
            .order_by(findings.c.record_number, findings.c.ordinal)
        )
        # Two streams in the same order, merged: a join would repeat each line for each finding.
        by_record = groupby(marked, key=itemgetter(0))
        number, group = next(by_record, (None, iter(())))
        for line in lines:
            own: tuple[Finding, ...] = ()
            if number == line.number:
                own = tuple(_read_finding(row[1:]) for row in group)
                number, group = next(by_record, (None, iter(())))
            yield read_line(line, own)

    def find_batch_findings(self, batch: Batch) -> list[Finding]:
        """The findings on the batch as a whole."""
        return self.find_record_findings(batch.number, 0)

    def find_record_findings(self, batch_number: int, record_number: int) -> list[Finding]:
        """The findings on one record, in the order they were found."""
        own = findings.c.record_number == record_number
        rows = self._connection.execute(
            select(*_FINDING)
            .where(findings.c.batch_number == batch_number, own)
            .order_by(findings.c.ordinal)
        )
        return [_read_finding(row) for row in rows]

    def find_findings(
        self, records: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], list[Finding]]:
        """Those on these records, by number of their batch and their own."""
        found: dict[tuple[int, int], list[Finding]] = {key: [] for key in records}
        if not found:
            return found
        columns = (findings.c.batch_number, findings.c.record_number)
        rows = self._connection.execute(
            select(*columns, *_FINDING)
            .where(tuple_(*columns).in_(list(found)))
            .order_by(*columns, findings.c.ordinal)
        )
        for batch_number, record_number, *values in rows:
            found[batch_number, record_number].append(_read_finding(values))
        return found

    def count_with(self, batch_number: int, code: str) -> int:
        """How many records of the batch have the finding."""
        marked = (findings.c.batch_number == batch_number) & (findings.c.code == code)
        query = select(func.count(findings.c.record_number.distinct())).where(marked)
        found: int = self._connection.execute(query).scalar_one()
        return found

    def add_batch_finding(self, batch: Batch, finding: Finding) -> None:
        """Once: the same finding again (a part tried anew) is left out."""
        stored = self.find_batch_findings(batch)
        if finding in stored:
            return
        self._connection.execute(
            insert(findings).values(
                batch_number=batch.number,
                record_number=0,
                ordinal=len(stored),
                code=finding.code,
                severity=finding.severity,
                scope=finding.scope,
                path=finding.path,
                source_path=finding.source_path,
                params=msgspec.json.encode(finding.params).decode(),
            )
        )
        self._audit.add("batch.found", batch.id, {"code": finding.code})

    def _stream(self, query: Select[Any]) -> Iterator[Row[Any]]:
        return iter(self._connection.execute(query, execution_options={"yield_per": _FETCHED}))


def count_dispositions(connection: Connection, batch_number: int) -> Counts:
    """The lines of a batch, counted."""
    query = (
        select(receipt_lines.c.disposition, func.count())
        .where(receipt_lines.c.batch_number == batch_number)
        .group_by(receipt_lines.c.disposition)
    )
    found: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    return Counts(records=sum(found.values()), **found)


def read_line(row: Row[Any], own: tuple[Finding, ...]) -> ReceiptLine:
    return ReceiptLine(
        number=row.number,
        locator=row.locator,
        local_id=row.local_id,
        disposition=row.disposition,
        reference=None if row.event_id is None else make_reference(row.event_id),
        revision=row.revision,
        findings=own,
    )


def _read_finding(values: Sequence[Any]) -> Finding:
    code, severity, scope, path, source_path, params = values
    return Finding(code, severity, scope, path, source_path, _decode_params(params))
