"""Messages to admin users: made of alerts, claimed, sent or tried again. Every change is one
audit entry; recipients stay out of the audit log."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from schemas.outbox import Draft, Message, Parked
from schemas.statuses import MESSAGE_TRANSITIONS, MessageState
from store.audit import Audit
from store.bulk import is_postgresql
from store.tables import alerts, message_alerts, messages

_COLUMNS = [messages.c[name] for name in Message.__struct_fields__]
_SETTLED: Final[dict[MessageState, str]] = {
    "sent": "message.sent",
    "waiting": "message.failed",
    "parked": "message.parked",
}


class Messages:
    def __init__(self, connection: sa.Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def add_many(self, drafts: Sequence[Draft]) -> int:
        """Messages to be sent now, each with the alerts it announces. One whose id is there
        already is that message and is left as it is; gives how many are new."""
        fresh = self._insert(drafts)
        self._record(fresh)
        links = [
            {
                "message_id": draft.id,
                "event_id": event,
                "organisation": draft.organisation,
                "kind": draft.kind,
            }
            for draft in fresh
            for event in draft.events
        ]
        if links:
            self._connection.execute(sa.insert(message_alerts), links)
        return len(fresh)

    def add_digest(self, draft: Draft) -> int | None:
        """A message that takes every waiting digest alert of its organisation: how many, or None
        where the message exists already. Set-based: an organisation may have any number.

        The alerts are taken first and counted afterwards, as another transaction may commit an
        alert between two statements. None too where another caller took them all meanwhile.
        """
        if not self._insert([draft]):
            return None
        waiting = sa.select(
            sa.literal(draft.id), alerts.c.event_id, alerts.c.organisation, alerts.c.kind
        ).where(
            # Written out, so that the planner knows it for the index's own condition.
            sa.text("alerts.kind = 'digest'"),
            alerts.c.announced_at.is_(None),
            alerts.c.organisation == draft.organisation,
        )
        self._take(waiting)
        total = self.count_alerts(draft.id)
        if total == 0:
            self._connection.execute(sa.delete(messages).where(messages.c.id == draft.id))
            return None
        self._record([draft])
        return total

    def add_copy(self, draft: Draft, of: str) -> None:
        """A message that announces what the message ``of`` does, to another recipient."""
        if self._insert([draft]):
            self._record([draft])
            held = message_alerts.c
            self._take(
                sa.select(sa.literal(draft.id), held.event_id, held.organisation, held.kind).where(
                    held.message_id == of
                )
            )

    def word(self, message_id: str, subject: str, body: str) -> None:
        """Gives a digest its words, in the transaction that makes it."""
        self._connection.execute(
            sa.update(messages)
            .where(messages.c.id == message_id)
            .values(subject=subject, body=body)
        )

    def claim(self, lease: timedelta) -> Message | None:
        """A message that is due, now this caller's to send until the lease ends; one whose sender
        let its lease pass comes first. None where none is due."""
        found = self._find_due("sending") or self._find_due("waiting")
        if found is None:
            return None
        claimed = msgspec.structs.replace(
            found,
            state="sending",
            token=found.token + 1,
            attempts=found.attempts + 1,
            due_at=self._now + lease,
        )
        _check_transition(found.state, "sending")
        self._connection.execute(
            sa.update(messages)
            .where(messages.c.id == found.id)
            .values(
                state="sending",
                token=claimed.token,
                attempts=claimed.attempts,
                due_at=claimed.due_at,
            )
        )
        self._audit.add("message.claimed", found.id, {"attempt": claimed.attempts})
        return claimed

    def settle(
        self,
        message: Message,
        state: MessageState,
        *,
        due_at: datetime,
        reason: str | None = None,
    ) -> bool:
        """How sending a claimed message ended: sent, waiting (until ``due_at``) or parked. False,
        and nothing is changed, where another sender has taken it over meanwhile."""
        _check_transition(message.state, state)
        changed = self._connection.execute(
            sa.update(messages)
            .where(
                messages.c.id == message.id,
                messages.c.state == message.state,
                messages.c.token == message.token,
            )
            .values(
                state=state,
                last_error=reason,
                due_at=due_at,
                sent_at=self._now if state == "sent" else None,
            )
        )
        if changed.rowcount == 0:
            return False
        self._audit.add(_SETTLED[state], message.id, {"reason": reason} if reason else None)
        return True

    def retry_parked(self, limit: int) -> int:
        """Makes at most ``limit`` parked messages due now; how many."""
        _check_transition("parked", "waiting")
        parked = (
            sa.select(messages.c.id)
            .where(messages.c.state == "parked")
            .order_by(messages.c.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        # Read first: PostgreSQL may run a subquery that locks more than once, and pass its limit.
        chosen = list(self._connection.execute(parked).scalars())
        self._connection.execute(
            sa.update(messages)
            .where(messages.c.id.in_(chosen))
            .values(state="waiting", due_at=self._now)
        )
        self._audit.add_many([("message.retried", one, None) for one in chosen])
        return len(chosen)

    def find_parked(self, leads: str) -> list[Parked]:
        """What is parked, counted by organisation, reason and whether it was for the national
        ``leads``."""
        group = (
            messages.c.organisation,
            (messages.c.recipient == leads).label("to_leads"),
            messages.c.last_error.label("reason"),
        )
        query = (
            sa.select(*group, sa.func.count().label("messages"))
            .where(messages.c.state == "parked")
            .group_by(*group)
            .order_by(*group)
        )
        return [Parked(**row) for row in self._connection.execute(query).mappings()]

    def count_alerts(self, message_id: str) -> int:
        """How many alerts a message announces."""
        query = sa.select(sa.func.count()).where(message_alerts.c.message_id == message_id)
        return self._connection.execute(query).scalar_one()

    def count_unsent(self) -> dict[str, int]:
        """How many wait (those being sent too), and how many are parked."""
        query = (
            sa.select(messages.c.state, sa.func.count())
            .where(messages.c.state.in_(("waiting", "sending", "parked")))
            .group_by(messages.c.state)
        )
        found: dict[str, int] = {row[0]: row[1] for row in self._connection.execute(query)}
        waiting = found.get("waiting", 0) + found.get("sending", 0)
        return {"waiting": waiting, "parked": found.get("parked", 0)}

    def _insert(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Those that are new. The unique id, not a look beforehand, settles a race."""
        if not drafts:
            return []
        insert = postgresql.insert if is_postgresql(self._connection) else sqlite.insert
        statement = insert(messages).on_conflict_do_nothing().returning(messages.c.id)
        rows = [
            {
                "id": draft.id,
                "kind": draft.kind,
                "organisation": draft.organisation,
                "recipient": draft.recipient,
                "subject": draft.subject,
                "body": draft.body,
                "state": "waiting",
                "due_at": self._now,
                "created_at": self._now,
            }
            for draft in drafts
        ]
        new = set(self._connection.execute(statement, rows).scalars())
        return [draft for draft in drafts if draft.id in new]

    def _record(self, drafts: Sequence[Draft]) -> None:
        self._audit.add_many(
            [
                ("message.made", one.id, {"kind": one.kind, "organisation": one.organisation})
                for one in drafts
            ]
        )

    def _take(self, links: sa.Select[Any]) -> None:
        columns = list(message_alerts.c.keys())
        self._connection.execute(sa.insert(message_alerts).from_select(columns, links))

    def _find_due(self, state: MessageState) -> Message | None:
        # One state at a time: the index (state, due_at) then gives the first row without a sort.
        query = (
            sa.select(*_COLUMNS)
            .where(messages.c.state == state, messages.c.due_at <= self._now)
            .order_by(messages.c.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        row = self._connection.execute(query).mappings().one_or_none()
        return Message(**row) if row else None


def _check_transition(before: MessageState, after: MessageState) -> None:
    if (before, after) not in MESSAGE_TRANSITIONS:
        raise ValueError(f"a message does not go from {before} to {after}")
