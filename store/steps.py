"""When each step of the DAGs last ran to its end. No change of state of anything: it leaves no
audit entry."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from schemas.alarm import StepRun
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import steps


class Steps:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def note_end(self, name: str) -> None:
        """It ran to its end."""
        self._put(name, {"ran_at": self._now, "failures": 0})

    def note_failure(self, name: str) -> None:
        """It failed once more since it last ran to its end."""
        self._put(name, {"failed_at": self._now, "failures": 1}, more=True)

    def find_all(self) -> list[StepRun]:
        """By name."""
        query = select(*(steps.c[one] for one in StepRun.__struct_fields__)).order_by(steps.c.name)
        return [StepRun(**row) for row in self._connection.execute(query).mappings()]

    def _put(self, name: str, values: dict[str, Any], *, more: bool = False) -> None:
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = into(steps).values(name=name, **values)
        changed = values | ({"failures": steps.c.failures + 1} if more else {})
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_=changed)
        )
