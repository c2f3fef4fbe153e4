"""How we stand with what is outside: collectors, mailboxes, reference data. Counts, ids and
times."""

from collections.abc import Collection
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, func, select

from schemas.collecting import ReceiptState
from store.audit import Audit
from store.tables import (
    collected,
    collectors,
    forward_calls,
    forwards,
    quarantine,
    receipt_lines,
    receipt_messages,
    reference_runs,
)


class FailingCollector(msgspec.Struct, frozen=True, kw_only=True):
    """A collector that failed so often since it last succeeded, if it ever did."""

    id: str
    failures: int
    last_success_at: datetime | None
    created_at: datetime
    reason: str | None


class Expiring(msgspec.Struct, frozen=True, kw_only=True):
    """Items that the far end of a collector will give up, the first of them when."""

    collector_id: str
    items: int
    first: datetime


class RefusedItems(msgspec.Struct, frozen=True, kw_only=True):
    """Items that a collector refused, how many for what reason, and when the last was seen."""

    collector_id: str
    reasons: dict[str, int]
    last: datetime


class Quarantined(msgspec.Struct, frozen=True, kw_only=True):
    """Records that are not loaded, as our own code failed over them in the same place."""

    fault_id: str
    records: int
    oldest: datetime


class Outside:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find_failing_collectors(self, failures: int) -> list[FailingCollector]:
        """Those that failed at least so often in a row."""
        names = FailingCollector.__struct_fields__
        query = (
            select(*(collectors.c[name] for name in names))
            .where(collectors.c.removed_at.is_(None), collectors.c.failures >= failures)
            .order_by(collectors.c.id)
        )
        return [FailingCollector(**row) for row in self._connection.execute(query).mappings()]

    def find_expiring(self, edge: datetime) -> list[Expiring]:
        """What expires before, and is not settled with the far end; by collector."""
        query = (
            select(
                collected.c.collector_id,
                func.count().label("items"),
                func.min(collected.c.expires_at).label("first"),
            )
            .where(collected.c.settled_at.is_(None), collected.c.expires_at < edge)
            .where(collected.c.state.in_(("waiting", "refused")))
            .group_by(collected.c.collector_id)
            .order_by(collected.c.collector_id)
        )
        return [Expiring(**row) for row in self._connection.execute(query).mappings()]

    def count_items(self) -> dict[str, int]:
        """Seen at a far end and not received, by collector."""
        query = (
            select(collected.c.collector_id, func.count())
            .where(collected.c.settled_at.is_(None), collected.c.state == "waiting")
            .group_by(collected.c.collector_id)
            .order_by(collected.c.collector_id)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def find_refused(self, since: datetime) -> list[RefusedItems]:
        """Refused items that were first seen since then, by collector."""
        query = (
            select(
                collected.c.collector_id,
                collected.c.reason,
                func.count().label("refused"),
                func.max(collected.c.first_seen_at).label("last"),
            )
            .where(collected.c.state == "refused", collected.c.first_seen_at >= since)
            .group_by(collected.c.collector_id, collected.c.reason)
            .order_by(collected.c.collector_id, collected.c.reason)
        )
        found: dict[str, RefusedItems] = {}
        for row in self._connection.execute(query):
            one = found.setdefault(
                row.collector_id,
                RefusedItems(collector_id=row.collector_id, reasons={}, last=row.last),
            )
            reasons = {**one.reasons, row.reason or "": row.refused}
            found[one.collector_id] = msgspec.structs.replace(
                one, reasons=reasons, last=max(one.last, row.last)
            )
        return list(found.values())

    def count_receipts(self, states: Collection[ReceiptState]) -> dict[str, dict[str, int]]:
        """Receipts that are sent back and are in one of these states; by collector and state."""
        query = (
            select(receipt_messages.c.collector_id, receipt_messages.c.state, func.count())
            .where(receipt_messages.c.state.in_(states))
            .group_by(receipt_messages.c.collector_id, receipt_messages.c.state)
            .order_by(receipt_messages.c.collector_id)
        )
        found: dict[str, dict[str, int]] = {}
        for collector_id, state, count in self._connection.execute(query):
            found.setdefault(collector_id, {})[state] = count
        return found

    def find_synced(self) -> dict[str, tuple[datetime, datetime | None]]:
        """By sync of reference data: when it first ran, and when it last ended well."""
        good = func.max(reference_runs.c.ended_at).filter(reference_runs.c.state == "done")
        query = (
            select(reference_runs.c.name, func.min(reference_runs.c.began_at), good)
            .group_by(reference_runs.c.name)
            .order_by(reference_runs.c.name)
        )
        return {row[0]: (row[1], row[2]) for row in self._connection.execute(query)}

    def count_unknown_forwards(self, before: datetime) -> tuple[int, datetime | None]:
        """Events whose call was made before then, and of which nobody knows whether it was carried
        out; and when the oldest of those calls was made."""
        query = (
            select(func.count(), func.min(forward_calls.c.made_at))
            .select_from(forwards)
            .join(forward_calls, forward_calls.c.id == forwards.c.call_id)
            .where(forwards.c.state == "unknown", forward_calls.c.made_at < before)
        )
        count, oldest = self._connection.execute(query).one()
        return count, oldest

    def find_quarantined(self, most: int) -> list[Quarantined]:
        """What is still in quarantine, by fault; the first ``most`` faults."""
        is_it = and_(
            receipt_lines.c.batch_number == quarantine.c.batch_number,
            receipt_lines.c.number == quarantine.c.record_number,
            receipt_lines.c.disposition == "quarantined",
        )
        oldest = func.min(quarantine.c.quarantined_at)
        query = (
            select(quarantine.c.fault_id, func.count().label("records"), oldest.label("oldest"))
            .join(receipt_lines, is_it)
            .group_by(quarantine.c.fault_id)
            .order_by(oldest)
            .limit(most)
        )
        return [Quarantined(**row) for row in self._connection.execute(query).mappings()]
