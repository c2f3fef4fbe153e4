"""Dry runs: received, checked, promoted."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import UnknownError
from schemas.trial import Trial
from schemas.values import storable
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import trials

_COLUMNS = [trials.c[name] for name in Trial.__struct_fields__]


class Trials:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, trial: Trial) -> Trial:
        """The dry run of these bytes. Sent again, it is checked again: what it is checked against
        may have changed."""
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = into(trials).values(
            id=trial.id,
            source_id=trial.source_id,
            sha256=trial.sha256,
            size=trial.size,
            filename=storable(trial.filename),
            route=trial.route,
            received_at=self._now,
            state="waiting",
        )
        again = {
            "filename": statement.excluded.filename,
            "received_at": statement.excluded.received_at,
            "state": "waiting",
            "receipt": None,
            "finished_at": None,
        }
        self._connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=again))
        details = {"source": trial.source_id, "sha256": trial.sha256, "size": trial.size}
        self._audit.add("trial.received", trial.id, details)
        return self.get(trial.id)

    def get(self, id: str) -> Trial:  # noqa: A002
        found = self.find(id)
        if found is None:
            raise UnknownError(f"no such dry run: {id}")
        return found

    def find(self, id: str) -> Trial | None:  # noqa: A002
        row = self._connection.execute(select(*_COLUMNS).where(trials.c.id == id)).one_or_none()
        return _read(row) if row else None

    def find_waiting(self) -> list[Trial]:
        query = select(*_COLUMNS).where(trials.c.state == "waiting")
        ordered = query.order_by(trials.c.received_at, trials.c.id)
        return [_read(row) for row in self._connection.execute(ordered)]

    def finish(self, trial: Trial, receipt: str) -> bool:
        """Keep what was found; False where the bytes were sent again meanwhile, or promoted."""
        done = self._connection.execute(
            update(trials)
            .where(trials.c.id == trial.id, trials.c.state == "waiting")
            .where(trials.c.received_at == trial.received_at)
            .values(state="checked", receipt=receipt, finished_at=self._now)
        )
        if done.rowcount:
            self._audit.add("trial.checked", trial.id)
        return bool(done.rowcount)

    def remove(self, trial: Trial) -> None:
        """It is promoted: its batch is all there is of it."""
        removed = self._connection.execute(delete(trials).where(trials.c.id == trial.id))
        if removed.rowcount:
            self._audit.add("trial.promoted", trial.id)


def _read(row: Row[Any]) -> Trial:
    return Trial(**dict(zip(Trial.__struct_fields__, row, strict=True)))
