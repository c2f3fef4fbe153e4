"""Receipts that are sent back, in the store on both databases: one a message, claimed by one, and
every change with its audit entry."""

from datetime import timedelta

import pytest

from schemas.collecting import CollectedItem, Collector, ReceiptMessage
from schemas.errors import UnknownError, WrongUseError
from store.collected import Seen, Told
from store.engine import Store
from tests.lib.collecting import list_actions
from tests.lib.records import NOW, SOURCE, receive, register

LEASE = timedelta(minutes=30)


@pytest.fixture
def item(store: Store) -> CollectedItem:
    """A collected item whose batch is not finished."""
    register(store)
    batch = receive(store, "feed")
    with store.begin(actor="test", at=NOW) as work:
        work.collectors.add(
            Collector(
                id="box",
                source_id=SOURCE.id,
                kind="mesh",
                settings="{}",
                every=300,
                due_at=NOW,
                created_at=NOW,
            )
        )
        (seen,) = work.collected.see("box", [Seen(remote_id="M1", expires_at=NOW)])
        return work.collected.receive(
            seen,
            source_id=SOURCE.id,
            size=batch.size,
            sha256=batch.sha256,
            batch_id=batch.id,
            told=Told(name="feed.json", headers='{"mex-from":"X26ABC1"}'),
        )


@pytest.fixture
def message(store: Store, item: CollectedItem) -> ReceiptMessage:
    with store.begin(actor="test", at=NOW) as work:
        work.receipt_messages.add(item, recipient="X26ABC1", workflow="W_ACK")
        return work.receipt_messages.get(item.id)


def test_what_is_to_be_answered(store: Store, item: CollectedItem) -> None:
    with store.read() as work:
        assert work.receipt_messages.find_unanswered("box", 10) == []
        batch = work.batches.get(str(item.batch_id))
    with store.begin(actor="test", at=NOW) as work:
        work.batches.plan(batch, [])
        work.batches.finish(work.batches.get(batch.id), "rejected", batch.counts)
    with store.begin(actor="test", at=NOW) as work:
        assert work.receipt_messages.find_unanswered("box", 10) == [item]
        work.receipt_messages.add(item, recipient="X26ABC1", workflow="W_ACK")
        assert work.receipt_messages.find_unanswered("box", 10) == []


def test_one_of_two_claims_it(store: Store, message: ReceiptMessage) -> None:
    with store.begin(actor="one", at=NOW) as work:
        claimed = work.receipt_messages.claim(message, LEASE)
    with store.begin(actor="two", at=NOW) as work:
        assert work.receipt_messages.claim(message, LEASE) is None
        assert work.receipt_messages.find("box", ("sending",), due=NOW) == []
    assert claimed is not None
    later = NOW + LEASE
    with store.begin(actor="two", at=later) as work:
        (found,) = work.receipt_messages.find("box", ("sending",), due=later)
        taken = work.receipt_messages.claim(found, LEASE)
    assert taken is not None
    with store.begin(actor="one", at=later) as work:
        assert work.receipt_messages.take(claimed, "M9") is None
        assert work.receipt_messages.settle(claimed, "sent") is False
        assert work.receipt_messages.get(message.item_id).message_id is None


def test_reported_undelivered_and_sent_anew(
    store: Store, database_url: str, message: ReceiptMessage
) -> None:
    with store.begin(actor="test", at=NOW) as work:
        claimed = work.receipt_messages.claim(message, LEASE)
        assert claimed is not None
        taken = work.receipt_messages.take(claimed, "M9")
        assert taken is not None
        assert work.receipt_messages.settle(taken, "sent")
        with pytest.raises(WrongUseError):
            work.receipt_messages.resend(work.receipt_messages.get(message.item_id))
        refuse = work.receipt_messages.refuse_delivery
        assert not refuse("box", message_id="M8", local_id="")
        assert not refuse("other", message_id="M9", local_id=message.local_id)
        assert not refuse("box", message_id="", local_id="")
        assert refuse("box", message_id="M9", local_id="")
        assert refuse("box", message_id="M9", local_id=""), "told twice"
    with store.begin(actor="test", at=NOW) as work:
        undelivered = work.receipt_messages.get(message.item_id)
        assert (undelivered.state, undelivered.reason) == ("undelivered", "undelivered")
        work.receipt_messages.resend(undelivered)
        again = work.receipt_messages.get(message.item_id)
    assert (again.state, again.message_id, again.reason) == ("waiting", None, None)
    assert [
        one for one in list_actions(database_url, message.item_id) if one.startswith("receipt_")
    ] == [
        "receipt_message.added",
        "receipt_message.claimed",
        "receipt_message.sent",
        "receipt_message.undelivered",
        "receipt_message.resent",
    ]


def test_there_is_none(store: Store, item: CollectedItem) -> None:
    with store.read() as work, pytest.raises(UnknownError):
        work.receipt_messages.get(item.id)
