"""Which events are to be forwarded: those that a finished batch created or revised, batch by batch,
each batch once."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.errors import WrongUseError
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import batches, forwarding, forwarding_batches, forwards, receipt_lines

_ROW: Final = 1
# A batch is numbered before it is committed: so long after, one with a lower number can no longer
# appear.
_LATE: Final = timedelta(hours=1)
_CHUNK: Final = 1_000


class ForwardQueue:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def start(self, *, from_beginning: bool) -> None:
        """From now on finished batches are queued: all there ever were, or only those received
        after this. WrongUseError where it was started before."""
        newest = 0 if from_beginning else self._find_newest()
        row = {"id": _ROW, "queued_until": newest, "started_at": self._now}
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = into(forwarding).values(row).on_conflict_do_nothing()
        started = self._connection.execute(statement.returning(forwarding.c.id)).first()
        if started is None:
            raise WrongUseError("forwarding was started before; it goes on where it is")
        self._audit.add("forwarding.started", "forwarding", {"behind_batch": newest})

    def is_started(self) -> bool:
        return self._connection.execute(select(forwarding.c.id)).first() is not None

    def queue_next(self) -> bool:
        """One batch's events wait to be forwarded from now on. False where no batch is left."""
        number = self._take_batch()
        if number is None:
            self._move_on()
            return False
        waiting = {"state": "waiting", "attempts": 0, "due_at": self._now, "updated_at": self._now}
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = into(forwards).from_select(
            ["event_id", *waiting],
            select(receipt_lines.c.event_id, *(sa.literal(one) for one in waiting.values()))
            .where(
                receipt_lines.c.batch_number == number,
                receipt_lines.c.disposition.in_(("created", "revised")),
            )
            .distinct(),
        )
        # One that is being sent looks for newer revisions when it ends.
        queued = self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["event_id"],
                set_=waiting,
                where=forwards.c.state.in_(("sent", "refused")),
            )
        )
        self._audit.add("batch.forwarding", str(number), {"events": queued.rowcount})
        return True

    def _take_batch(self) -> int | None:
        """The oldest finished batch that is not queued; it is from now on."""
        until = self._connection.execute(
            select(forwarding.c.queued_until).with_for_update()
        ).scalar_one()
        left_behind = select(forwarding_batches.c.number).where(~forwarding_batches.c.is_queued)
        queued = select(forwarding_batches.c.number).where(forwarding_batches.c.is_queued)
        query = (
            select(func.min(batches.c.number))
            .where(batches.c.state == "finished")
            .where(
                batches.c.number.in_(left_behind)
                | ((batches.c.number > until) & batches.c.number.not_in(queued))
            )
        )
        number: int | None = self._connection.execute(query).scalar_one()
        if number is not None:
            own = forwarding_batches.c.number == number
            self._connection.execute(delete(forwarding_batches).where(own))
            if number > until:
                row = {"number": number, "is_queued": True}
                self._connection.execute(insert(forwarding_batches).values(row))
        return number

    def _move_on(self) -> None:
        """What is old enough needs no row of its own any longer, but where it is not finished."""
        until, known = forwarding.c.queued_until, forwarding_batches
        query = select(batches.c.number, batches.c.state).where(
            batches.c.number > select(until).scalar_subquery(),
            batches.c.received_at < self._now - _LATE,
        )
        old = self._connection.execute(query.order_by(batches.c.number).limit(_CHUNK)).all()
        if not old:
            return
        last = old[-1].number
        self._connection.execute(delete(known).where(known.c.is_queued, known.c.number <= last))
        behind = [
            {"number": row.number, "is_queued": False} for row in old if row.state != "finished"
        ]
        if behind:
            self._connection.execute(insert(known), behind)
        self._connection.execute(update(forwarding).values(queued_until=last))

    def _find_newest(self) -> int:
        return self._connection.execute(select(func.max(batches.c.number))).scalar_one() or 0
