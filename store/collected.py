"""What collectors found at their far ends: each item once, with what became of it."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.collecting import ITEM_TRANSITIONS, CollectedItem, ItemState
from schemas.errors import UnknownError, WrongUseError
from schemas.values import storable
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import collected

_FIELDS = CollectedItem.__struct_fields__
_COLUMNS = [collected.c[name] for name in _FIELDS]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """An item as the far end lists it: ``remote_id`` and ``version`` together are that item and no
    other, for ever. ``name`` is the file's."""

    remote_id: str
    version: str = ""
    name: str = ""
    size: int | None = None
    expires_at: datetime | None = None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What an item says of itself once it is opened: its file's name, and as JSON what came beside
    its bytes."""

    name: str
    headers: str | None = None


class Collected:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def see(self, collector_id: str, seen: Sequence[Seen]) -> list[CollectedItem]:
        """What is known of each, in order; those that are new wait from now on."""
        keys = [_make_key(one) for one in seen]
        known = self._find_by_key(collector_id, keys)
        fresh = {key: one for key, one in zip(keys, seen, strict=True) if key not in known}
        if fresh:
            self._add(collector_id, fresh)
            known |= self._find_by_key(collector_id, list(fresh))
        return [
            self._move(known[key], "waiting", "item.seen_again", settled_at=None)
            if known[key].state == "gone"
            else known[key]
            for key in keys
        ]

    def get(self, id: int) -> CollectedItem:  # noqa: A002
        query = select(*_COLUMNS).where(collected.c.id == id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise UnknownError(f"no such item: {id}")
        return _read(row)

    def find(self, collector_id: str, *, limit: int | None = None) -> list[CollectedItem]:
        """The newest first."""
        query = select(*_COLUMNS).where(collected.c.collector_id == collector_id)
        rows = self._connection.execute(query.order_by(collected.c.id.desc()).limit(limit))
        return [_read(row) for row in rows]

    def find_open(self, collector_id: str, *, limit: int | None = None) -> list[CollectedItem]:
        """Those that wait, those the far end was not told of, and those refused; the newest
        first."""
        is_open = collected.c.settled_at.is_(None) | (collected.c.state == "refused")
        query = select(*_COLUMNS).where(collected.c.collector_id == collector_id, is_open)
        rows = self._connection.execute(query.order_by(collected.c.id.desc()).limit(limit))
        return [_read(row) for row in rows]

    def count(self, collector_id: str) -> dict[str, int]:
        """By state."""
        query = (
            select(collected.c.state, func.count().label("number"))
            .where(collected.c.collector_id == collector_id)
            .group_by(collected.c.state)
        )
        return {row.state: row.number for row in self._connection.execute(query)}

    def receive(
        self,
        item: CollectedItem,
        *,
        source_id: str,
        size: int,
        sha256: str,
        batch_id: str,
        told: Told | None = None,
    ) -> CollectedItem:
        """It is the batch, which must be committed. One that another run received is left so."""
        values = {"source_id": source_id, "size": size, "sha256": sha256, "batch_id": batch_id}
        values |= _write_told(told)
        return self._move(
            item, "received", "item.received", received_at=self._now, reason=None, **values
        )

    def refuse(
        self,
        item: CollectedItem,
        reason: str,
        *,
        size: int | None = None,
        sha256: str | None = None,
        told: Told | None = None,
    ) -> CollectedItem:
        """``sha256``: where its bytes are kept all the same."""
        values = {"size": size or item.size, "sha256": sha256, **_write_told(told)}
        return self._move(item, "refused", "item.refused", reason=reason, **values)

    def note(self, item: CollectedItem, *, headers: str | None = None) -> CollectedItem:
        """It is no feed, and was dealt with."""
        return self._move(item, "noted", "item.noted", headers=headers)

    def fail(self, item: CollectedItem, reason: str) -> CollectedItem:
        """This try failed; the item is as it was."""
        return self._change(item, "item.failed", tries=item.tries + 1, reason=reason)

    def retry(self, item: CollectedItem) -> CollectedItem:
        """A refused one is collected again when the far end lists it."""
        if item.state != "refused":
            raise WrongUseError(f"item {item.id} is {item.state}, not refused")
        return self._move(item, "waiting", "item.retried", tries=0, settled_at=None)

    def settle(self, item: CollectedItem) -> CollectedItem:
        """The far end was told, or there is nothing to tell."""
        kept = item.reason if item.state == "refused" else None
        return self._change(item, "item.settled", settled_at=self._now, reason=kept)

    def miss(self, collector_id: str, listed: Collection[int]) -> int:
        """After a whole listing: what is not in it any more left the far end. What waited is gone;
        what was received was told of, by a run that died before it wrote so. How many are gone."""
        gone = 0
        for item in self._find_unsettled(collector_id):
            if item.id in listed:
                continue
            if item.state == "waiting":
                self._move(item, "gone", "item.gone", reason="vanished", settled_at=self._now)
                gone += 1
            else:
                self.settle(item)
        return gone

    def _find_unsettled(self, collector_id: str) -> list[CollectedItem]:
        query = select(*_COLUMNS).where(
            collected.c.collector_id == collector_id, collected.c.settled_at.is_(None)
        )
        return [_read(row) for row in self._connection.execute(query.order_by(collected.c.id))]

    def _add(self, collector_id: str, fresh: dict[str, Seen]) -> None:
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        rows = [
            {
                "collector_id": collector_id,
                "item_key": key,
                "remote_id": storable(one.remote_id),
                "name": storable(one.name),
                "state": "waiting",
                "first_seen_at": self._now,
                "expires_at": one.expires_at,
                "size": one.size,
            }
            for key, one in fresh.items()
        ]
        self._connection.execute(into(collected).on_conflict_do_nothing(), rows)

    def _find_by_key(self, collector_id: str, keys: Iterable[str]) -> dict[str, CollectedItem]:
        query = select(collected.c.item_key, *_COLUMNS).where(
            collected.c.collector_id == collector_id, collected.c.item_key.in_(keys)
        )
        return {row.item_key: _read(row[1:]) for row in self._connection.execute(query)}

    def _move(
        self, item: CollectedItem, state: ItemState, action: str, **values: Any
    ) -> CollectedItem:
        stored = self._lock(item)
        if stored.state == state:
            return stored
        if (stored.state, state) not in ITEM_TRANSITIONS:
            raise WrongUseError(f"item {item.id} is {stored.state} and cannot become {state}")
        return self._change(stored, action, state=state, **values)

    def _change(self, item: CollectedItem, action: str, **values: Any) -> CollectedItem:
        row = self._connection.execute(
            update(collected).where(collected.c.id == item.id).values(values).returning(*_COLUMNS)
        ).one()
        # Of its name and headers nothing: those are what a sender wrote.
        details = {
            "collector": item.collector_id,
            **{name: values[name] for name in ("batch_id", "reason") if values.get(name)},
        }
        self._audit.add(action, str(item.id), details)
        return _read(row)

    def _lock(self, item: CollectedItem) -> CollectedItem:
        query = select(*_COLUMNS).where(collected.c.id == item.id).with_for_update()
        return _read(self._connection.execute(query).one())


def _write_told(told: Told | None) -> dict[str, str | None]:
    if told is None:
        return {}
    return {"name": storable(told.name), "headers": told.headers}


def _make_key(one: Seen) -> str:
    text = f"{one.remote_id}\0{one.version}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _read(row: Row[Any] | Sequence[Any]) -> CollectedItem:
    return CollectedItem(**dict(zip(_FIELDS, row, strict=True)))
