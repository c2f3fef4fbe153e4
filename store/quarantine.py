"""Records over which our own code failed, and the faults they failed by."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.batch import Batch, Part
from schemas.errors import UnknownError
from schemas.fault import Fault
from schemas.judged import JudgedRecord
from schemas.quarantine import SeenFault
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import faults, quarantine


class QuarantinedRecords:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, batch: Batch, records: Sequence[JudgedRecord]) -> None:
        """Those of the records that are quarantined, in the transaction that loads their receipt
        lines; one audit entry each."""
        kept = [(record.number, record.fault) for record in records if record.fault is not None]
        if not kept:
            return
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        found = {fault.id: _make_row(fault, self._now) for _, fault in kept}
        rows = [
            {
                "batch_number": batch.number,
                "record_number": number,
                "fault_id": fault.id,
                "quarantined_at": self._now,
            }
            for number, fault in kept
        ]
        # In order, so that two that meet the same faults do not wait for each other in a ring.
        ordered = [found[fault_id] for fault_id in sorted(found)]
        self._connection.execute(into(faults).on_conflict_do_nothing(), ordered)
        self._connection.execute(into(quarantine).on_conflict_do_nothing(), rows)
        self._audit.add_many(
            [
                ("record.quarantined", batch.id, {"record": number, "fault": fault.id})
                for number, fault in kept
            ]
        )

    def count(self, part: Part) -> int:
        """How many of the part's records that are loaded were quarantined."""
        last = part.first_record + part.records_done
        query = select(func.count(quarantine.c.record_number.distinct())).where(
            quarantine.c.batch_number == part.batch_number,
            quarantine.c.record_number >= part.first_record,
            quarantine.c.record_number < last,
        )
        return int(self._connection.execute(query).scalar_one())

    def find_fault(self, fault_id: str) -> SeenFault:
        """UnknownError where there is no such fault."""
        row = self._connection.execute(select(faults).where(faults.c.id == fault_id)).one_or_none()
        if row is None:
            raise UnknownError(f"no record was quarantined by a fault {fault_id}")
        trace = tuple(msgspec.json.decode(row.trace, type=list[str]))
        own = quarantine.c.fault_id == fault_id
        counted = select(func.count(), func.max(quarantine.c.quarantined_at)).where(own)
        records, last_seen = self._connection.execute(counted).one()
        return SeenFault(Fault(row.id, row.kind, trace), row.first_seen, last_seen, records)


def _make_row(fault: Fault, now: datetime) -> dict[str, object]:
    trace = msgspec.json.encode(fault.trace).decode()
    return {"id": fault.id, "kind": fault.kind, "trace": trace, "first_seen": now}
