"""Many at once, on real databases: one event, one batch, one winner; no deadlock."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import make_url

from schemas.batch import Batch
from schemas.errors import LostPartError
from schemas.identifiers import make_batch_id
from schemas.judged import JudgedRecord
from schemas.receipt import Counts
from store.engine import Store, open_store
from store.tables import audit, batches
from tests.integration.test_store_arrival import check_counts
from tests.lib.audit import read_actions
from tests.lib.databases import read_rows
from tests.lib.oracle import read_told, tell
from tests.lib.records import NOW, SOURCE, make_record, plan, receive, register

THREADS = 8
Result = TypeVar("Result")


def at_once(work: Callable[[int], Result], threads: int = THREADS) -> list[Result]:
    """Run ``work`` in so many threads that all begin together."""
    barrier = Barrier(threads)

    def begin(number: int) -> Result:
        barrier.wait(timeout=300)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(begin, range(threads)))


def load(store: Store, batch: Batch, records: list[JudgedRecord]) -> Counts:
    with store.begin(actor="test", at=NOW) as work:
        return work.records.load(batch, records)


@pytest.mark.parametrize("seed", range(3))
def test_same_events_in_many_batches_at_once(store: Store, database_url: str, seed: int) -> None:
    """Each thread loads its own batch, in two chunks, of records of the same fifty events: some of
    the same content, some not, each batch in an order of its own."""
    register(store)
    given: dict[int, list[JudgedRecord]] = {}
    received: list[Batch] = []
    for number in range(THREADS):
        order = random.Random(seed * THREADS + number)
        names = [str(name) for name in range(50)]
        order.shuffle(names)
        batch = receive(store, f"batch {number}")
        plan(store, batch, [])
        received.append(batch)
        given[batch.number] = [
            make_record(place, order.choice("AAAB"), name) for place, name in enumerate(names, 1)
        ]

    def run(number: int) -> None:
        batch = received[number]
        records = given[batch.number]
        load(store, batch, records[:30])
        load(store, batch, records[30:])
        with store.begin(actor="test", at=NOW) as work:
            work.batches.finish(batch, "accepted", work.receipts.count(batch.number))
        with store.begin(actor="test", at=NOW) as work:
            work.marks.mark_batches()

    at_once(run)
    told = tell(given)
    assert read_told(database_url) == told
    check_counts(database_url, told)
    actions = read_actions(database_url)
    assert actions.count("event.created") == 50
    assert actions.count("batch.marked") == THREADS


def test_same_bytes_at_once_are_one_batch(store: Store, database_url: str) -> None:
    register(store)
    sha256 = "a" * 64
    batch_id = make_batch_id(SOURCE.id, sha256)

    def run(_: int) -> tuple[int, bool]:
        with store.begin(actor="test", at=NOW) as work:
            batch, new = work.batches.add(batch_id, SOURCE.id, sha256, 10, "feed.csv", "file")
            return batch.number, new

    results = at_once(run)
    assert len({number for number, _ in results}) == 1
    assert [new for _, new in results].count(True) == 1
    assert len(read_rows(database_url, batches)) == 1
    received = [row for row in read_rows(database_url, audit) if row.action == "batch.received"]
    assert len(received) == 1


def test_of_many_attempts_at_a_part_only_the_newest_writes(store: Store) -> None:
    register(store)
    batch = receive(store, "contested")
    plan(store, batch, [1])
    record = make_record(1, "A", "one")

    def run(_: int) -> int:
        with store.begin(actor="test", at=NOW) as work:
            part = work.parts.claim(batch.number, 1)
        everyone_claimed.wait(timeout=300)
        try:
            with store.begin(actor="test", at=NOW) as work:
                work.parts.advance(part, 1, loaded=True)
                work.records.load(batch, [record])
        except LostPartError:
            return 0
        return part.token

    everyone_claimed = Barrier(THREADS)
    assert sorted(at_once(run)) == [0] * (THREADS - 1) + [THREADS]


def test_finishing_while_an_older_batch_moves_its_lines(store: Store, database_url: str) -> None:
    register(store)
    older, newer = receive(store, "older"), receive(store, "newer")
    given = {
        older.number: [make_record(place, "A", str(place)) for place in range(1, 21)],
        newer.number: [make_record(place, "B", str(place)) for place in range(1, 21)],
    }
    plan(store, newer, [])
    load(store, newer, given[newer.number])

    def run(number: int) -> None:
        if number % 2:
            load(store, older, given[older.number])
            return
        with store.begin(actor="test", at=NOW) as work:
            work.batches.finish(newer, "accepted", work.receipts.count(newer.number))

    at_once(run, 2)
    assert read_told(database_url) == tell(given)
    with store.read() as work:
        assert work.batches.get(newer.id).counts == Counts(records=20, revised=20)


@pytest.mark.postgresql
@pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("commits", [True, False])
def test_new_event_that_another_is_just_making(database_url: str, commits: bool) -> None:
    """The second waits for the first, and counts on nothing but what the first left behind."""
    store, other = open_store(database_url), open_store(database_url)
    register(store)
    batches_ = [receive(store, "one"), receive(store, "two")]
    records = [make_record(1, "A", "one"), make_record(2, "A", "two")]
    with ThreadPoolExecutor(1) as pool:
        with (
            nullcontext() if commits else pytest.raises(ZeroDivisionError),
            store.begin(actor="test", at=NOW) as work,
        ):
            work.records.load(batches_[0], records)
            waiting = pool.submit(load, other, batches_[1], records)
            wait_for_a_lock(database_url)
            if not commits:
                raise ZeroDivisionError
        counts = waiting.result()
    assert counts == (Counts(2, unchanged=2) if commits else Counts(2, created=2))
    loaded = {batch.number: records for batch in batches_[not commits :]}
    assert read_told(database_url) == tell(loaded)
    store.close()
    other.close()


def wait_for_a_lock(url: str) -> None:
    """Until some session of the database waits for another."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as watcher:
        while not watcher.execute(
            "SELECT 1 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchall():
            pass
