"""Alarms: opened once, updated while they are seen, acknowledged by a person, closed when they are
seen no more. Every change of state is one audit entry."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, RowMapping, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from schemas.alarm import Alarm, Seen
from schemas.errors import UnknownError, WrongUseError
from schemas.statuses import ALARM_TRANSITIONS, AlarmState
from schemas.values import storable
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import alarms

_COLUMNS = [alarms.c[name] for name in Alarm.__struct_fields__]
_SUBJECT: Final = "alarm {}"
_IS_OPEN = alarms.c.closed_at.is_(None)


class Alarms:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def open(self, seen: Sequence[Seen]) -> list[Alarm]:
        """An alarm for each of these that has none; gives the new ones. The unique row, not a look
        beforehand, decides between two watches at once."""
        if not seen:
            return []
        into = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        rows = [
            {
                "code": one.code,
                "subject": storable(one.subject),
                "params": _encode(one),
                "state": "open",
                "opened_at": self._now,
                "seen_at": self._now,
            }
            for one in seen
        ]
        statement = into(alarms).values(rows).on_conflict_do_nothing().returning(*_COLUMNS)
        opened = [_read(row) for row in self._connection.execute(statement).mappings()]
        self._record("alarm.opened", opened)
        return opened

    def update(self, seen: Sequence[Seen]) -> None:
        """What these are seen with now. No change of state, so it leaves no audit entry."""
        for one in seen:
            self._connection.execute(
                update(alarms)
                .where(alarms.c.code == one.code, alarms.c.subject == one.subject, _IS_OPEN)
                .values(params=_encode(one), seen_at=self._now)
            )

    def close(self, numbers: Collection[int]) -> list[Alarm]:
        """These that are open or acknowledged are seen no more; gives those it closed."""
        if not numbers:
            return []
        closed = self._connection.execute(
            update(alarms)
            .where(alarms.c.number.in_(numbers), _IS_OPEN)
            .values(state="closed", closed_at=self._now)
            .returning(*_COLUMNS)
        )
        found = sorted(map(_read, closed.mappings()), key=lambda one: one.number)
        self._record("alarm.closed", found)
        return found

    def acknowledge(self, number: int, reason: str) -> Alarm:
        """Somebody looks into it. UnknownError where there is no such alarm, WrongUseError where it
        is not open."""
        query = select(*_COLUMNS).where(alarms.c.number == number).with_for_update()
        row = self._connection.execute(query).mappings().one_or_none()
        if row is None:
            raise UnknownError(f"no such alarm: {number}")
        found = _read(row)
        _check_transition(found, "acknowledged")
        told = storable(reason)
        values = {"state": "acknowledged", "acknowledged_at": self._now, "reason": told}
        self._connection.execute(update(alarms).where(alarms.c.number == number).values(**values))
        self._audit.add(
            "alarm.acknowledged", _SUBJECT.format(number), {"code": found.code, "reason": told}
        )
        return msgspec.structs.replace(
            found, state="acknowledged", acknowledged_at=self._now, reason=told
        )

    def find_open(self) -> list[Alarm]:
        """Those not closed, in the order they were opened."""
        query = select(*_COLUMNS).where(_IS_OPEN).order_by(alarms.c.number)
        return [_read(row) for row in self._connection.execute(query).mappings()]

    def find_since(self, since: datetime) -> list[Alarm]:
        """Those not closed, and those closed since, in the order they were opened."""
        query = select(*_COLUMNS).where(or_(_IS_OPEN, alarms.c.closed_at >= since))
        found = self._connection.execute(query.order_by(alarms.c.number))
        return [_read(row) for row in found.mappings()]

    def count_open(self) -> dict[str, int]:
        """By state."""
        query = select(alarms.c.state, func.count()).where(_IS_OPEN).group_by(alarms.c.state)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def _record(self, action: str, changed: Sequence[Alarm]) -> None:
        self._audit.add_many(
            [
                (action, _SUBJECT.format(one.number), {"code": one.code, "subject": one.subject})
                for one in changed
            ]
        )


def _encode(seen: Seen) -> str:
    return msgspec.json.encode(dict(seen.params)).decode()


def _read(row: RowMapping) -> Alarm:
    return Alarm(**{**row, "params": msgspec.json.decode(row["params"])})


def _check_transition(alarm: Alarm, after: AlarmState) -> None:
    if (alarm.state, after) not in ALARM_TRANSITIONS:
        raise WrongUseError(f"alarm {alarm.number} is {alarm.state} already")
