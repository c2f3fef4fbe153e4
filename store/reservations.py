"""Idempotency keys: reserved before the work, so that a second request that comes meanwhile is told
so, and kept with the batch that tells the answer."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import (
    Connection,
    Row,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import sqlite

from schemas.single import KeptAnswer, Reservation
from store import bulk, few_rows
from store.audit import Audit
from store.changing import update_rows
from store.tables import idempotency_keys

# held: reserved now, go on. answered: ``kept`` tells what was answered. in_flight: another
# request with the key is being worked on. reused: the key was used for another request.
ReservationState = Literal["held", "answered", "in_flight", "reused"]
LEASE = timedelta(seconds=60)
# How long an answer is kept under its key: far longer than anybody retries.
KEPT = timedelta(days=7)
_KEPT_IN: Final = {
    "answer": "state",
    "batch_number": "batch_number",
    "event_id": "event_id",
    "revision": "revision",
}


_NAMED: Final = ("source_id", "key")
_RESERVED: Final = (*_NAMED, "fingerprint", "token", "reserved_until", "created_at")
ANSWERED: Final = (*_RESERVED, *_KEPT_IN)


class Wanted(msgspec.Struct, frozen=True):
    """``fingerprint``: 32 bytes over method, address and body."""

    source_id: str
    key: str
    fingerprint: bytes


class Reserved(msgspec.Struct, frozen=True):
    state: ReservationState
    reservation: Reservation | None = None
    kept: KeptAnswer | None = None


def make_answered(wanted: Wanted, answer: KeptAnswer | None, now: datetime) -> bulk.Row:
    """The row of a key whose answer is known before it is reserved, in the order of
    :data:`ANSWERED`."""
    told = tuple(getattr(answer, name) for name in _KEPT_IN.values())
    return (wanted.source_id, wanted.key, wanted.fingerprint, 0, now + LEASE, now, *told)


class Reservations:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def reserve(self, asked: Sequence[Wanted]) -> list[Reserved]:
        """What stands under each key, in their order; one that is free, or whose attempt has died,
        is this attempt's for a minute. No two of one key."""
        ordered = sorted(asked, key=lambda one: (one.source_id, one.key))
        added = self._add(ordered)
        stood = self._read([one for one in ordered if (one.source_id, one.key) not in added])
        return [
            Reserved("held", Reservation(one.key, 0))
            if (one.source_id, one.key) in added
            else stood[one.source_id, one.key]
            for one in asked
        ]

    def lock(self, wanted: Iterable[tuple[str, Reservation]]) -> set[tuple[str, Reservation]]:
        """Those that nobody has taken over, locked until the end of the transaction."""
        keys = [(source_id, one.key) for source_id, one in wanted]
        columns = idempotency_keys.c
        query = (
            select(columns.source_id, columns.key, columns.token)
            .where(tuple_(columns.source_id, columns.key).in_(keys))
            .order_by(columns.source_id, columns.key)
            .with_for_update()
        )
        rows = self._connection.execute(query) if keys else ()
        return {(row.source_id, Reservation(row.key, row.token)) for row in rows}

    def settle(self, answers: Iterable[tuple[str, Reservation, KeptAnswer | None]]) -> None:
        """What was answered under keys that are held, to be answered again; None: nothing is to be
        kept, the same key may come again."""
        kept: list[bulk.Row] = []
        free: list[tuple[str, str, int]] = []
        for source_id, one, answer in answers:
            if answer is None:
                free.append((source_id, one.key, one.token))
            else:
                told = (getattr(answer, name) for name in _KEPT_IN.values())
                kept.append((source_id, one.key, one.token, *told))
        keys = ("source_id", "key", "token")
        update_rows(self._connection, idempotency_keys, keys, tuple(_KEPT_IN), kept)
        if free:
            held = tuple_(*(idempotency_keys.c[name] for name in keys)).in_(free)
            unanswered = idempotency_keys.c.answer.is_(None)
            self._connection.execute(delete(idempotency_keys).where(held, unanswered))

    def prune(self, kept: timedelta = KEPT) -> int:
        """Forget the answers that are kept long enough."""
        old = idempotency_keys.c.created_at < self._now - kept
        return self._connection.execute(delete(idempotency_keys).where(old)).rowcount

    def _add(self, asked: Sequence[Wanted]) -> set[tuple[str, str]]:
        until = self._now + LEASE
        rows = [(one.source_id, one.key, one.fingerprint, 0, until, self._now) for one in asked]
        if bulk.is_postgresql(self._connection):
            given = (idempotency_keys, _RESERVED, rows)
            told = few_rows.insert_new(self._connection, given, _NAMED)
            return {(source_id, key) for source_id, key in told}
        named = [idempotency_keys.c[name] for name in _NAMED]
        statement = sqlite.insert(idempotency_keys).on_conflict_do_nothing().returning(*named)
        values = [dict(zip(_RESERVED, row, strict=True)) for row in rows]
        return {(row.source_id, row.key) for row in self._connection.execute(statement, values)}

    def _read(self, asked: Sequence[Wanted]) -> dict[tuple[str, str], Reserved]:
        if not asked:
            return {}
        columns = idempotency_keys.c
        keys = [(one.source_id, one.key) for one in asked]
        query = (
            select(idempotency_keys)
            .where(tuple_(columns.source_id, columns.key).in_(keys))
            .order_by(columns.source_id, columns.key)
            .with_for_update()
        )
        rows = {(row.source_id, row.key): row for row in self._connection.execute(query)}
        found: dict[tuple[str, str], Reserved] = {}
        for one in asked:
            row = rows.get((one.source_id, one.key))
            if row is None:
                # Freed since we looked: as good as another request that is about to end.
                state = Reserved("in_flight")
            elif row.fingerprint != one.fingerprint:
                state = Reserved("reused")
            elif row.answer is not None:
                state = Reserved("answered", kept=_read_answer(row))
            elif row.reserved_until > self._now:
                state = Reserved("in_flight")
            else:
                state = Reserved("held", self._take_over(one, row.token + 1))
            found[one.source_id, one.key] = state
        return found

    def _take_over(self, one: Wanted, token: int) -> Reservation:
        columns = idempotency_keys.c
        self._connection.execute(
            update(idempotency_keys)
            .where(columns.source_id == one.source_id, columns.key == one.key)
            .values(token=token, reserved_until=self._now + LEASE)
        )
        return Reservation(one.key, token)


def _read_answer(row: Row[Any]) -> KeptAnswer:
    return KeptAnswer(**{field: getattr(row, name) for name, field in _KEPT_IN.items()})
