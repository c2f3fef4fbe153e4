"""Receipts that are sent back to who sent a message: written down before they are sent, claimed,
and what became of each."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import NoResultFound

from schemas.collecting import RECEIPT_TRANSITIONS, CollectedItem, ReceiptMessage, ReceiptState
from schemas.errors import UnknownError, WrongUseError
from store.audit import Audit
from store.tables import batches, collected, receipt_messages

_FIELDS = ReceiptMessage.__struct_fields__
_COLUMNS = [receipt_messages.c[name] for name in _FIELDS]
_ITEM = CollectedItem.__struct_fields__


class ReceiptMessages:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit
        self._now = now

    def find_unanswered(self, collector_id: str, limit: int) -> list[CollectedItem]:
        """Items whose batch is finished and that have no receipt message yet, the oldest first."""
        answered = select(receipt_messages.c.item_id).where(
            receipt_messages.c.item_id == collected.c.id
        )
        query = (
            select(*(collected.c[name] for name in _ITEM))
            .join(batches, batches.c.id == collected.c.batch_id)
            .where(
                collected.c.collector_id == collector_id,
                collected.c.state == "received",
                batches.c.state == "finished",
                ~answered.exists(),
            )
            .order_by(collected.c.id)
            .limit(limit)
        )
        rows = self._connection.execute(query)
        return [CollectedItem(**dict(zip(_ITEM, row, strict=True))) for row in rows]

    def add(self, item: CollectedItem, *, recipient: str, workflow: str) -> None:
        """To be sent now. The far end knows it by the batch's id; a second message that brought the
        same batch is answered under that id and a number."""
        # Behind the highest, not behind how many: earlier ones may be pruned.
        own = receipt_messages.c.batch_id == item.batch_id
        known = self._connection.execute(select(receipt_messages.c.local_id).where(own)).scalars()
        last = max((int(one.partition(".")[2] or 1) for one in known), default=0)
        local_id = f"{item.batch_id}.{last + 1}" if last else f"{item.batch_id}"
        self._connection.execute(
            insert(receipt_messages).values(
                item_id=item.id,
                collector_id=item.collector_id,
                batch_id=item.batch_id,
                local_id=local_id,
                recipient=recipient,
                workflow=workflow,
                state="waiting",
                due_at=self._now,
                created_at=self._now,
            )
        )
        self._tell("receipt_message.added", item.id, {"batch": item.batch_id})

    def get(self, item_id: int) -> ReceiptMessage:
        query = select(*_COLUMNS).where(receipt_messages.c.item_id == item_id)
        try:
            return _read(self._connection.execute(query).one())
        except NoResultFound:
            raise UnknownError(f"item {item_id} has no receipt message") from None

    def find(
        self, collector_id: str, states: Sequence[ReceiptState] = (), *, due: datetime | None = None
    ) -> list[ReceiptMessage]:
        """In order of their items; of these states, if any are given, and due by then."""
        query = select(*_COLUMNS).where(receipt_messages.c.collector_id == collector_id)
        if states:
            query = query.where(receipt_messages.c.state.in_(states))
        if due is not None:
            query = query.where(receipt_messages.c.due_at <= due)
        rows = self._connection.execute(query.order_by(receipt_messages.c.item_id))
        return [_read(row) for row in rows]

    def find_known(self, collector_id: str) -> ReceiptMessage | None:
        """One that the far end surely has, the newest."""
        query = (
            select(*_COLUMNS)
            .where(receipt_messages.c.collector_id == collector_id)
            .where(receipt_messages.c.state == "sent", receipt_messages.c.message_id.is_not(None))
            .order_by(receipt_messages.c.sent_at.desc())
            .limit(1)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def claim(self, message: ReceiptMessage, lease: timedelta) -> ReceiptMessage | None:
        """This caller's to send until the lease ends; None where another took it. Committed before
        the first byte is sent, it is the intent: who finds it so later knows that it may be out."""
        return self._move(
            message,
            "sending",
            "receipt_message.claimed",
            token=message.token + 1,
            attempts=message.attempts + 1,
            due_at=self._now + lease,
        )

    def take(self, message: ReceiptMessage, message_id: str) -> ReceiptMessage | None:
        """The far end took the first part under this id; the rest may be sent any number of
        times."""
        own = self._is_own(message)
        changed = update(receipt_messages).where(own).values(message_id=message_id)
        row = self._connection.execute(changed.returning(*_COLUMNS)).one_or_none()
        return None if row is None else _read(row)

    def settle(
        self,
        message: ReceiptMessage,
        state: ReceiptState,
        *,
        reason: str | None = None,
        due_at: datetime | None = None,
        message_id: str | None = None,
    ) -> bool:
        """How sending ended. False, and nothing is changed, where another took it over."""
        values: dict[str, Any] = {"reason": reason, "due_at": due_at or message.due_at}
        if state == "sent":
            values |= {"sent_at": self._now, "message_id": message_id or message.message_id}
        return self._move(message, state, f"receipt_message.{state}", **values) is not None

    def resend(self, message: ReceiptMessage) -> None:
        """An operator has it sent anew, though it may be there already. WrongUseError where it is
        sent, or about to be."""
        if message.state not in {"unknown", "undelivered", "refused"}:
            raise WrongUseError(f"the receipt of item {message.item_id} is {message.state}")
        values = {"due_at": self._now, "reason": None, "message_id": None}
        self._move(message, "waiting", "receipt_message.resent", **values)

    def refuse_delivery(self, collector_id: str, *, message_id: str, local_id: str) -> bool:
        """The far end reports that it could not deliver one; False where it is none of ours."""
        columns = receipt_messages.c
        named = columns.message_id == message_id
        if local_id:
            named |= columns.message_id.is_(None) & (columns.local_id == local_id)
        query = select(*_COLUMNS).where(columns.collector_id == collector_id, named)
        row = self._connection.execute(query).one_or_none() if message_id else None
        if row is None:
            return False
        found = _read(row)
        if found.state == "undelivered":
            return True
        return self.settle(found, "undelivered", reason="undelivered")

    def _move(
        self, message: ReceiptMessage, state: ReceiptState, action: str, **values: Any
    ) -> ReceiptMessage | None:
        if (message.state, state) not in RECEIPT_TRANSITIONS:
            raise WrongUseError(
                f"the receipt of item {message.item_id} is {message.state}, not to become {state}"
            )
        changed = (
            update(receipt_messages).where(self._is_own(message)).values(state=state, **values)
        )
        row = self._connection.execute(changed.returning(*_COLUMNS)).one_or_none()
        if row is None:
            return None
        reason = values.get("reason")
        self._tell(action, message.item_id, {"reason": reason} if reason else {})
        return _read(row)

    def _is_own(self, message: ReceiptMessage) -> Any:
        columns = receipt_messages.c
        return (
            (columns.item_id == message.item_id)
            & (columns.state == message.state)
            & (columns.token == message.token)
        )

    def _tell(self, action: str, item_id: int, details: dict[str, Any]) -> None:
        self._audit.add(action, str(item_id), details)


def _read(row: Row[Any]) -> ReceiptMessage:
    return ReceiptMessage(**dict(zip(_FIELDS, row, strict=True)))
