"""Items of collectors that can never come again: removed some at a time, with the receipts that
were sent for them and the audit entry that says so. All others are kept for ever, as what is
forgotten would be collected once more."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, or_, select

from schemas.collecting import CollectorKind
from store.audit import Audit
from store.tables import batches, collected, collectors, receipt_messages

_ITEMS = collected.c
_RECEIPTS = receipt_messages.c


class OldItem(msgspec.Struct, frozen=True):
    """Settled before ``before``. ``once``: the kinds of collectors whose far ends give nothing
    twice. ``answering``: collectors that owe a receipt for each item they received."""

    before: datetime
    once: Collection[CollectorKind]
    answering: Collection[str]


class OldItems:
    def __init__(self, connection: Connection, audit: Audit, now: datetime) -> None:
        self._connection = connection
        self._audit = audit

    def count(self, old: OldItem) -> int:
        chosen = _select(old).subquery()
        return self._connection.execute(select(func.count()).select_from(chosen)).scalar_one()

    def prune(self, old: OldItem, limit: int, after: int = 0) -> tuple[int, int | None]:
        """At most ``limit``, behind the item ``after``: how many, and the last one, None where none
        is left."""
        query = _select(old).where(_ITEMS.id > after).limit(limit)
        locked = query.with_for_update(skip_locked=True, of=collected)
        ids = list(self._connection.execute(locked).scalars())
        if ids:
            answers = delete(receipt_messages).where(_RECEIPTS.item_id.in_(ids))
            receipts = self._connection.execute(answers).rowcount
            self._connection.execute(delete(collected).where(_ITEMS.id.in_(ids)))
            details = {"count": len(ids), "first": ids[0], "last": ids[-1], "receipts": receipts}
            self._audit.add("pruned.items", "items", details)
        return len(ids), ids[-1] if len(ids) == limit else None


def _select(old: OldItem) -> Select[Any]:
    is_kept = and_(_ITEMS.state == "refused", _ITEMS.sha256.is_not(None))
    waits = exists().where(batches.c.id == _ITEMS.batch_id, batches.c.state != "finished")
    return (
        select(_ITEMS.id)
        .where(
            _ITEMS.settled_at < old.before,
            _never_comes_again(old),
            ~is_kept,
            ~waits,
            _is_answered(old),
        )
        .order_by(_ITEMS.id)
    )


def _never_comes_again(old: OldItem) -> ColumnElement[bool]:
    """What left the far end before it was received is collected for the first time if it does."""
    of_once = select(collectors.c.id).where(collectors.c.kind.in_(old.once))
    return or_(_ITEMS.state == "gone", _ITEMS.collector_id.in_(of_once))


def _is_answered(old: OldItem) -> ColumnElement[bool]:
    """Nothing is to be sent back, or it was. The newest answer of each collector stays: by it is
    told whether the far end knows what it was sent."""
    is_sent = and_(_RECEIPTS.state == "sent", _RECEIPTS.sent_at < old.before)
    open_one = exists().where(_RECEIPTS.item_id == _ITEMS.id, ~is_sent)
    none = ~exists().where(_RECEIPTS.item_id == _ITEMS.id)
    is_owed = and_(_ITEMS.state == "received", _ITEMS.collector_id.in_(old.answering), none)
    newest = (
        select(func.max(_RECEIPTS.item_id))
        .where(_RECEIPTS.state == "sent", _RECEIPTS.message_id.is_not(None))
        .group_by(_RECEIPTS.collector_id)
    )
    return and_(~open_one, ~is_owed, _ITEMS.id.not_in(newest))
