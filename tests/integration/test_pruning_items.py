"""What collectors found is forgotten only where it can never come again, and where nothing is owed
of it to anybody: on both databases."""

import json
from datetime import timedelta

import pytest

from gateway.collectors.kinds import KINDS
from gateway.collectors.register import remove_collector
from gateway.pipeline.collect_item import take_refused
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.prune import count_old_data, prune_old_data
from schemas.errors import WrongUseError
from store import tables
from store.collected import Seen
from tests.lib.collecting import (
    SOURCE,
    ScriptedFarEnd,
    add,
    list_batches,
    open_collecting,
    read_items,
    run,
    scripted,
)
from tests.lib.databases import read_rows

FEED = b"no feed, and a batch all the same"
MAILBOX = {
    "url": "https://mesh.example",
    "mailbox": "X26ABC2",
    "password": {"env": "MESH_PASSWORD"},
    "shared_key": {"env": "MESH_KEY"},
    "senders": [{"mailbox": "X26ABC1", "source": SOURCE.id}],
    "receipts": {"form": "csv"},
}


@pytest.fixture
def opened(tmp_path, database_url):
    with open_collecting(tmp_path / "home", database_url) as both:
        yield both


@pytest.fixture
def gateway(opened):
    return opened[0]


@pytest.fixture
def clock(opened):
    return opened[1]


@pytest.fixture
def drop(gateway, tmp_path):
    return watch(gateway, tmp_path)


def watch(gateway, tmp_path):
    """A watched folder."""
    path = tmp_path / "drop"
    path.mkdir()
    add(gateway, "folder", settings=json.dumps({"folder": str(path), "ready": "done"}))
    return path


def put(drop, name, content):
    (drop / name).write_bytes(content)
    (drop / f"{name}.done").touch()


def finish(gateway):
    """Every batch that was collected is loaded, and marked."""
    for row in read_rows(gateway.settings.database, tables.batches):
        process_batch(gateway, row.id)
    mark_externally_recorded(gateway)


def list_entries(gateway, action):
    rows = read_rows(gateway.settings.database, tables.audit)
    return [json.loads(row.details) for row in rows if row.action == action]


def test_what_a_folder_gave_is_forgotten_and_nothing_is_collected_again(gateway, clock, drop):
    put(drop, "a.csv", FEED)
    assert run(gateway) == {"received": 1}
    finish(gateway)
    clock.go(days=729)
    put(drop, "b.csv", FEED + b", another")
    assert run(gateway) == {"received": 1}
    assert prune_old_data(gateway)["items"] == 0
    clock.go(days=2)
    batches = list_batches(gateway.settings.database)
    assert count_old_data(gateway)["items"] == 1
    assert prune_old_data(gateway)["items"] == 1
    assert list(read_items(gateway)) == ["b.csv"]
    (told,) = list_entries(gateway, "pruned.items")
    assert told == {"count": 1, "first": told["first"], "last": told["first"], "receipts": 0}
    assert run(gateway) == {}
    assert list_batches(gateway.settings.database) == batches


def test_of_a_batch_that_waits_nothing_is_forgotten(gateway, clock, drop):
    put(drop, "a.csv", FEED)
    run(gateway)
    clock.go(days=3000)
    assert prune_old_data(gateway)["items"] == 0
    finish(gateway)
    assert prune_old_data(gateway)["items"] == 1


def test_what_a_far_end_may_list_again_is_remembered_for_ever(gateway, clock):
    far_end = ScriptedFarEnd({"a.csv": FEED}, keeps={"a.csv"})
    with scripted(far_end):
        add(gateway)
        assert run(gateway) == {"received": 1}
        finish(gateway)
        for _ in range(3):
            clock.go(days=3000)
            assert prune_old_data(gateway)["items"] == 0
            assert run(gateway) == {}
        remove_collector(gateway, "far")
        prune_old_data(gateway)
        add(gateway)
        assert run(gateway) == {}
    assert far_end.opened == ["a.csv"]


def test_only_keys_that_are_made_or_given_once_are_forgotten():
    """A file's name, size and time, or the bytes of an answer, may come again at any time."""
    assert {name for name, kind in KINDS.items() if kind.gives_once} == {"folder", "mesh"}


def test_what_was_never_received_is_collected_when_it_is_there_again(gateway, clock):
    def fail():
        raise OSError

    far_end = ScriptedFarEnd({"a.csv": fail})
    with scripted(far_end):
        add(gateway)
        with pytest.raises(Exception, match="item-failed"):
            run(gateway)
        waiting = read_items(gateway)
        clock.go(days=3000)
        assert prune_old_data(gateway)["items"] == 0
        assert read_items(gateway) == waiting, "it waits"
        del far_end.items["a.csv"]
        assert run(gateway) == {"gone": 1}
        clock.go(days=731)
        assert prune_old_data(gateway)["items"] == 1
        assert read_items(gateway) == {}
        far_end.items["a.csv"] = FEED
        assert run(gateway) == {"received": 1}


def test_the_bytes_of_a_refused_item_go_and_the_item_stays_known(gateway, clock):
    far_end = ScriptedFarEnd({"a.csv": FEED}, keeps={"a.csv"}, refused={"a.csv": "encrypted"})
    with scripted(far_end):
        add(gateway)
        assert run(gateway) == {"refused": 1}
        item = read_items(gateway)["a.csv"]
        clock.go(days=1094)
        assert prune_old_data(gateway)["refused"] == 0
        assert gateway.raw.holds(item.sha256)
        clock.go(days=2)
        assert count_old_data(gateway)["refused"] == 1
        done = prune_old_data(gateway)
        assert (done["refused"], done["files"], done["items"]) == (1, 1, 0)
        assert not gateway.raw.holds(item.sha256)
        assert list_entries(gateway, "pruned.refused") == [
            {"count": 1, "first": item.id, "last": item.id, "files": 1}
        ]
        assert run(gateway) == {}
        with pytest.raises(WrongUseError, match="no bytes wait"):
            take_refused(gateway, item.id, SOURCE.id)
    assert far_end.opened == ["a.csv"]


def test_a_refused_item_whose_bytes_are_kept_is_no_such_item_to_forget(gateway, clock, drop):
    put(drop, "a.csv", b"")
    assert run(gateway) == {"refused": 1}
    clock.go(days=1094)
    assert prune_old_data(gateway)["items"] == 0
    clock.go(days=2)
    assert prune_old_data(gateway)["refused"] == 1
    assert prune_old_data(gateway)["items"] == 1


def test_zero_days_is_for_ever(tmp_path, database_url):
    settings = {"keep_item_days": 0, "keep_rejected_days": 0}
    with open_collecting(tmp_path / "home", database_url, **settings) as (gateway, clock):
        drop = watch(gateway, tmp_path)
        put(drop, "a.csv", FEED)
        put(drop, "b.csv", b"")
        run(gateway)
        finish(gateway)
        clock.go(days=50 * 365)
        done = prune_old_data(gateway)
        assert (done["items"], done["refused"]) == (0, 0)


def test_some_at_a_time(gateway, clock, drop, monkeypatch):
    monkeypatch.setattr("gateway.pipeline.prune.CHUNK", 2)
    for number in range(5):
        put(drop, f"{number}.csv", FEED + bytes([65 + number]))
    run(gateway)
    finish(gateway)
    clock.go(days=731)
    assert prune_old_data(gateway)["items"] == 5
    assert [one["count"] for one in list_entries(gateway, "pruned.items")] == [2, 2, 1]


def test_a_collector_does_not_come_back_as_another_kind(gateway, drop):
    """Else what it remembers would be forgotten by another kind's rule."""
    remove_collector(gateway, "far")
    with scripted(ScriptedFarEnd()), pytest.raises(WrongUseError, match="was a folder collector"):
        add(gateway, "http")


@pytest.fixture
def box(gateway):
    """A mailbox that answers."""
    add(gateway, "mesh", name="box", settings=json.dumps(MAILBOX))
    return receive(gateway)


def receive(gateway, message="M1"):
    """An item that was received as the batch of one file, and acknowledged."""
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        sha256 = "a" * 64
        batch, _ = work.batches.add("b-1", SOURCE.id, sha256, 10, "feed", "mesh")
        (item,) = work.collected.see("box", [Seen(remote_id=message)])
        given = {"source_id": SOURCE.id, "size": 10, "sha256": sha256, "batch_id": batch.id}
        return work.collected.settle(work.collected.receive(item, **given))


def finish_batch(gateway):
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        batch = work.batches.get("b-1")
        work.batches.plan(batch, [])
        work.batches.finish(work.batches.get("b-1"), "rejected", batch.counts)


def answer(gateway, item, state="sent"):
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.receipt_messages.add(item, recipient="X26ABC1", workflow="W_ACK")
        found = work.receipt_messages.get(item.id)
        if state == "waiting":
            return
        claimed = work.receipt_messages.claim(found, timedelta(minutes=30))
        given = {"message_id": f"S{item.id}"} if state == "sent" else {}
        work.receipt_messages.settle(claimed, state, **given)


def test_a_message_that_is_not_answered_is_not_forgotten(gateway, clock, box):
    clock.go(days=3000)
    assert prune_old_data(gateway)["items"] == 0
    finish_batch(gateway)
    assert prune_old_data(gateway)["items"] == 0, "its receipt is owed"
    with gateway.store.read() as work:
        assert [one.id for one in work.receipt_messages.find_unanswered("box", 10)] == [box.id]


@pytest.mark.parametrize("state", ["waiting", "unknown", "refused"])
def test_an_answer_that_somebody_has_to_look_after_stays(gateway, clock, box, state):
    finish_batch(gateway)
    answer(gateway, box, state)
    answer(gateway, receive(gateway, "M2"))
    clock.go(days=3000)
    assert prune_old_data(gateway)["items"] == 0
    assert len(read_rows(gateway.settings.database, tables.receipt_messages)) == 2


def test_an_answered_message_goes_with_its_answer_but_for_the_newest(gateway, clock, box):
    finish_batch(gateway)
    answer(gateway, box)
    second = receive(gateway, "M2")
    answer(gateway, second)
    clock.go(days=700)
    third = receive(gateway, "M3")
    answer(gateway, third)
    assert prune_old_data(gateway)["items"] == 0
    clock.go(days=31)
    assert prune_old_data(gateway)["items"] == 2
    (told,) = list_entries(gateway, "pruned.items")
    assert told == {"count": 2, "first": box.id, "last": second.id, "receipts": 2}
    clock.go(days=3000)
    assert prune_old_data(gateway)["items"] == 0, "by it is told what the far end knows"
    with gateway.store.read() as work:
        known = work.receipt_messages.find_known("box")
        assert (known.item_id, known.local_id) == (third.id, "b-1.3")
    # The next answer about the batch goes out under a name of its own.
    fourth = receive(gateway, "M4")
    answer(gateway, fourth)
    with gateway.store.read() as work:
        assert work.receipt_messages.get(fourth.id).local_id == "b-1.4"
        assert work.receipt_messages.find_unanswered("box", 10) == []


def test_of_a_mailbox_that_does_not_answer_nothing_is_owed(gateway, clock, box):
    finish_batch(gateway)
    remove_collector(gateway, "box")
    settings = json.dumps({**MAILBOX, "receipts": None})
    add(gateway, "mesh", name="box", settings=settings)
    clock.go(days=731)
    assert prune_old_data(gateway)["items"] == 1
