"""Order of arrival decides: whatever the order of loading, killed or not, the store holds what the
oracle says."""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import schemas.identifiers
from schemas.batch import Batch, Part
from schemas.errors import LostPartError
from schemas.judged import JudgedRecord
from schemas.receipt import Counts
from store.engine import Store, open_store
from store.failures import RefusedError
from store.tables import batches
from tests.lib.audit import read_actions, read_entries
from tests.lib.databases import read_rows
from tests.lib.oracle import Told, read_told, tell
from tests.lib.records import NOW, make_record, plan, receive, register

# Content (None: rejected) and the source's own id (None: it has none) of each record of a batch.
Records = list[tuple[str | None, str | None]]
FreshDatabase = Callable[[], AbstractContextManager[str]]

some_records = st.lists(
    st.tuples(st.sampled_from(["A", "B", "CC", None]), st.sampled_from(["one", "two", None])),
    min_size=1,
    max_size=7,
)
some_batches = st.lists(some_records, min_size=1, max_size=4)
some_order = st.integers(0, 2**32).map(random.Random)
quick = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Killed(Exception):  # noqa: N818 - it stands for a signal
    """Raised inside a transaction: all of it must be as if it had never been."""


class Loading:
    """Batches of a store on their way in, chunk by chunk, in any order that parts allow."""

    def __init__(self, store: Store, given: Sequence[Records], cut: random.Random) -> None:
        self.store = store
        self.batches: dict[int, list[JudgedRecord]] = {}
        self.waiting: dict[tuple[int, int], list[list[JudgedRecord]]] = {}
        self.received: dict[int, Batch] = {}
        self.held: dict[tuple[int, int], Part] = {}
        register(store)
        for place, contents in enumerate(given):
            records = [make_record(number, *one) for number, one in enumerate(contents, 1)]
            batch = receive(store, f"batch {place}")
            halves = _cut(records, cut)
            plan(store, batch, [len(half) for half in halves])
            self.batches[batch.number], self.received[batch.number] = records, batch
            for number, half in enumerate(halves, 1):
                self.waiting[batch.number, number] = _cut(half, cut)

    def load_next(self, key: tuple[int, int], *, killed: bool = False) -> None:
        """Load the next chunk of a part; finish its batch with the last."""
        batch_number, number = key
        batch, chunks = self.received[batch_number], self.waiting[key]
        if killed or key not in self.held:
            with self.store.begin(actor="test", at=NOW) as work:
                self.held[key] = work.parts.claim(batch_number, number)
        part = self.held[key]
        chunk = chunks[0]
        done = part.records_done + len(chunk)
        with self.store.begin(actor="test", at=NOW) as work:
            advanced = work.parts.advance(part, done, loaded=len(chunks) == 1)
            work.records.load(batch, chunk)
            if killed:
                raise Killed
        self.held[key] = advanced
        chunks.pop(0)
        if not chunks:
            del self.waiting[key]
            if not any(waiting[0] == batch_number for waiting in self.waiting):
                self._finish(batch)

    def _finish(self, batch: Batch) -> None:
        with self.store.begin(actor="test", at=NOW) as work:
            counts = work.receipts.count(batch.number)
            work.batches.finish(batch, "accepted", counts)


def _cut(records: list[JudgedRecord], cut: random.Random) -> list[list[JudgedRecord]]:
    at = cut.randint(0, len(records))
    return [piece for piece in (records[:at], records[at:]) if piece]


def check(url: str, loading: Loading) -> None:
    told = tell(loading.batches)
    assert read_told(url) == told
    check_counts(url, told)
    check_audit(url, told)


def check_counts(url: str, told: Told) -> None:
    """The counts kept with a batch are those of its lines, also where a late batch moved them."""
    for row in read_rows(url, batches):
        lines = [line for position, line in told.lines.items() if position[0] == row.number]
        sums = {
            name: sum(line.disposition == name for line in lines)
            for name in ("created", "revised", "unchanged", "rejected")
        }
        assert Counts(row.records, row.created, row.revised, row.unchanged, row.rejected) == Counts(
            records=len(lines), **sums
        )


def check_audit(url: str, told: Told) -> None:
    """An event comes into being once; each revision that was not settled late has its entry."""
    actions = read_actions(url)
    assert actions.count("event.created") <= len(told.seen)
    if "event.resettled" not in actions:
        assert actions.count("event.created") == len(told.seen)
        revised = sum(len(history) - 1 for history in told.revisions.values())
        assert actions.count("event.revised") == revised
    created = [subject for action, subject in read_entries(url) if action == "event.created"]
    assert len(created) == len(set(created)) == len(told.seen)


def load_all(loading: Loading, order: random.Random, *, kills: float) -> None:
    """The parts in any order, a chunk of one and a chunk of another; now and then one is killed
    before its commit and tried again by another attempt."""
    while loading.waiting:
        key = order.choice(sorted(loading.waiting))
        if order.random() < kills:
            with pytest.raises(Killed):
                loading.load_next(key, killed=True)
            del loading.held[key]
        else:
            loading.load_next(key)


@quick
@given(given=some_batches, order=some_order)
def test_any_order_with_kills_equals_order_of_arrival(
    fresh_database: FreshDatabase, given: list[Records], order: random.Random
) -> None:
    with fresh_database() as url:
        store = open_store(url)
        loading = Loading(store, given, order)
        load_all(loading, order, kills=0.3)
        store.close()
        check(url, loading)


@quick
@given(given=some_batches, order=some_order)
def test_events_whose_numbers_collide_stay_apart(
    fresh_database: FreshDatabase, given: list[Records], order: random.Random
) -> None:
    with pytest.MonkeyPatch.context() as patch, fresh_database() as url:
        # Eight numbers for up to five events: most are drawn more than once.
        patch.setattr(schemas.identifiers, "EVENT_ID_BITS", 3)
        store = open_store(url)
        loading = Loading(store, given, order)
        load_all(loading, order, kills=0.1)
        store.close()
        check(url, loading)


def test_late_record_moves_a_receipt_that_was_given(store: Store, database_url: str) -> None:
    loading = Loading(store, [[("A", "one")], [("A", "one")]], random.Random(0))
    first, second = sorted(loading.waiting)
    loading.load_next(second)
    loading.load_next(first)
    check(database_url, loading)
    with store.read() as work:
        newer = loading.received[second[0]]
        assert [line.disposition for line in work.receipts.read_lines(newer)] == ["unchanged"]
        assert work.batches.get(newer.id).counts == Counts(records=1, unchanged=1)
    actions = read_actions(database_url)
    assert actions.count("event.resettled") == 1
    assert actions.count("batch.recounted") == 1


def test_one_load_with_older_and_newer_records_of_an_event(store: Store, database_url: str) -> None:
    register(store)
    batch = receive(store, "one")
    records = [make_record(number, content, "one") for number, content in enumerate("ABC", 1)]
    for chunk in (records[1:2], [records[2], records[0]]):
        with store.begin(actor="test", at=NOW) as work:
            work.records.load(batch, chunk)
    assert read_told(database_url) == tell({batch.number: records})


def test_content_that_comes_back_is_a_revision(store: Store, database_url: str) -> None:
    given = [[("A", "one"), ("B", "one"), ("B", "one"), ("A", "one")]]
    loading = Loading(store, given, random.Random(0))
    while loading.waiting:
        loading.load_next(min(loading.waiting))
    check(database_url, loading)
    assert [line.revision for line in tell(loading.batches).lines.values()] == [1, 2, 2, 3]


def test_record_cannot_be_loaded_twice(store: Store, database_url: str) -> None:
    loading = Loading(store, [[("A", "one"), ("B", "two")]], random.Random(3))
    batch = loading.received[1]
    while loading.waiting:
        loading.load_next(min(loading.waiting))
    again = loading.batches[1][:1]
    with (
        pytest.raises(RefusedError, match="receipt_lines"),
        store.begin(actor="test", at=NOW) as work,
    ):
        work.records.load(batch, again)
    check(database_url, loading)


def test_part_that_was_taken_over_writes_nothing_more(store: Store, database_url: str) -> None:
    loading = Loading(store, [[("A", "one"), ("B", "two")]], random.Random(3))
    key = min(loading.waiting)
    with store.begin(actor="zombie", at=NOW) as work:
        zombie = work.parts.claim(*key)
    loading.load_next(key)
    with pytest.raises(LostPartError), store.begin(actor="zombie", at=NOW) as work:
        work.parts.advance(zombie, 1, loaded=False)
    while loading.waiting:
        loading.load_next(min(loading.waiting))
    check(database_url, loading)


def test_text_that_a_database_refuses_costs_nobody_a_record(store: Store) -> None:
    register(store)
    batch = receive(store, "hostile")
    hostile = [make_record(1, "A", "nul\0 in the id"), make_record(2, "B", "\ud800 alone")]
    with store.begin(actor="test", at=NOW) as work:
        assert work.records.load(batch, hostile).created == 2
    again = receive(store, "hostile again")
    with store.begin(actor="test", at=NOW) as work:
        assert work.records.load(again, hostile).unchanged == 2
