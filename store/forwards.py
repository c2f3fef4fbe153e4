"""Events on their way upstream: claimed with an intent, settled with an answer. Every change is one
audit entry."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row, insert, select, update

from schemas.errors import UnknownError, WrongUseError
from schemas.event import NationalEvent, decode_event
from schemas.forwarding import (
    FORWARD_TRANSITIONS,
    Forward,
    ForwardCall,
    ForwardState,
    Job,
    Outcome,
)
from schemas.identifiers import make_reference
from store.audit import Audit
from store.tables import events, forward_calls, forwards, revisions

_FORWARD: Final = [forwards.c[name] for name in Forward.__struct_fields__]
_CALL: Final = [forward_calls.c[name] for name in ForwardCall.__struct_fields__]
# What nobody knows comes last: one event whose call always times out must not hold up the others.
_ORDER: Final[tuple[ForwardState, ...]] = ("sending", "waiting", "unknown")
_LONGEST_WAIT: Final = timedelta(hours=1)


class Forwards:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def claim(self, lease: timedelta) -> Job | None:
        """An event that is due, with the call to be made: the one that was not ended, else one for
        its next revision. Until the lease ends it is this caller's. None where none is due."""
        for state in _ORDER:
            while (row := self._find_due(state)) is not None:
                call = self._find_open(row) or self._intend(row)
                if call is not None:
                    return self._take(row, call, lease)
                _check_transition(row.state, "sent")
                self._change(row.event_id, state="sent")
                self._audit.add("event.forward_done", make_reference(row.event_id))
        return None

    def read_content(self, job: Job) -> NationalEvent:
        """The content that the call is about, whatever number it has by now."""
        query = (
            select(revisions.c.payload)
            .join(events, _IS_OWN)
            .where(events.c.id == job.event_id, revisions.c.content_hash == job.content_hash)
            .order_by(revisions.c.number)
            .limit(1)
        )
        return decode_event(self._connection.execute(query).scalar_one())

    def settle(self, job: Job, outcome: Outcome) -> bool:
        """How the call ended. False, and nothing is changed, where another has taken the event
        over."""
        own = (forwards.c.event_id == job.event_id) & (forwards.c.token == job.token)
        held = update(forwards).where(own, forwards.c.state == "sending")
        if self._connection.execute(held.values(updated_at=self._now)).rowcount == 0:
            return False
        self._end_call(job, outcome)
        codes = _encode(outcome.codes)
        values: dict[str, Any] = {"status": outcome.status, "codes": codes}
        if outcome.state in {"accepted", "refused"}:
            values |= {"done": job.revision, "call_id": None, "attempts": 0, "due_at": self._now}
        else:
            values["due_at"] = self._now + _find_wait(job.attempts, outcome.retry_after)
        if outcome.upstream_id is not None:
            values["upstream_id"] = outcome.upstream_id
            values["upstream_revision"] = outcome.upstream_revision
        state = self._find_next_state(job, outcome)
        _check_transition("sending", state)
        self._change(job.event_id, state=state, **values)
        details = {"revision": job.revision, "status": outcome.status, "codes": outcome.codes}
        shown = {name: value for name, value in details.items() if value}
        self._audit.add(f"event.forward_{outcome.state}", make_reference(job.event_id), shown)
        return True

    def retry(self, event_id: int) -> None:
        """Has what was refused submitted again. WrongUseError for any other."""
        stored = self._get(select(*_FORWARD).with_for_update(), event_id)
        if stored.state != "refused":
            raise WrongUseError(f"{make_reference(event_id)} is {stored.state}, not refused")
        values = {"done": stored.done - 1, "attempts": 0, "due_at": self._now}
        self._change(event_id, state="waiting", **values)
        self._audit.add("event.forward_retried", make_reference(event_id))

    def get(self, event_id: int) -> Forward:
        """UnknownError where nothing of the event is forwarded."""
        return self._get(select(*_FORWARD), event_id)

    def _get(self, query: sa.Select[Any], event_id: int) -> Forward:
        row = self._connection.execute(query.where(forwards.c.event_id == event_id)).one_or_none()
        if row is None:
            raise UnknownError(f"{make_reference(event_id)} is not forwarded")
        return _read_forward(row)

    def find(self, state: ForwardState | None = None, *, limit: int = 100) -> list[Forward]:
        """The newest first."""
        query = select(*_FORWARD).order_by(forwards.c.updated_at.desc()).limit(limit)
        if state is not None:
            query = query.where(forwards.c.state == state)
        return [_read_forward(row) for row in self._connection.execute(query)]

    def find_calls(self, event_id: int) -> list[ForwardCall]:
        """In the order in which they were made."""
        query = select(*_CALL).where(forward_calls.c.event_id == event_id)
        rows = self._connection.execute(query.order_by(forward_calls.c.id))
        names = ForwardCall.__struct_fields__
        return [ForwardCall(**dict(zip(names, row, strict=True))) for row in rows]

    def count(self) -> dict[str, int]:
        """By state."""
        number = sa.func.count().label("number")
        query = select(forwards.c.state, number).group_by(forwards.c.state)
        return {row.state: row.number for row in self._connection.execute(query)}

    def _find_due(self, state: ForwardState) -> Row[Any] | None:
        # One state at a time: the index then gives the first row without a sort.
        query = (
            select(forwards)
            .where(forwards.c.state == state, forwards.c.due_at <= self._now)
            .order_by(forwards.c.due_at, forwards.c.event_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return self._connection.execute(query).one_or_none()

    def _find_open(self, row: Row[Any]) -> Row[Any] | None:
        if row.call_id is None:
            return None
        query = select(forward_calls).where(forward_calls.c.id == row.call_id)
        return self._connection.execute(query).one()

    def _intend(self, row: Row[Any]) -> Row[Any] | None:
        number = row.done + 1
        query = (
            select(revisions.c.content_hash)
            .join(events, _IS_OWN)
            .where(events.c.id == row.event_id, revisions.c.number == number)
        )
        content_hash = self._connection.execute(query).scalar_one_or_none()
        if content_hash is None:
            return None
        count = select(sa.func.count()).where(forward_calls.c.event_id == row.event_id)
        values = {
            "event_id": row.event_id,
            "revision": number,
            "content_hash": content_hash,
            # The same revision may be submitted again after it was refused: that is another call.
            "idempotency_key": _make_key(
                row.event_id, number, self._connection.execute(count).scalar_one()
            ),
            "state": "failed",
            "made_at": self._now,
        }
        added = insert(forward_calls).values(values).returning(forward_calls)
        return self._connection.execute(added).one()

    def _take(self, row: Row[Any], call: Row[Any], lease: timedelta) -> Job:
        _check_transition(row.state, "sending")
        self._connection.execute(
            update(forward_calls).where(forward_calls.c.id == call.id).values(state="intended")
        )
        token, attempts = row.token + 1, row.attempts + 1
        values = {"token": token, "attempts": attempts, "call_id": call.id}
        self._change(row.event_id, state="sending", due_at=self._now + lease, **values)
        details = {"revision": call.revision, "attempt": attempts}
        self._audit.add("event.forward_intended", make_reference(row.event_id), details)
        return Job(
            event_id=row.event_id,
            revision=call.revision,
            content_hash=call.content_hash,
            call_id=call.id,
            idempotency_key=call.idempotency_key,
            token=token,
            attempts=attempts,
            is_doubtful=call.state in {"intended", "unknown"},
            upstream_id=row.upstream_id,
        )

    def _end_call(self, job: Job, outcome: Outcome) -> None:
        self._connection.execute(
            update(forward_calls)
            .where(forward_calls.c.id == job.call_id)
            .values(
                state=outcome.state,
                ended_at=self._now,
                status=outcome.status,
                codes=_encode(outcome.codes),
                upstream_id=outcome.upstream_id,
                upstream_revision=outcome.upstream_revision,
            )
        )

    def _find_next_state(self, job: Job, outcome: Outcome) -> ForwardState:
        if outcome.state == "unknown":
            return "unknown"
        if outcome.state not in {"accepted", "refused"}:
            return "waiting"
        # Read behind the lock of the row: whoever queues a newer revision waits for it.
        query = select(events.c.revision).where(events.c.id == job.event_id)
        if self._connection.execute(query).scalar_one() > job.revision:
            return "waiting"
        return "sent" if outcome.state == "accepted" else "refused"

    def _change(self, event_id: int, **values: Any) -> None:
        own = forwards.c.event_id == event_id
        changed = update(forwards).where(own).values(updated_at=self._now, **values)
        self._connection.execute(changed)


_IS_OWN: Final = (revisions.c.event_id == events.c.id) & (revisions.c.year == events.c.year)


def _make_key(event_id: int, revision: int, calls: int) -> str:
    return f"{make_reference(event_id)}.{revision}.{calls}"


def _find_wait(attempts: int, retry_after: float | None) -> timedelta:
    """1, 2, 4 … minutes, an hour at most, and never earlier than upstream asks for."""
    doubled = min(timedelta(minutes=2 ** min(attempts - 1, 10)), _LONGEST_WAIT)
    return max(doubled, timedelta(seconds=min(retry_after or 0, 86_400)))


def _encode(codes: Sequence[str]) -> str | None:
    return msgspec.json.encode(codes).decode() if codes else None


def _read_forward(row: Row[Any]) -> Forward:
    return Forward(**dict(zip(Forward.__struct_fields__, row, strict=True)))


def _check_transition(before: ForwardState, after: ForwardState) -> None:
    if (before, after) not in FORWARD_TRANSITIONS:
        raise ValueError(f"what is forwarded does not go from {before} to {after}")
