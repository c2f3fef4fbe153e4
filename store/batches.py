"""Batches: received once, planned, finished."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.batch import Batch, Part, Route, Shape
from schemas.errors import UnknownError, WrongUseError
from schemas.receipt import Counts
from schemas.statuses import BATCH_TRANSITIONS, BatchState, Verdict
from schemas.values import storable
from store.audit import Audit
from store.bulk import is_postgresql
from store.receipts import count_dispositions
from store.tables import batches, parts

_COUNTS = Counts.__struct_fields__
_PLAIN = [name for name in Batch.__struct_fields__ if name != "counts"]


class Batches:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(
        self,
        id: str,  # noqa: A002
        source_id: str,
        sha256: str,
        size: int,
        filename: str,
        route: Route,
    ) -> tuple[Batch, bool]:
        """The batch of these bytes, and whether it is new. The unique row decides between two that
        arrive at once; an application could only guess."""
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        added = self._connection.execute(
            into(batches)
            .values(
                id=id,
                source_id=source_id,
                sha256=sha256,
                size=size,
                filename=storable(filename),
                route=route,
                received_at=self._now,
                state="received",
            )
            .on_conflict_do_nothing()
            .returning(batches.c.number)
        ).one_or_none()
        if added is not None:
            details = {"source": source_id, "sha256": sha256, "size": size, "route": route}
            self._audit.add("batch.received", id, details)
        return self.get(id), added is not None

    def get(self, id: str) -> Batch:  # noqa: A002
        return self._one(select(batches).where(batches.c.id == id), id)

    def find_waiting(self) -> list[Batch]:
        """The batches that are not finished, in order of arrival."""
        waiting = batches.c.state.in_(("received", "planned"))
        query = select(batches).where(waiting).order_by(batches.c.number)
        return [_read(row) for row in self._connection.execute(query)]

    def find_all(self, limit: int | None = None) -> list[Batch]:
        """The newest batches first."""
        query = select(batches).order_by(batches.c.number.desc()).limit(limit)
        return [_read(row) for row in self._connection.execute(query)]

    def plan(
        self,
        batch: Batch,
        shape: Shape,
        profile: str | None,
        profile_version: str | None,
        cut: Sequence[Part],
    ) -> Batch:
        """Store how the batch is read and its parts. Where another attempt has planned it (and
        may have finished it since), that plan stands and is given."""
        stored = self._lock(batch)
        if stored.state != "received":
            return stored
        self._move(stored, "planned", shape=shape, profile=profile, profile_version=profile_version)
        rows = [{**msgspec.structs.asdict(part), "batch_number": batch.number} for part in cut]
        if rows:
            self._connection.execute(insert(parts), rows)
        self._audit.add("batch.planned", batch.id, {"shape": shape, "parts": len(cut)})
        return self.get(batch.id)

    def finish(self, batch: Batch, verdict: Verdict, counts: Counts) -> Batch:
        """Close the batch. The counts that are stored are those of its lines as they stand once
        the batch is locked: an older batch that loads late may have just changed a created into a
        revised (see ``store.records``), never what was rejected."""
        stored = self._lock(batch)
        if stored.state == "finished":
            return stored
        unloaded = select(func.count()).where(
            parts.c.batch_number == batch.number, parts.c.state != "loaded"
        )
        if self._connection.execute(unloaded).scalar_one():
            raise WrongUseError(f"batch {batch.id} has parts that are not loaded")
        final = count_dispositions(self._connection, batch.number)
        if (final.records, final.rejected) != (counts.records, counts.rejected):
            raise WrongUseError(f"batch {batch.id} was counted while it was still loading")
        values = msgspec.structs.asdict(final)
        self._move(stored, "finished", verdict=verdict, finished_at=self._now, **values)
        self._audit.add("batch.finished", batch.id, {"verdict": verdict, **values})
        return self.get(batch.id)

    def _lock(self, batch: Batch) -> Batch:
        query = select(batches).where(batches.c.number == batch.number)
        return self._one(query.with_for_update(key_share=True), batch.id)

    def _move(self, stored: Batch, state: BatchState, **values: Any) -> None:
        if (stored.state, state) not in BATCH_TRANSITIONS:
            raise WrongUseError(f"batch {stored.id} is {stored.state} and cannot become {state}")
        self._connection.execute(
            update(batches).where(batches.c.number == stored.number).values(state=state, **values)
        )

    def _one(self, query: Select[Any], id: str) -> Batch:  # noqa: A002
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise UnknownError(f"no such batch: {id}")
        return _read(row)


def _read(row: Row[Any]) -> Batch:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Batch(**values, counts=Counts(**{name: getattr(row, name) for name in _COUNTS}))
