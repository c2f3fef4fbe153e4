"""Batches of history: of events before a day nobody is told. Decided before the first record of the
batch is loaded, once."""

from datetime import date, datetime

from sqlalchemy import Connection, exists, func, insert, select

from schemas.batch import Batch
from schemas.errors import WrongUseError
from store.audit import Audit
from store.tables import alerts, batches, parts, quiet_batches


class QuietBatches:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def find(self, batch_number: int) -> date | None:
        """The day: nobody is told of events of the batch that occurred before it. None: it is a
        batch like any other."""
        query = select(quiet_batches.c.before).where(quiet_batches.c.batch_number == batch_number)
        found: date | None = self._connection.execute(query).scalar_one_or_none()
        return found

    def add(self, batch: Batch, before: date, *, reason: str) -> None:
        """Decided already in the same way, it is left so. WrongUseError where it was decided
        otherwise, or where records of it are loaded: their alerts are as they are."""
        chosen = batches.c.number == batch.number
        locked = select(batches.c.state).where(chosen).with_for_update(key_share=True)
        state = self._connection.execute(locked).scalar_one()
        known = self.find(batch.number)
        if known == before:
            return
        if known is not None:
            raise WrongUseError(f"batch {batch.id} is quiet before {known} already")
        if state == "finished" or self._is_begun(batch.number):
            raise WrongUseError(
                f"batch {batch.id} is loaded, or begun, already: its alerts are as they are"
            )
        self._connection.execute(
            insert(quiet_batches).values(batch_number=batch.number, before=before)
        )
        details = {"before": before.isoformat(), "reason": reason}
        self._audit.add("batch.quietened", batch.id, details)

    def count_alerts(self, batch_number: int) -> int:
        """Alerts of the batch that nobody is told."""
        query = (
            select(func.count())
            .select_from(alerts)
            .where(alerts.c.batch_number == batch_number, alerts.c.quiet)
        )
        return self._connection.execute(query).scalar_one()

    def _is_begun(self, batch_number: int) -> bool:
        begun = (parts.c.state != "waiting") | (parts.c.records_done > 0)
        query = select(exists().where(parts.c.batch_number == batch_number, begun))
        return bool(self._connection.execute(query).scalar_one())
