"""Single requests in the store: alone, in groups, in any grouping and from many processes they make
what the plain oracle says, and what a batch of the same records would."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from threading import Event
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import store.single_loading
from schemas.single import Single, SingleOutcome
from store.engine import Store, open_store
from store.failures import RefusedError
from store.tables import (
    audit,
    batches,
    bodies,
    events,
    idempotency_keys,
    marks,
    receipt_lines,
)
from tests.integration.test_store_arrival import check_audit, check_counts
from tests.integration.test_store_concurrency import at_once
from tests.lib.api_calls import count_rows
from tests.lib.databases import make_database, make_engine, read_rows
from tests.lib.oracle import read_told, tell
from tests.lib.records import NOW, make_record, plan, receive, register
from tests.lib.singles import load, load_in_groups, make_single, take_distinct

FreshDatabase = Callable[[], AbstractContextManager[str]]
# Content (none: rejected), and the source's own id (none: it has none).
Request = tuple[str | None, str | None]

requests = st.tuples(st.sampled_from(["A", "B", "CC", None]), st.sampled_from(["one", "two", None]))
# Each new, or the same bytes as the one that stood there.
some_requests = st.lists(requests | st.integers(0, 9), min_size=1, max_size=14)
some_cuts = st.lists(st.booleans(), min_size=14, max_size=14)
quick = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def make_singles(told: Sequence[Request | int]) -> list[Single]:
    made: list[Single] = []
    for place, one in enumerate(told):
        if isinstance(one, int) and made:
            made.append(made[one % len(made)])
        elif isinstance(one, tuple):
            made.append(make_single(f"request {place}", *one))
    return made


def cut(singles: Sequence[Single], cuts: Sequence[bool]) -> list[list[Single]]:
    groups: list[list[Single]] = [[]]
    for one, begins in zip(singles, cuts, strict=False):
        if begins:
            groups.append([])
        groups[-1].append(one)
    return groups


def check(url: str, singles: Sequence[Single], outcomes: Sequence[SingleOutcome]) -> None:
    """Against the oracle: each that was loaded is a batch of its own, in order of its number."""
    loaded = {
        outcome.batch_number: [one.record]
        for one, outcome in zip(singles, outcomes, strict=True)
        if outcome.state == "loaded"
    }
    told = tell(loaded)
    assert read_told(url) == told
    check_counts(url, told)
    check_audit(url, told)
    actions = Counter(row.action for row in read_rows(url, audit))
    assert actions["batch.submitted"] == len(loaded)
    first = {
        one.batch_id: outcome for one, outcome in reversed([*zip(singles, outcomes, strict=True)])
    }
    for one, outcome in zip(singles, outcomes, strict=True):
        assert outcome.state in ("loaded", "known")
        line = told.lines[first[one.batch_id].batch_number, 1]
        assert (outcome.disposition, outcome.revision) == (line.disposition, line.revision)
        assert outcome.batch_id == one.batch_id
        assert (outcome.event_id is None) == (one.identity is None)
    check_batches(url, {one.batch_id: one for one in singles})
    check_marks(url)


def check_batches(url: str, singles: dict[str, Single]) -> None:
    rows = read_rows(url, batches)
    assert {row.id for row in rows} == singles.keys()
    kept = {row.batch_number: row.body for row in read_rows(url, bodies)}
    for row in rows:
        one = singles[row.id]
        assert (row.state, row.records, row.size) == ("finished", 1, len(one.body))
        assert row.verdict == ("rejected" if one.identity is None else "accepted")
        assert row.finished_at is not None
        assert (row.profile, row.shape, row.route) == ("fhir", "fhir-json", "http")
        assert kept[row.number] == one.body


def check_marks(url: str) -> None:
    """Each event is marked as it is stored; its mark says no other once all batches are marked."""
    made = read_marks(url)
    assert {mark[0] for mark in made} == {row.id for row in read_rows(url, events)}
    store = open_store(url)
    with store.begin(actor="test", at=NOW) as work:
        work.marks.mark_batches()
    store.close()
    assert all(row.marked_at is not None for row in read_rows(url, batches))
    assert read_marks(url) == made


def read_marks(url: str) -> set[tuple[Any, ...]]:
    return {
        (
            row.event_id,
            row.source_id,
            row.route,
            row.recorded_by,
            bool(row.recorded_elsewhere),
            row.batch_number,
        )
        for row in read_rows(url, marks)
    }


@quick
@given(some_requests, some_cuts)
def test_any_grouping_makes_what_the_oracle_says(
    fresh_database: FreshDatabase, told: list[Request | int], cuts: list[bool]
) -> None:
    singles = make_singles(told)
    with fresh_database() as url:
        store = open_store(url)
        register(store)
        outcomes = load_in_groups(store, cut(singles, cuts))
        store.close()
        check(url, singles, outcomes)


@quick
@given(some_requests, some_cuts)
def test_singles_and_batches_of_one_make_the_same(
    fresh_database: FreshDatabase, told: list[Request | int], cuts: list[bool]
) -> None:
    """What is told of records, events and organisations, by the two ways in."""
    singles = make_singles([one for one in told if isinstance(one, tuple)])
    with fresh_database() as one_url, fresh_database() as other_url:
        store = open_store(one_url)
        register(store)
        # In a group the order of batches is that of their ids; so each alone.
        load_in_groups(store, [[one] for one in singles])
        store.close()
        store = open_store(other_url)
        register(store)
        for one in singles:
            batch = receive(store, one.body.decode())
            plan(store, batch, [1])
            with store.begin(actor="test", at=NOW) as work:
                work.parts.advance(work.parts.claim(batch.number, 1), 1, loaded=True)
                work.records.load(batch, [one.record])
            with store.begin(actor="test", at=NOW) as work:
                work.batches.finish(batch, "accepted", work.receipts.count(batch.number))
        store.close()
        assert read_told(one_url) == read_told(other_url)


def test_the_same_bytes_again_change_nothing(store: Store, database_url: str) -> None:
    register(store)
    body = make_single("one", "A", "one")
    (first,) = load(store, body)
    (revision,) = load(store, make_single("two", "B", "one"))
    before = count_rows(database_url)
    (again,) = load(store, body)
    assert (first.state, again.state) == ("loaded", "known")
    assert again.batch_number == first.batch_number
    assert (again.disposition, again.revision, again.current) == ("created", 1, 2)
    assert revision.revision == 2
    assert count_rows(database_url) == before


def test_an_event_that_must_not_be_there(store: Store, database_url: str) -> None:
    register(store)
    load(store, make_single("one", "A", "one"), make_single("two", "A"))
    before = count_rows(database_url)
    refused = load(
        store,
        make_single("three", "B", "one", only_new=True),
        make_single("four", "A", only_new=True),
        make_single("five", "C", "five", only_new=True),
    )
    assert [one.state for one in refused] == ["exists", "exists", "loaded"]
    assert [one.revision for one in refused] == [1, 1, 1]
    assert [one.batch_number for one in refused[:2]] == [0, 0]
    growth = {name: count - before[name] for name, count in count_rows(database_url).items()}
    assert growth["batches"] == growth["bodies"] == growth["receipt_lines"] == growth["events"] == 1
    # What was refused may come again as anything.
    assert load(store, make_single("three", "B", "one"))[0].disposition == "revised"


def test_an_event_that_must_stand_at_a_revision(store: Store, database_url: str) -> None:
    register(store)
    load(store, make_single("one", "A", "one"))
    before = count_rows(database_url)
    (stale,) = load(store, make_single("two", "B", "one", expected=2))
    assert (stale.state, stale.revision) == ("stale", 1)
    assert count_rows(database_url) == before
    assert load(store, make_single("two", "B", "one", expected=1))[0].revision == 2
    (stale,) = load(store, make_single("three", "C", "one", expected=1))
    assert (stale.state, stale.revision) == ("stale", 2)


def test_a_batch_of_another_kind_is_no_answer_yet(store: Store, database_url: str) -> None:
    """The same bytes came as a feed; until it is loaded nobody knows what becomes of them."""
    register(store)
    batch = receive(store, "one")
    one = make_single("one", "A", "one")
    assert one.batch_id == batch.id
    before = count_rows(database_url)
    (waiting,) = load(store, one)
    assert (waiting.state, waiting.disposition, waiting.event_id) == ("known", None, None)
    assert count_rows(database_url) == before
    plan(store, batch, [])
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, [make_record(1, "A", "one")])
    with store.begin(actor="test", at=NOW) as work:
        work.batches.finish(batch, "accepted", work.receipts.count(batch.number))
    (known,) = load(store, one)
    assert (known.state, known.disposition, known.revision) == ("known", "created", 1)


def test_a_group_that_fails_leaves_nothing(store: Store, database_url: str) -> None:
    register(store)
    refuse_marked_payloads(database_url)
    before = count_rows(database_url)
    group = [make_single("one", "A", "one"), make_single("two", "POISON", "two")]
    with pytest.raises(RefusedError):
        load(store, *group)
    assert count_rows(database_url) == before
    assert load(store, group[0])[0].state == "loaded"


def refuse_marked_payloads(url: str) -> None:
    engine = make_engine(url)
    with engine.begin() as connection:
        if url.startswith("sqlite"):
            connection.exec_driver_sql(
                "CREATE TRIGGER poison BEFORE INSERT ON revisions WHEN NEW.payload LIKE '%POISON%'"
                " BEGIN SELECT RAISE(ABORT, 'refused'); END"
            )
        else:
            connection.exec_driver_sql(
                "ALTER TABLE revisions ADD CONSTRAINT poison"
                " CHECK (payload::text NOT LIKE '%%POISON%%') NOT VALID"
            )
    engine.dispose()


def test_an_empty_group_is_nothing(store: Store) -> None:
    assert load(store) == []


def test_bytes_are_found_by_their_batch(store: Store) -> None:
    register(store)
    (one,) = load(store, make_single("as it was sent \x00\xff", "A", "one"))
    with store.read() as work:
        assert work.singles.find_body(one.batch_number) == "as it was sent \x00\xff".encode()
        assert work.singles.find_body(one.batch_number + 1) is None
        found = work.singles.find_outcome(one.batch_number)
        assert work.singles.find_outcome(one.batch_number + 1) is None
    assert found is not None
    assert (found.event_id, found.revision, found.recorded_at) == (one.event_id, 1, NOW)


@pytest.mark.parametrize("seed", range(3))
def test_many_loaders_at_once(store: Store, database_url: str, seed: int) -> None:
    """Each loads groups of requests about the same events, in an order of its own; every third
    request is the same bytes in all of them."""
    register(store)
    threads = 8

    def run(number: int) -> list[tuple[Single, SingleOutcome]]:
        order = random.Random(seed * threads + number)
        made = []
        for name in range(40):
            who = "all" if name % 3 == 0 else str(number)
            # Not of ``order``: the same bytes say the same.
            content = "AB"[name % 2] if who == "all" else order.choice("AAB")
            made.append(make_single(f"{who} {name}", content, f"event {name}"))
        order.shuffle(made)
        groups = [made[at : at + 9] for at in range(0, len(made), 9)]
        return [*zip(made, load_in_groups(store, groups), strict=True)]

    done = [pair for pairs in at_once(run, threads) for pair in pairs]
    assert Counter(outcome.state for _, outcome in done)["known"] == 14 * (threads - 1)
    loaded = {
        outcome.batch_number: [one.record] for one, outcome in done if outcome.state == "loaded"
    }
    told = tell(loaded)
    assert read_told(database_url) == told
    check_counts(database_url, told)
    assert len(read_rows(database_url, events)) == 40
    assert len(read_rows(database_url, receipt_lines)) == len(loaded)
    assert read_rows(database_url, idempotency_keys) == []


@pytest.mark.postgresql
def test_one_that_was_overtaken_comes_after(
    postgresql_server: str, postgresql_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took its number first, and another process has the event's lock before it: the version
    that the other has told by now stays that version."""
    kept, has_number, may_go_on = store.single_loading.claim_cases, Event(), Event()

    def claim(connection: Any, cases: Any, now: Any) -> None:
        held = list(cases)
        if any(case.current.narrative.endswith("slow") for case in held):
            has_number.set()
            assert may_go_on.wait(timeout=300)
        kept(connection, held, now)

    with make_database(postgresql_server, postgresql_template) as url:
        opened = open_store(url)
        register(opened)
        first = make_single("first", "A", "one")
        slow, fast = make_single("slow", "slow", "one"), make_single("fast", "fast", "one")
        beside = make_single("beside", "B slow", "two")
        (created,) = load(opened, first)
        monkeypatch.setattr(store.single_loading, "claim_cases", claim)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(load, opened, slow, beside)
            assert has_number.wait(timeout=300)
            (overtaking,) = load(opened, fast)
            may_go_on.set()
            overtaken, other = waiting.result()
        opened.close()
        assert (overtaking.revision, overtaken.revision, other.revision) == (2, 3, 1)
        assert overtaking.batch_number < overtaken.batch_number
        outcomes = [created, overtaken, other, overtaking]
        check(url, [first, slow, beside, fast], outcomes)
        actions = [row.action for row in read_rows(url, audit)]
        assert "event.resettled" not in actions
        assert actions.count("event.revised") == 2


def test_groups_are_cut_where_they_must_be() -> None:
    one, two = make_single("one", "A", "one"), make_single("two", "B", "one")
    three, bad = make_single("three", "C"), make_single("four", None)
    assert take_distinct([one, three, bad, two, one]) == [[one, three, bad], [two], [one]]
    assert take_distinct([bad, bad]) == [[bad], [bad]]
