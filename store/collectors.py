"""Collectors: registered, due, run by one at a time; how their last run ended."""

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from schemas.collecting import Collector
from schemas.errors import GatewayError, UnknownError, WrongUseError
from store.audit import Audit
from store.tables import collectors

# A run that did not write for so long is dead, or will find itself fenced out.
LEASE: Final = timedelta(minutes=15)
_FIELDS = Collector.__struct_fields__
_COLUMNS = [collectors.c[name] for name in _FIELDS]
# The wait after the first failure; it doubles, up to the collector's own cadence.
_FIRST_WAIT = 300
_MOST_DOUBLED = 16
_LONGEST_ASKED = 24 * 3600


class LostLeaseError(GatewayError):
    """Another run of the collector took over; this one must stop and write nothing more."""


class Collectors:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add(self, collector: Collector) -> None:
        """WrongUseError where the id is taken. One that was removed comes back under its id, with
        its history; it begins anew. Not of another kind: whether an item may ever be forgotten
        goes by that (``store.old_items``)."""
        stored = self._find(collector.id, lock=True)
        if stored is not None and stored.removed_at is None:
            raise WrongUseError(f"there is a collector {collector.id} already")
        if stored is not None and stored.kind != collector.kind:
            raise WrongUseError(
                f"{collector.id} was a {stored.kind} collector, and its items are remembered under"
                " that id: take another"
            )
        values = msgspec.structs.asdict(collector)
        if stored is None:
            self._connection.execute(insert(collectors).values(values))
        else:
            # Its token goes on: whoever still runs the old one is fenced out.
            values["token"] = stored.token + 1
            own = collectors.c.id == collector.id
            self._connection.execute(update(collectors).where(own).values(values))
        details = {"source": collector.source_id, "kind": collector.kind, "every": collector.every}
        self._audit.add("collector.added", collector.id, details)

    def remove(self, id: str) -> None:  # noqa: A002
        """It is run no more; a run that is under way is fenced out. What it collected stays."""
        self.get(id)
        self._connection.execute(
            update(collectors)
            .where(collectors.c.id == id)
            .values(removed_at=self._now, token=collectors.c.token + 1, leased_until=None)
        )
        self._audit.add("collector.removed", id)

    def get(self, id: str) -> Collector:  # noqa: A002
        """UnknownError also for one that was removed."""
        stored = self._find(id)
        if stored is None or stored.removed_at is not None:
            raise UnknownError(f"no such collector: {id}")
        return stored

    def find_all(self) -> list[Collector]:
        """Those that are not removed."""
        query = select(*_COLUMNS).where(collectors.c.removed_at.is_(None))
        return [_read(row) for row in self._connection.execute(query.order_by(collectors.c.id))]

    def find_due(self, at: datetime) -> list[str]:
        """The ids of those to run then, the longest waiting first."""
        query = (
            select(collectors.c.id)
            .where(collectors.c.removed_at.is_(None), collectors.c.due_at <= at)
            .where(_is_free(at))
            .order_by(collectors.c.due_at, collectors.c.id)
        )
        return list(self._connection.execute(query).scalars())

    def claim(self, id: str) -> Collector | None:  # noqa: A002
        """The collector, this caller's to run until its lease ends; None where another runs it.
        The raised token shuts every earlier run out."""
        claimed = self._connection.execute(
            update(collectors)
            .where(collectors.c.id == id, collectors.c.removed_at.is_(None))
            .where(_is_free(self._now))
            .values(token=collectors.c.token + 1, leased_until=self._now + LEASE)
            .returning(*_COLUMNS)
        ).one_or_none()
        if claimed is None:
            self.get(id)
            return None
        return _read(claimed)

    def hold(self, collector: Collector) -> None:
        """The first statement of each transaction of a run: it renews the lease, and locks the
        collector until the end of it. LostLeaseError where another run took over."""
        self._write(collector, leased_until=self._now + LEASE)

    def move_cursor(self, collector: Collector, cursor: str) -> None:
        self._write(collector, cursor=cursor)

    def succeed(self, collector: Collector) -> None:
        """The run ended well; the next is due one cadence on."""
        due_at = self._now + timedelta(seconds=collector.every)
        self._write(
            collector, leased_until=None, due_at=due_at, last_success_at=self._now, failures=0
        )
        if collector.failures:
            self._audit.add("collector.recovered", collector.id, {"failures": collector.failures})

    def fail(self, collector: Collector, reason: str, *, retry_after: float | None = None) -> None:
        """The run failed; the next is due sooner than its cadence says, where that is long, and
        never earlier than the far end asks for (``retry_after``, a day at most)."""
        doubled = _FIRST_WAIT * 2 ** min(collector.failures, _MOST_DOUBLED)
        asked = min(retry_after or 0, _LONGEST_ASKED)
        due_at = self._now + timedelta(seconds=max(asked, min(collector.every, doubled)))
        failures = collector.failures + 1
        self._write(
            collector,
            leased_until=None,
            due_at=due_at,
            last_failure_at=self._now,
            failures=failures,
            reason=reason,
        )
        self._audit.add("collector.failed", collector.id, {"reason": reason, "failures": failures})

    def _write(self, collector: Collector, **values: Any) -> None:
        own = (collectors.c.id == collector.id) & (collectors.c.token == collector.token)
        if self._connection.execute(update(collectors).where(own).values(values)).rowcount == 0:
            raise LostLeaseError(f"another run of collector {collector.id} took over")

    def _find(self, id: str, *, lock: bool = False) -> Collector | None:  # noqa: A002
        query = select(*_COLUMNS).where(collectors.c.id == id)
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _read(row)


def _is_free(at: datetime) -> ColumnElement[bool]:
    return collectors.c.leased_until.is_(None) | (collectors.c.leased_until <= at)


def _read(row: Row[Any]) -> Collector:
    return Collector(**dict(zip(_FIELDS, row, strict=True)))
