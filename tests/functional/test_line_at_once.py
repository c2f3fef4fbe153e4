"""Several at work on the same feeds: paused attempts that wake, the same feed twice at once, parts
and batches in any order. What is stored and told is that of one patient reader."""

import json
import os
import random
import signal
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import store.engine
from gateway.generator import write_feed
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.plan import plan_waiting
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from gateway.receipts.read import open_receipt
from gateway.receipts.write import write_json
from schemas.errors import UnavailableError
from tests.lib.line import open_line, register_everyone
from tests.lib.line_child import SETTINGS, start_child, tell_to_begin, wait_for
from tests.lib.snapshot import find_differences, read_snapshot
from tests.lib.waiting import wait_for as wait_until

EVENTS = 150


class Place:
    """A home and a database with everybody registered."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        with self.open() as gateway:
            register_everyone(gateway, formats=("fhir", "csv"))

    def open(self):
        return open_line(self.home, self.url, **SETTINGS)

    def receive(self, feed: Path, source: str = "test-fhir") -> str:
        with self.open() as gateway, feed.open("rb") as stream:
            return receive_feed(gateway, source, stream, filename="feed")[0].id

    def plan(self) -> list[tuple[str, int]]:
        with self.open() as gateway:
            items = plan_waiting(gateway)
        return [(item["batch_id"], number) for item in items for number in item["parts"]]

    def process(self, work) -> None:
        with self.open() as gateway:
            for batch_id, number in work:
                process_parts(gateway, batch_id, [number])

    def finish(self) -> None:
        with self.open() as gateway:
            finish_batches(gateway)
            mark_externally_recorded(gateway)

    def start(self, verb: str, *words: str):
        return start_child(self.home, self.url, verb, *words)

    def read_all(self, *, audit: bool = True) -> dict[str, object]:
        """Everything stored, and every receipt as it is given out."""
        found = read_snapshot(self.url)
        if not audit:
            # How the outcome came about is another story in another order.
            del found["audit"]
        with self.open() as gateway:
            with gateway.store.read() as work:
                ids = [batch.id for batch in work.batches.find_all()]
            for batch_id in ids:
                with open_receipt(gateway, batch_id) as receipt:
                    found[batch_id] = "".join(write_json(receipt))
        return found


@pytest.fixture
def make_place(fresh_database, tmp_path):
    with ExitStack() as stack:
        names = iter("abcdefgh")
        yield lambda: Place(tmp_path / next(names), stack.enter_context(fresh_database()))


@pytest.fixture
def feed(tmp_path):
    path = tmp_path / "feed.ndjson"
    with path.open("wb") as stream:
        write_feed(stream, events=EVENTS, format="fhir-5", seed=5, errors=0.1, duplicates=0.3)
    return path


def read_calm(place: Place, *feeds: Path, audit: bool = True) -> dict[str, object]:
    """The stored outcome of one reader that takes everything in order."""
    for feed in feeds:
        place.receive(feed)
    place.process(place.plan())
    place.finish()
    return place.read_all(audit=audit)


def assert_same(found, expected) -> None:
    assert find_differences(
        {name: value for name, value in expected.items() if not name.startswith("b-")},
        {name: value for name, value in found.items() if not name.startswith("b-")},
    ) == []  # fmt: skip
    assert found == expected


def test_a_paused_attempt_that_wakes_writes_nothing(make_place, feed):
    expected = read_calm(make_place(), feed)
    place = make_place()
    batch_id = place.receive(feed)
    work = place.plan()
    paused = place.start("process-and-stop", batch_id, json.dumps([n for _, n in work]))
    tell_to_begin(paused)
    _, status = os.waitpid(paused.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    place.process(work)
    place.finish()
    paused.send_signal(signal.SIGCONT)
    # Not to be tried again: whoever took over goes on, or is done.
    assert wait_for(paused) == "LostPartError False"
    assert_same(place.read_all(), expected)


def start_and_stop_inside(place: Place, batch_id: str, work, silent_for: str):
    """A child that stopped with locks in its hands."""
    numbers = json.dumps([number for _, number in work])
    paused = place.start("process-and-stop-inside", batch_id, numbers, silent_for)
    tell_to_begin(paused)
    _, status = os.waitpid(paused.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    return paused


@pytest.fixture
def impatient(monkeypatch):
    """Who meets a lock does not wait for it."""
    monkeypatch.setattr(store.engine, "LOCK_TIMEOUT", "50ms")
    monkeypatch.setattr(store.engine, "BUSY_MILLISECONDS", 50)


@pytest.mark.usefixtures("impatient")
def test_an_attempt_paused_with_locks_in_its_hands(make_place, feed):
    """Who would take over is told to come again; where the paused one wakes, it goes on."""
    expected = read_calm(make_place(), feed)
    place = make_place()
    batch_id = place.receive(feed)
    work = place.plan()
    paused = start_and_stop_inside(place, batch_id, work, "1h")
    with pytest.raises(UnavailableError) as refused:
        place.process(work)
    assert refused.value.retryable
    paused.send_signal(signal.SIGCONT)
    assert wait_for(paused) == "done"
    place.process(work)
    place.finish()
    assert_same(place.read_all(), expected)


@pytest.mark.postgresql
@pytest.mark.usefixtures("impatient")
def test_postgresql_ends_the_transaction_of_who_is_silent(fresh_postgresql, tmp_path, feed):
    """So who would take over is let in, and the paused one has to come again. SQLite cannot."""
    expected = read_calm(Place(tmp_path / "calm", fresh_postgresql()), feed)
    place = Place(tmp_path / "rough", fresh_postgresql())
    batch_id = place.receive(feed)
    work = place.plan()
    paused = start_and_stop_inside(place, batch_id, work, "500ms")

    def take_over() -> bool:
        with suppress(UnavailableError):
            place.process(work)
            return True
        return False

    wait_until("the locks of the silent one", take_over)
    paused.send_signal(signal.SIGCONT)
    assert wait_for(paused) == "UnavailableError True"
    place.finish()
    assert_same(place.read_all(), expected)


def test_a_batch_processed_by_two_at_once(make_place, feed):
    expected = read_calm(make_place(), feed)
    place = make_place()
    batch_id = place.receive(feed)
    numbers = json.dumps([number for _, number in place.plan()])
    both = [place.start("process", batch_id, numbers) for _ in range(2)]
    for child in both:
        tell_to_begin(child)
    ends = {wait_for(child) for child in both}
    assert "done" in ends
    assert ends <= {"done", "LostPartError False"}
    place.finish()
    assert_same(place.read_all(), expected)


@pytest.mark.parametrize("verb", ["receive", "ingest"])
def test_the_same_bytes_from_several_at_once(make_place, feed, verb):
    expected = read_calm(make_place(), feed)
    place = make_place()
    children = [place.start(verb, "test-fhir", str(feed)) for _ in range(2)]
    for child in children:
        tell_to_begin(child)
    ends = {wait_for(child) for child in children}
    assert "done" in ends
    assert ends <= ({"done"} if verb == "receive" else {"done", "LostPartError False"})
    with place.open() as gateway:
        with gateway.store.read() as work:
            (batch,) = work.batches.find_all()
        process_batch(gateway, batch.id)
    assert_same(place.read_all(), expected)


def test_finished_and_marked_by_several_at_once(make_place, feed, tmp_path):
    # A header and nothing else: its finding is written when it is finished.
    empty = tmp_path / "empty.csv"
    with empty.open("wb") as stream:
        write_feed(stream, events=0, format="csv", seed=1)
    calm, place = make_place(), make_place()
    for one in (calm, place):
        one.receive(feed)
        one.receive(empty, "test-csv")
        one.process(one.plan())
    calm.finish()
    children = [place.start("finish") for _ in range(2)]
    for child in children:
        tell_to_begin(child)
    assert {wait_for(child) for child in children} == {"done"}
    assert_same(place.read_all(), calm.read_all())


def test_parts_in_any_order_and_at_once(make_place, feed):
    expected = read_calm(make_place(), feed, audit=False)
    place = make_place()
    batch_id = place.receive(feed)
    numbers = [number for _, number in place.plan()]
    assert len(numbers) > 4
    random.Random(11).shuffle(numbers)
    children = [
        place.start("process", batch_id, json.dumps(part)) for part in (numbers[::2], numbers[1::2])
    ]
    for child in children:
        tell_to_begin(child)
    assert {wait_for(child) for child in children} == {"done"}
    place.finish()
    assert_same(place.read_all(audit=False), expected)


def write_later_feed(first: Path, path: Path) -> None:
    """The same records in another order, every second one with another narrative, every fifth one
    with another place."""
    chance = random.Random(3)
    lines = first.read_text().splitlines()
    chance.shuffle(lines)
    changed = []
    for number, line in enumerate(lines):
        if number % 2:
            line = line.replace("The ", "This ", 1)  # noqa: PLW2901
        if number % 5 == 0:
            line = line.replace('"RZA"', '"R0A"')  # noqa: PLW2901
        changed.append(line)
    path.write_text("\n".join(changed))


def test_batches_in_reverse_order(make_place, feed, tmp_path):
    later = tmp_path / "later.ndjson"
    write_later_feed(feed, later)
    expected = read_calm(make_place(), feed, later, audit=False)
    assert any(
        '"disposition":"revised"' in line for line in expected.values() if isinstance(line, str)
    )
    place = make_place()
    first = place.receive(feed)
    place.receive(later)
    work = place.plan()
    place.process([one for one in work if one[0] != first])
    place.finish()
    place.process([one for one in work if one[0] == first])
    place.finish()
    assert_same(place.read_all(audit=False), expected)
