"""Batches: received once, planned, finished; or held until somebody decides."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.batch import Batch, Part, Route
from schemas.errors import UnknownError, WrongUseError
from schemas.receipt import Counts
from schemas.statuses import BATCH_TRANSITIONS, BatchState, Verdict
from schemas.values import storable
from store.audit import Audit
from store.bulk import is_postgresql
from store.receipts import count_dispositions
from store.tables import batches, parts

_HOW_READ = ("shape", "profile", "profile_version", "profile_digest")
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

    def get_held(self, id: str) -> Batch:  # noqa: A002
        """WrongUseError where it is not held."""
        return _check_held(self.get(id))

    def find_waiting(self) -> list[Batch]:
        """The batches that there is work on, in order of arrival; not those that are held."""
        waiting = batches.c.state.in_(("received", "planned"))
        query = select(batches).where(waiting).order_by(batches.c.number)
        return [read_batch(row) for row in self._connection.execute(query)]

    def find_all(self, limit: int | None = None, *, state: BatchState | None = None) -> list[Batch]:
        """The newest batches first."""
        query = select(batches).order_by(batches.c.number.desc()).limit(limit)
        if state is not None:
            query = query.where(batches.c.state == state)
        return [read_batch(row) for row in self._connection.execute(query)]

    def count(self, state: BatchState) -> int:
        query = select(func.count()).where(batches.c.state == state)
        return self._connection.execute(query).scalar_one()

    def plan(self, batch: Batch, cut: Sequence[Part]) -> Batch:
        """Store how the batch is read (``shape``, ``profile`` and ``profile_version``, as given)
        and its parts. Where another attempt has planned it (and may have finished it since), or
        held it, that stands and is given."""
        stored = self._lock(batch)
        if stored.state != "received":
            return stored
        self._plan(batch, stored, cut)
        self._audit.add("batch.planned", batch.id, {"shape": batch.shape, "parts": len(cut)})
        return self.get(batch.id)

    def hold(self, batch: Batch) -> Batch:
        """Have the batch, read as given, wait for a decision. What another attempt made of it
        stands and is given."""
        stored = self._lock(batch)
        if stored.state != "received":
            return stored
        self._move(stored, "held", **_how_read(batch))
        self._audit.add("batch.held", batch.id, {"shape": batch.shape})
        return self.get(batch.id)

    def release(self, batch: Batch, cut: Sequence[Part], *, reason: str) -> Batch:
        """Plan a batch that is held; WrongUseError for any other."""
        stored = self._lock_held(batch)
        self._plan(batch, stored, cut)
        details = {"reason": reason, "shape": batch.shape, "parts": len(cut)}
        self._audit.add("batch.released", batch.id, details)
        return self.get(batch.id)

    def discard(self, batch: Batch, *, reason: str) -> Batch:
        """Close a batch that is held, rejected as a whole; WrongUseError for any other."""
        stored = self._lock_held(batch)
        self._move(stored, "finished", verdict="rejected", finished_at=self._now)
        self._audit.add("batch.discarded", batch.id, {"reason": reason})
        return self.get(batch.id)

    def change_profile(
        self, batch: Batch, profile: str, profile_version: str, profile_digest: str
    ) -> Batch:
        """Have a planned batch read with another version of its profile, or another profile.
        Every attempt at its parts that began with the one before is fenced out. WrongUseError
        where records are loaded already: one batch is read in one way."""
        stored = self._lock(batch)
        if (stored.profile, stored.profile_version) == (profile, profile_version) and (
            stored.profile_digest in {None, profile_digest}
        ):
            return stored
        own = parts.c.batch_number == batch.number
        # First, so that an attempt in the middle of its transaction is waited for.
        self._connection.execute(update(parts).where(own).values(token=parts.c.token + 1))
        begun = own & ((parts.c.state == "loaded") | (parts.c.records_done > 0))
        if self._connection.execute(select(func.count()).where(begun)).scalar_one():
            before = f"{stored.profile} {stored.profile_version}"
            raise WrongUseError(
                f"batch {batch.id} is half loaded with profile {before} as it was, which is now"
                f" {profile} {profile_version} with other content: put {before} back, run"
                f" lrms-gateway process {batch.id}, then the new one again"
            )
        self._connection.execute(
            update(batches)
            .where(batches.c.number == batch.number)
            .values(profile=profile, profile_version=profile_version, profile_digest=profile_digest)
        )
        details = {"profile": profile, "profile_version": profile_version}
        self._audit.add("batch.profile_changed", batch.id, details)
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

    def _plan(self, batch: Batch, stored: Batch, cut: Sequence[Part]) -> None:
        self._move(stored, "planned", **_how_read(batch))
        rows = [{**msgspec.structs.asdict(part), "batch_number": stored.number} for part in cut]
        if rows:
            self._connection.execute(insert(parts), rows)

    def _lock_held(self, batch: Batch) -> Batch:
        return _check_held(self._lock(batch))

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
        return read_batch(row)


def _check_held(batch: Batch) -> Batch:
    if batch.state != "held":
        raise WrongUseError(f"batch {batch.id} is {batch.state}, not held: nothing to decide")
    return batch


def _how_read(batch: Batch) -> dict[str, str | None]:
    return {name: getattr(batch, name) for name in _HOW_READ}


def read_batch(row: Row[Any]) -> Batch:
    values = {name: getattr(row, name) for name in _PLAIN}
    return Batch(**values, counts=Counts(**{name: getattr(row, name) for name in _COUNTS}))
