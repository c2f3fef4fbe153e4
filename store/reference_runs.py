"""The runs of syncs of reference data: how far each came, what it changed, why it failed."""

from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, insert, select, update

from schemas.reference import ReferenceRun
from store.audit import Audit
from store.tables import reference_runs

_RUN = [reference_runs.c[name] for name in ReferenceRun.__struct_fields__]
_KILLED: Final = "it was killed"


class ReferenceRuns:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def begin(self, name: str, since: date | None) -> int:
        """The number of the new run. One that is said to run still was killed."""
        running = (reference_runs.c.name == name) & (reference_runs.c.state == "running")
        self._connection.execute(
            update(reference_runs)
            .where(running)
            .values(state="failed", failure=_KILLED, ended_at=self._now)
        )
        number: int = self._connection.execute(
            insert(reference_runs)
            .values(name=name, began_at=self._now, state="running", since=since)
            .returning(reference_runs.c.number)
        ).scalar_one()
        return number

    def finish(self, number: int, *, upto: date | None, report: str) -> None:
        self._settle(number, state="done", upto=upto, failure=None, report=report)
        self._audit.add("reference.synced", f"run {number}", {"upto": upto and upto.isoformat()})

    def fail(self, number: int, failure: str, *, report: str | None = None) -> None:
        self._settle(number, state="failed", failure=failure, report=report)
        self._audit.add("reference.failed", f"run {number}", {"failure": failure})

    def find_upto(self, name: str) -> date | None:
        """Where the last run that ended well came to."""
        last = self.find_last(name, state="done")
        return last.upto if last else None

    def find_last(self, name: str, *, state: str | None = None) -> ReferenceRun | None:
        query = select(*_RUN).where(reference_runs.c.name == name)
        if state is not None:
            query = query.where(reference_runs.c.state == state)
        query = query.order_by(reference_runs.c.number.desc()).limit(1)
        row = self._connection.execute(query).mappings().one_or_none()
        return ReferenceRun(**row) if row else None

    def _settle(self, number: int, **values: object) -> None:
        own = reference_runs.c.number == number
        self._connection.execute(
            update(reference_runs).where(own).values(ended_at=self._now, **values)
        )
