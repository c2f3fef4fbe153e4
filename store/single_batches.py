"""The batches of single requests: each finished as it comes into being, under a number in the one
order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, String, Text, delete, func, literal, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import BigInteger, TypeEngine

from schemas.single import Single, SingleOutcome
from schemas.values import storable
from store import bulk
from store.single_outcomes import find_outcomes
from store.tables import batches

_GIVEN: Final[dict[str, TypeEngine[Any]]] = {
    "id": String(),
    "source_id": String(),
    "sha256": String(),
    "size": BigInteger(),
    "filename": Text(),
    "verdict": String(),
    "created": BigInteger(),
    "rejected": BigInteger(),
}


class SingleBatches:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, singles: Sequence[Single]) -> dict[str, int]:
        """The numbers, by batch id, of those batches that are new. The unique row decides between
        the same bytes that arrive at once."""
        if not singles:
            return {}
        rows = [
            (
                one.batch_id,
                one.source_id,
                one.sha256,
                len(one.body),
                storable(one.filename),
                "rejected" if one.identity is None else "accepted",
                int(one.identity is not None),
                int(one.identity is None),
            )
            for one in sorted(singles, key=lambda one: one.batch_id)
        ]
        given = bulk.make_rows(rows, _GIVEN, self._connection)
        same = {
            "route": literal("http"),
            "received_at": literal(self._now, batches.c.received_at.type),
            "state": literal("finished"),
            "shape": literal("fhir-json"),
            "profile": literal("fhir"),
            "profile_version": literal("1"),
            "profile_digest": literal(""),
            "records": literal(1),
            "finished_at": literal(self._now, batches.c.finished_at.type),
            "marked_at": literal(self._now, batches.c.marked_at.type),
        }
        # SQLite needs the condition to tell this ON from a join's.
        chosen = select(*given.c, *same.values()).where(true()).order_by(given.c.id)
        insert = postgresql.insert if bulk.is_postgresql(self._connection) else sqlite.insert
        statement = (
            insert(batches)
            .from_select([*_GIVEN, *same], chosen)
            .on_conflict_do_nothing()
            .returning(batches.c.id, batches.c.number)
        )
        return {row.id: row.number for row in self._connection.execute(statement)}

    def find_known(self, singles: Sequence[Single]) -> dict[str, SingleOutcome]:
        """What became of the bytes of these, by batch id: they were here before."""
        if not singles:
            return {}
        ids = [one.batch_id for one in singles]
        found = find_outcomes(self._connection, batches.c.id.in_(ids))
        # The same bytes came as a file, which is not loaded yet: it will be.
        waiting = {one: SingleOutcome(state="known", batch_id=one) for one in ids}
        return waiting | found

    def number_anew(self, numbers: Sequence[int]) -> dict[str, int]:
        """Moves batches of this transaction to the end of the order; their numbers by batch id."""
        if not numbers:
            return {}
        # Never on SQLite: its one writer takes a number and the event's lock in one.
        following = func.nextval(func.pg_get_serial_sequence("batches", "number"))
        chosen = bulk.is_among(batches.c.number, numbers, self._connection)
        statement = update(batches).where(chosen).values(number=following)
        moved = self._connection.execute(statement.returning(batches.c.id, batches.c.number))
        return {row.id: row.number for row in moved}

    def remove(self, numbers: Sequence[int]) -> None:
        if numbers:
            chosen = bulk.is_among(batches.c.number, numbers, self._connection)
            self._connection.execute(delete(batches).where(chosen))
