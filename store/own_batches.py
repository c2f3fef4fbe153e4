"""The batches of one source, as it may list them."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from schemas.batch import Batch
from schemas.sent import BatchFilter
from store.audit import Audit
from store.batches import read_batch
from store.tables import batches


class OwnBatches:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection

    def find(self, source_id: str, batch_id: str) -> Batch | None:
        """None also where the batch is another source's."""
        own = (batches.c.source_id == source_id) & (batches.c.id == batch_id)
        row = self._connection.execute(select(batches).where(own)).one_or_none()
        return read_batch(row) if row else None

    def find_all(self, source_id: str, wanted: BatchFilter, limit: int) -> list[Batch]:
        """The newest first."""
        query = (
            select(batches)
            .where(batches.c.source_id == source_id, *_conditions(wanted))
            .order_by(batches.c.number.desc())
            .limit(limit)
        )
        return [read_batch(row) for row in self._connection.execute(query)]


def _conditions(wanted: BatchFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    for name in ("state", "verdict", "route"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(batches.c[name] == value)
    if wanted.since is not None:
        conditions.append(batches.c.received_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(batches.c.received_at < wanted.until)
    if wanted.before is not None:
        edge = select(batches.c.number).where(batches.c.id == wanted.before).scalar_subquery()
        conditions.append(batches.c.number < edge)
    return conditions
