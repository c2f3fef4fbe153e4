"""Collecting, on both databases: each item once whatever dies when, one bad item never in the way
of another, two runs at once harmless; and what is told afterwards."""

import io
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError, ItemError, RefusedError
from gateway.collectors.register import remove_collector
from gateway.pipeline.collect import find_due_collectors, run_collector
from gateway.pipeline.collect_item import retry_refused, take_refused
from gateway.pipeline.receive import receive_feed
from schemas.errors import UnavailableError, UnknownError, WrongUseError
from store.tables import audit
from tests.lib.collecting import (
    FEED,
    MARK,
    OTHER,
    SOURCE,
    Clock,
    Killed,
    ScriptedFarEnd,
    add,
    list_actions,
    list_batches,
    open_collecting,
    read_collector,
    read_items,
    run,
    scripted,
)
from tests.lib.databases import read_rows


@pytest.fixture
def opened(tmp_path: Path, database_url: str) -> Iterator[tuple[Gateway, Clock]]:
    with open_collecting(tmp_path, database_url, max_feed_bytes=100_000) as both:
        yield both


@pytest.fixture
def gateway(opened: tuple[Gateway, Clock], far_end: ScriptedFarEnd) -> Gateway:
    add(opened[0])
    return opened[0]


@pytest.fixture
def far_end() -> Iterator[ScriptedFarEnd]:
    made = ScriptedFarEnd()
    with scripted(made):
        yield made


def fail_with(error: BaseException) -> Callable[[], bytes]:
    def read() -> bytes:
        raise error

    return read


def list_raw_files(gateway: Gateway) -> list[Path]:
    return [path for path in gateway.settings.raw_folder.rglob("*") if path.is_file()]


def test_each_item_is_a_batch_once_and_then_settled(gateway, far_end, database_url):
    far_end.keeps = {"b"}
    far_end.items = {"a": FEED, "b": FEED * 2}
    assert run(gateway) == {"received": 2}
    assert far_end.settled == [("a", "received"), ("b", "received")]
    assert run(gateway) == {}
    assert far_end.opened == ["a", "b"], "what stays there is not fetched again"
    assert list_batches(database_url) == [(SOURCE.id, "a", "pull"), (SOURCE.id, "b", "pull")]
    item = read_items(gateway)["a"]
    assert (item.size, item.state, item.settled_at) == (len(FEED), "received", gateway.now())
    assert list_actions(database_url, item.id) == ["item.received", "item.settled"]


def test_killed_before_the_far_end_was_told(gateway, far_end, clock, database_url):
    def kill(_name: str) -> None:
        raise Killed

    far_end.items = {"a": FEED}
    far_end.on_settle = kill
    with pytest.raises(Killed):
        run(gateway)
    assert read_items(gateway)["a"].settled_at is None
    assert run(gateway) == {"busy": 1}, "its lease still holds"
    clock.go(minutes=16)
    far_end.on_settle = lambda _name: None
    assert run(gateway) == {}
    assert far_end.opened == ["a"]
    assert far_end.settled == [("a", "received")]
    assert len(list_batches(database_url)) == 1


def test_killed_between_the_batch_and_its_item(gateway, far_end, clock, database_url):
    def kill(_name: str) -> None:
        raise Killed

    far_end.items = {"a": FEED}
    far_end.on_close = kill
    with pytest.raises(Killed):
        run(gateway)
    assert read_items(gateway)["a"].state == "waiting"
    assert len(list_batches(database_url)) == 1, "the batch is there, and nothing says whose"
    clock.go(minutes=16)
    far_end.on_close = lambda _name: None
    assert run(gateway) == {"known": 1}
    assert far_end.settled == [("a", "received")]
    assert len(list_batches(database_url)) == 1


def test_killed_when_the_far_end_was_told_and_the_store_not(gateway, far_end, clock):
    """Acknowledged there, so it is listed no more."""

    def tell_and_die(name: str) -> None:
        far_end.items.pop(name)
        raise Killed

    far_end.items = {"a": FEED}
    far_end.on_settle = tell_and_die
    with pytest.raises(Killed):
        run(gateway)
    clock.go(minutes=16)
    assert run(gateway) == {}
    item = read_items(gateway)["a"]
    assert (item.state, item.settled_at) == ("received", gateway.now())


def test_a_bad_item_holds_up_no_other(gateway, far_end, caplog, database_url):
    caplog.set_level(logging.INFO)
    far_end.items = {
        f"{MARK} one": fail_with(ItemError("broken-off")),
        f"{MARK} two": fail_with(RefusedError("unreadable")),
        f"{MARK} three": fail_with(ValueError(MARK)),
        f"{MARK} four": b"",
        f"{MARK} five": FEED,
    }
    with pytest.raises(CollectError) as failed:
        run(gateway)
    assert failed.value.reason == "item-failed"
    found = {name.split()[1]: one for name, one in read_items(gateway).items()}
    assert {name: (one.state, one.reason, one.tries) for name, one in found.items()} == {
        "one": ("waiting", "broken-off", 1),
        "two": ("refused", "unreadable", 0),
        "three": ("waiting", "our-fault", 1),
        "four": ("refused", "empty", 0),
        "five": ("received", None, 0),
    }
    assert "ValueError in test_collect_frame.py" in caplog.text
    assert MARK not in caplog.text
    assert not any(MARK in (row.details or "") for row in read_rows(database_url, audit))
    far_end.items = {f"{MARK} one": FEED * 3}
    assert run(gateway) == {"received": 1, "gone": 1}
    assert read_items(gateway)[f"{MARK} one"].reason is None


def test_an_endless_item_is_refused_at_the_limit(gateway, far_end, monkeypatch):
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1, /) -> bytes:
            assert size > 0, "never all of it at once"
            self.read_bytes += size
            return b"x" * size

    endless = Endless()
    monkeypatch.setattr("tests.lib.collecting.io.BytesIO", lambda _held: endless)
    far_end.items = {"a": FEED}
    assert run(gateway) == {"refused": 1}
    assert endless.read_bytes == gateway.settings.max_feed_bytes + 1
    item = read_items(gateway)["a"]
    assert (item.reason, item.sha256) == ("too-big", None)
    assert list_raw_files(gateway) == []


def test_where_the_far_end_breaks_the_run_fails_and_is_due_again_later(
    gateway, far_end, clock, database_url
):
    far_end.items = {"a": FEED, "b": fail_with(CollectError("unreachable")), "c": FEED * 2}
    remove_collector(gateway, "far")
    add(gateway, every=3600)
    for minutes in (5, 10, 20, 40, 60):
        assert find_due_collectors(gateway) == ["far"]
        with pytest.raises(CollectError):
            run(gateway)
        collector = read_collector(gateway)
        assert (collector.reason, collector.leased_until) == ("unreachable", None)
        assert collector.due_at == clock.now + timedelta(minutes=minutes)
        clock.go(minutes=minutes)
    assert [one.state for one in read_items(gateway).values()].count("received") == 1
    far_end.items["b"] = FEED * 3
    assert run(gateway) == {"received": 2}
    collector = read_collector(gateway)
    assert (collector.failures, collector.due_at) == (0, clock.now + timedelta(hours=1))
    actions = list_actions(database_url, "far")
    assert actions[-2:] == ["collector.failed", "collector.recovered"]


def test_our_own_database_failing_is_no_fault_of_an_item(gateway, far_end, monkeypatch):
    far_end.items = {"a": FEED}
    with monkeypatch.context() as broken:
        broken.setattr(
            "gateway.pipeline.collect_item.receive_raw_file",
            lambda *_args, **_rest: fail_with(UnavailableError("no answer"))(),
        )
        with pytest.raises(UnavailableError):
            run(gateway)
    assert read_collector(gateway).reason == "unavailable"
    assert read_items(gateway)["a"].tries == 0
    assert run(gateway) == {"received": 1}


def make_held():
    """An item that is fetched only once it may be; and two events: somebody fetches it, he may."""
    inside, go_on = Event(), Event()

    def wait() -> bytes:
        inside.set()
        assert go_on.wait(300)
        return FEED

    return inside, go_on, {"a": wait}


def test_two_runs_at_once_are_one(gateway, far_end, database_url):
    inside, go_on, far_end.items = make_held()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, gateway)
        assert inside.wait(300)
        assert run(gateway) == {"busy": 1}
        assert find_due_collectors(gateway) == []
        go_on.set()
        assert first.result() == {"received": 1}
    assert len(list_batches(database_url)) == 1


def test_a_run_that_was_taken_over_writes_nothing_and_tells_the_far_end_nothing(
    gateway, far_end, clock, database_url
):
    inside, go_on, far_end.items = make_held()
    with ThreadPoolExecutor(1) as pool:
        zombie = pool.submit(run, gateway)
        assert inside.wait(300)
        clock.go(minutes=16)
        far_end.items["a"] = FEED
        assert run(gateway) == {"received": 1}
        go_on.set()
        assert zombie.result() == {"busy": 1}
    assert far_end.settled == [("a", "received")]
    assert len(list_batches(database_url)) == 1
    actions = list_actions(database_url, read_items(gateway)["a"].id)
    assert actions == ["item.received", "item.settled"]


def test_a_long_item_keeps_its_lease(gateway, far_end, clock, monkeypatch):
    def renewed(_self: object, size: int = -1, /) -> bytes:
        clock.go(minutes=6)
        return next(blocks)

    blocks = iter([b"x" * 1000] * 5 + [b""])
    monkeypatch.setattr("gateway.collectors.reading._PULSE_BYTES", 1000)

    class Slow(io.RawIOBase):
        read = renewed

    monkeypatch.setattr("tests.lib.collecting.io.BytesIO", lambda _held: Slow())
    far_end.items = {"a": FEED}
    assert run(gateway) == {"received": 1}, (
        "half an hour of reading, with a lease of fifteen minutes"
    )


def test_the_same_bytes_by_two_routes_at_once_are_one_batch(gateway, far_end, database_url):
    far_end.items = {"a": FEED}

    def receive() -> bool:
        return receive_feed(gateway, SOURCE.id, io.BytesIO(FEED), filename="by hand")[1]

    with ThreadPoolExecutor(2) as pool:
        collected, by_hand = pool.submit(run, gateway), pool.submit(receive)
        assert (collected.result() == {"received": 1}) != by_hand.result()
    assert len(list_batches(database_url)) == 1
    assert far_end.settled == [("a", "received")]


def test_the_cursor_stays_before_an_item_that_failed(gateway, far_end):
    far_end.pages = 1
    far_end.cursors = {"a": "1", "b": "2", "c": "3"}
    far_end.items = {"a": FEED, "b": fail_with(ItemError("timed-out")), "c": FEED * 2}
    with pytest.raises(CollectError):
        run(gateway)
    assert read_collector(gateway).cursor == "1"
    far_end.items["b"] = FEED * 3
    far_end.items["c"] = FEED * 2
    run(gateway)
    assert read_collector(gateway).cursor == "3"


def test_what_leaves_the_far_end_before_it_was_received_is_gone_until_it_is_back(gateway, far_end):
    far_end.items = {"a": fail_with(ItemError("timed-out"))}
    with pytest.raises(CollectError):
        run(gateway)
    first_seen = read_items(gateway)["a"].first_seen_at
    far_end.items = {}
    assert run(gateway) == {"gone": 1}
    gone = read_items(gateway)["a"]
    assert (gone.state, gone.reason) == ("gone", "vanished")
    assert run(gateway) == {}
    far_end.items = {"a": FEED}
    assert run(gateway) == {"received": 1}
    back = read_items(gateway)["a"]
    assert (back.state, back.first_seen_at) == ("received", first_seen)
    assert far_end.settled == [("a", "received")]


def test_an_unknown_senders_item_is_kept_until_an_operator_says_whose_it_is(
    gateway, far_end, database_url
):
    far_end.items = {"a": FEED, "b": FEED * 2}
    far_end.refused = {"a": "unknown-sender"}
    far_end.sources = {"b": "nobody"}
    assert run(gateway) == {"refused": 2}
    assert far_end.settled == [("a", "refused"), ("b", "refused")]
    item = read_items(gateway)["a"]
    assert (item.state, item.reason, item.size) == ("refused", "unknown-sender", len(FEED))
    assert read_items(gateway)["b"].reason == "unknown-sender"
    with pytest.raises(UnknownError):
        take_refused(gateway, item.id, "nobody")
    batch = take_refused(gateway, item.id, OTHER.id)
    with gateway.raw.open_verified(batch.sha256) as stream:
        assert stream.read() == FEED
    assert list_batches(database_url) == [(OTHER.id, "a", "pull")]
    assert read_items(gateway)["a"].state == "received"
    with pytest.raises(WrongUseError):
        take_refused(gateway, item.id, OTHER.id)


def test_a_refused_item_that_stays_there_is_tried_again_when_an_operator_says_so(gateway, far_end):
    far_end.keeps = {"a"}
    far_end.items = {"a": fail_with(RefusedError("too-big"))}
    assert run(gateway) == {"refused": 1}
    far_end.items["a"] = FEED
    assert run(gateway) == {}
    retry_refused(gateway, read_items(gateway)["a"].id)
    assert run(gateway) == {"received": 1}


def test_it_runs_when_it_is_due(gateway, far_end, clock):
    assert find_due_collectors(gateway) == ["far"]
    run(gateway)
    assert find_due_collectors(gateway) == []
    clock.go(seconds=299)
    assert find_due_collectors(gateway) == []
    clock.go(seconds=1)
    assert find_due_collectors(gateway) == ["far"]


def test_a_removed_collector_is_run_no_more_and_comes_back_under_its_id(gateway, far_end):
    far_end.items = {"a": FEED}
    far_end.keeps = {"a"}
    run(gateway)
    with pytest.raises(WrongUseError, match="already"):
        add(gateway)
    remove_collector(gateway, "far")
    assert find_due_collectors(gateway) == []
    with pytest.raises(UnknownError):
        run_collector(gateway, "far")
    add(gateway)
    assert run(gateway) == {}, "what it collected is remembered"


def test_a_run_of_a_collector_that_was_removed_meanwhile_writes_nothing(gateway, far_end):
    def remove() -> bytes:
        remove_collector(gateway, "far")
        return FEED

    far_end.items = {"a": remove}
    assert run(gateway) == {"busy": 1}
    assert far_end.settled == []
