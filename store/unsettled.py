"""Batches of a window of time that something is still to be done about."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection, func, or_, select

from schemas.batch import Batch
from store.audit import Audit
from store.batches import read_batch
from store.tables import alerts, batches


class Unsettled(msgspec.Struct, frozen=True):
    """``waiting``: its alerts that nobody was told of yet."""

    batch: Batch
    waiting: int


class UnsettledBatches:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find(
        self, since: datetime, until: datetime, source_id: str | None = None
    ) -> list[Unsettled]:
        """Received from ``since`` on and before ``until``, in order of arrival: not finished, not
        marked, or with alerts that wait."""
        waiting = (
            select(alerts.c.batch_number, func.count().label("alerts"))
            .where(alerts.c.announced_at.is_(None))
            .group_by(alerts.c.batch_number)
            .subquery()
        )
        query = (
            select(batches, waiting.c.alerts)
            .outerjoin(waiting, waiting.c.batch_number == batches.c.number)
            .where(
                batches.c.received_at >= since,
                batches.c.received_at < until,
                or_(
                    batches.c.state != "finished",
                    batches.c.marked_at.is_(None),
                    waiting.c.alerts.is_not(None),
                ),
            )
            .order_by(batches.c.number)
        )
        if source_id is not None:
            query = query.where(batches.c.source_id == source_id)
        return [
            Unsettled(read_batch(row), row.alerts or 0) for row in self._connection.execute(query)
        ]
