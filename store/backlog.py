"""What waits, what failed and when something was last done: counts and ids, for the watch, the
status and the metrics. Each answers by an index, whatever the number of events."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, case, func, select

from schemas.statuses import AlertKind, BatchState
from store.audit import Audit
from store.tables import alerts, batches, messages, parts, sources


class LateBatch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is unfinished for long; how many of its parts are loaded."""

    id: str
    source_id: str
    state: BatchState
    received_at: datetime
    parts: int
    loaded: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """How many wait, and since when the oldest of them."""

    count: int = 0
    oldest: datetime | None = None


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """What came from a source since an instant."""

    source_id: str
    batches: int = 0
    records: int = 0
    rejected: int = 0
    unfinished: int = 0
    last_at: datetime | None = None


class Backlog:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find_late(
        self, states: tuple[BatchState, ...], edge: datetime, most: int
    ) -> list[LateBatch]:
        """The first ``most`` by order of arrival that are in such a state, received before."""
        is_loaded = case((parts.c.state == "loaded", 1), else_=0)
        late = (
            select(batches)
            .where(batches.c.state.in_(states), batches.c.received_at < edge)
            .order_by(batches.c.number)
            .limit(most)
            .subquery()
        )
        query = (
            select(
                late.c.id,
                late.c.source_id,
                late.c.state,
                late.c.received_at,
                func.count(parts.c.number).label("parts"),
                func.coalesce(func.sum(is_loaded), 0).label("loaded"),
            )
            .outerjoin(parts, parts.c.batch_number == late.c.number)
            .group_by(late.c.number, late.c.id, late.c.source_id, late.c.state, late.c.received_at)
            .order_by(late.c.number)
        )
        return [LateBatch(**row) for row in self._connection.execute(query).mappings()]

    def count_batches(self) -> dict[BatchState, Waiting]:
        """Those that are not finished, by state."""
        query = (
            select(batches.c.state, func.count(), func.min(batches.c.received_at))
            .where(batches.c.state.in_(("received", "held", "planned")))
            .group_by(batches.c.state)
        )
        return self._read(query)

    def count_parts(self) -> dict[str, int]:
        """Of planned batches, by state."""
        query = (
            select(parts.c.state, func.count())
            .join(batches, batches.c.number == parts.c.batch_number)
            .where(batches.c.state == "planned")
            .group_by(parts.c.state)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def count_alerts(self) -> dict[AlertKind, Waiting]:
        """Those that are not announced, by kind."""
        query = (
            select(alerts.c.kind, func.count(), func.min(alerts.c.created_at))
            .where(alerts.c.announced_at.is_(None))
            .group_by(alerts.c.kind)
        )
        return self._read(query)

    def count_messages(self) -> Waiting:
        """Those waiting or being sent."""
        query = select(func.count(), func.min(messages.c.created_at)).where(
            messages.c.state.in_(("waiting", "sending"))
        )
        count, oldest = self._connection.execute(query).one()
        return Waiting(count=count, oldest=oldest)

    def count_parked(self, leads: str) -> tuple[int, int]:
        """All of them, and those to the national leads."""
        is_to_leads = case((messages.c.recipient == leads, 1), else_=0)
        query = select(func.count(), func.coalesce(func.sum(is_to_leads), 0)).where(
            messages.c.state == "parked"
        )
        total, to_leads = self._connection.execute(query).one()
        return total, int(to_leads)

    def count_came(self, since: datetime) -> list[Came]:
        """By source; of those from which something came."""
        is_unfinished = case((batches.c.state == "finished", 0), else_=1)
        query = (
            select(
                batches.c.source_id,
                func.count().label("batches"),
                func.sum(batches.c.records).label("records"),
                func.sum(batches.c.rejected).label("rejected"),
                func.sum(is_unfinished).label("unfinished"),
                func.max(batches.c.received_at).label("last_at"),
            )
            .where(batches.c.received_at >= since)
            .group_by(batches.c.source_id)
            .order_by(batches.c.source_id)
        )
        return [Came(**row) for row in self._connection.execute(query).mappings()]

    def count_verdicts(self, since: datetime) -> dict[str, int]:
        """Of the finished batches received since."""
        query = (
            select(batches.c.verdict, func.count())
            .where(batches.c.received_at >= since, batches.c.state == "finished")
            .group_by(batches.c.verdict)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def find_last_received(self) -> dict[str, datetime]:
        """By source: when its newest batch came. One look into an index a source."""
        newest = (
            select(batches.c.received_at)
            .where(batches.c.source_id == sources.c.id)
            .order_by(batches.c.number.desc())
            .limit(1)
            .scalar_subquery()
        )
        found = self._connection.execute(select(sources.c.id, newest))
        return {row[0]: row[1] for row in found if row[1] is not None}

    def _read(self, query: Select[Any]) -> dict[Any, Waiting]:
        return {
            row[0]: Waiting(count=row[1], oldest=row[2]) for row in self._connection.execute(query)
        }
