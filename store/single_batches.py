"""The batches of single requests: each finished as it comes into being, under a number in the one
order of arrival."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, func, update
from sqlalchemy.dialects import sqlite

from schemas.single import Single, SingleOutcome
from schemas.values import storable
from store import bulk, few_rows
from store.single_outcomes import find_outcomes
from store.tables import batches

GIVEN: Final = (
    "id",
    "source_id",
    "sha256",
    "size",
    "filename",
    "verdict",
    "created",
    "rejected",
    "received_at",
    "finished_at",
    "marked_at",
    "route",
    "state",
    "shape",
    "profile",
    "profile_version",
    "profile_digest",
    "records",
)
_SAME: Final = ("http", "finished", "fhir-json", "fhir", "1", "", 1)
_TOLD: Final = ("id", "number")


def make_row(one: Single, now: datetime) -> bulk.Row:
    """In the order of :data:`GIVEN`."""
    return (
        one.batch_id,
        one.source_id,
        one.sha256,
        len(one.body),
        storable(one.filename),
        "rejected" if one.identity is None else "accepted",
        int(one.identity is not None),
        int(one.identity is None),
        now,
        now,
        now,
        *_SAME,
    )


class SingleBatches:
    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, singles: Sequence[Single]) -> dict[str, int]:
        """The numbers, by batch id, of those batches that are new. The unique row decides between
        the same bytes that arrive at once."""
        if not singles:
            return {}
        ordered = sorted(singles, key=lambda one: one.batch_id)
        rows = [make_row(one, self._now) for one in ordered]
        if bulk.is_postgresql(self._connection):
            return dict(few_rows.insert_new(self._connection, (batches, GIVEN, rows), _TOLD))
        told = [batches.c[name] for name in _TOLD]
        statement = sqlite.insert(batches).on_conflict_do_nothing().returning(*told)
        given = [dict(zip(GIVEN, row, strict=True)) for row in rows]
        return {row.id: row.number for row in self._connection.execute(statement, given)}

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
