"""Idempotency keys in the store: who holds one, who has lost it, what is kept under it and for how
long; each state change once, whoever comes at once."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from schemas.single import KeptAnswer, Reservation
from store.engine import Store
from store.reservations import KEPT, LEASE, Reserved, Wanted
from store.tables import idempotency_keys
from tests.integration.test_store_concurrency import at_once
from tests.lib.databases import read_rows
from tests.lib.records import NOW, SOURCE, register
from tests.lib.singles import load, make_single

BODY, OTHER = b"1" * 32, b"2" * 32
ANSWER = KeptAnswer(state="created", batch_number=7, event_id=2**60 - 1, revision=1)


def want(key: str = "key", fingerprint: bytes = BODY, source_id: str = SOURCE.id) -> Wanted:
    return Wanted(source_id, key, fingerprint)


def reserve(store: Store, *wanted: Wanted, at: datetime = NOW) -> list[Reserved]:
    with store.begin(actor="test", at=at) as work:
        return work.reservations.reserve(wanted)


def settle(store: Store, reservation: Reservation | None, answer: KeptAnswer | None) -> None:
    assert reservation is not None
    with store.begin(actor="test", at=NOW) as work:
        work.reservations.settle([(SOURCE.id, reservation, answer)])


def test_a_key_is_held_answered_and_told(store: Store) -> None:
    (first,) = reserve(store, want())
    assert first == Reserved("held", Reservation("key", 0))
    assert reserve(store, want()) == [Reserved("in_flight")]
    assert reserve(store, want(fingerprint=OTHER)) == [Reserved("reused")]
    settle(store, first.reservation, ANSWER)
    assert reserve(store, want()) == [Reserved("answered", kept=ANSWER)]
    assert reserve(store, want(fingerprint=OTHER)) == [Reserved("reused")]
    # Long after the lease: an answer is an answer.
    assert reserve(store, want(), at=NOW + 2 * LEASE) == [Reserved("answered", kept=ANSWER)]


@pytest.mark.parametrize(
    "answer",
    [
        KeptAnswer(state="rejected", batch_number=3),
        KeptAnswer(state="exists", event_id=5, revision=2),
        KeptAnswer(state="known", batch_number=1, event_id=0, revision=1),
    ],
)
def test_every_kind_of_answer_is_told_as_it_was(store: Store, answer: KeptAnswer) -> None:
    (first,) = reserve(store, want())
    settle(store, first.reservation, answer)
    assert reserve(store, want()) == [Reserved("answered", kept=answer)]


def test_keys_are_each_sources_own(store: Store) -> None:
    found = reserve(store, want(), want(source_id="another"), want("other"))
    assert [one.state for one in found] == ["held"] * 3


def test_answers_come_in_the_order_of_the_questions(store: Store) -> None:
    (first,) = reserve(store, want("b"))
    settle(store, first.reservation, ANSWER)
    reserve(store, want("a"))
    found = reserve(store, want("d"), want("b"), want("c"), want("a"))
    assert [one.state for one in found] == ["held", "answered", "held", "in_flight"]


def test_a_key_without_an_answer_is_free_again(store: Store, database_url: str) -> None:
    (first,) = reserve(store, want())
    settle(store, first.reservation, None)
    assert read_rows(database_url, idempotency_keys) == []
    # For any request: there was no answer to the first.
    assert reserve(store, want(fingerprint=OTHER))[0].state == "held"


def test_a_lease_that_ran_out_is_taken_over_once(store: Store) -> None:
    (first,) = reserve(store, want())
    almost = NOW + LEASE - timedelta(seconds=1)
    assert reserve(store, want(), at=almost) == [Reserved("in_flight")]
    (second,) = reserve(store, want(), at=NOW + LEASE)
    assert second == Reserved("held", Reservation("key", 1))
    assert reserve(store, want(), at=NOW + LEASE) == [Reserved("in_flight")]
    # Whoever held it first cannot answer under it any more, nor free it.
    settle(store, first.reservation, ANSWER)
    settle(store, first.reservation, None)
    assert reserve(store, want(), at=NOW + LEASE) == [Reserved("in_flight")]
    settle(store, second.reservation, ANSWER)
    assert reserve(store, want(), at=NOW + LEASE) == [Reserved("answered", kept=ANSWER)]


def test_an_answer_cannot_be_freed_or_changed(store: Store) -> None:
    (first,) = reserve(store, want())
    settle(store, first.reservation, ANSWER)
    settle(store, first.reservation, None)
    assert reserve(store, want()) == [Reserved("answered", kept=ANSWER)]


def test_answers_are_kept_for_a_week(store: Store) -> None:
    (first,) = reserve(store, want())
    settle(store, first.reservation, ANSWER)
    with store.begin(actor="test", at=NOW + KEPT) as work:
        assert work.reservations.prune() == 0
    with store.begin(actor="test", at=NOW + KEPT + timedelta(seconds=1)) as work:
        assert work.reservations.prune() == 1
    assert reserve(store, want(fingerprint=OTHER))[0].state == "held"


def test_of_many_at_once_one_holds_it(store: Store) -> None:
    keys = [f"key {number}" for number in range(20)]

    def run(number: int) -> list[str]:
        order = keys[number:] + keys[:number]
        found = reserve(store, *[want(key) for key in order])
        return [one.state for one in found]

    states = Counter(state for states in at_once(run) for state in states)
    assert states == {"held": 20, "in_flight": 140}


def test_of_many_at_once_one_takes_it_over(store: Store) -> None:
    reserve(store, want())
    found = at_once(lambda _: reserve(store, want(), at=NOW + LEASE)[0])
    held = [one for one in found if one.state == "held"]
    assert [one.reservation for one in held] == [Reservation("key", 1)]


def test_what_is_loaded_is_kept_in_its_own_transaction(store: Store, database_url: str) -> None:
    register(store)
    reserved = reserve(store, want("a"), want("b"), want("c"), want("d"))
    a, b, c, d = (one.reservation for one in reserved)
    done = load(
        store,
        make_single("one", "A", "one", reservation=a),
        make_single("two", None, reservation=b),
        make_single("three", "C", "three", expected=9, reservation=c),
    )
    (exists,) = load(store, make_single("four", "B", "one", only_new=True, reservation=d))
    assert [one.state for one in done] == ["loaded"] * 3
    assert exists.state == "exists"
    kept = [one.kept for one in reserve(store, want("a"), want("b"), want("c"), want("d"))]
    created, rejected, third, there = kept
    assert created == KeptAnswer(
        state="created",
        batch_number=done[0].batch_number,
        event_id=done[0].event_id,
        revision=1,
    )
    assert rejected == KeptAnswer(state="rejected", batch_number=done[1].batch_number)
    assert third is not None
    assert third.state == "created"
    assert there == KeptAnswer(state="exists", event_id=done[0].event_id, revision=1)
    (e,) = reserve(store, want("e"))
    (stale,) = load(store, make_single("x", "B", "one", expected=9, reservation=e.reservation))
    assert stale.state == "stale"
    assert {row.key for row in read_rows(database_url, idempotency_keys)} == {"a", "b", "c", "d"}


def test_who_lost_the_key_loads_nothing(store: Store, database_url: str) -> None:
    """A process was paused for so long that another took its request over; now it goes on."""
    register(store)
    (first,) = reserve(store, want())
    (second,) = reserve(store, want(), at=NOW + LEASE)
    request = make_single("one", "A", "one", reservation=first.reservation)
    beside = make_single("two", "B", "two")
    lost, loaded = load(store, request, beside)
    assert (lost.state, loaded.state) == ("lost", "loaded")
    taken = make_single("one", "A", "one", reservation=second.reservation)
    (done,) = load(store, taken)
    assert done.state == "loaded"
    (again,) = load(store, request)
    assert again.state == "lost"
    (told,) = reserve(store, want(), at=NOW + LEASE)
    assert told.kept is not None
    assert (told.kept.state, told.kept.event_id) == ("created", done.event_id)
    assert len(read_rows(database_url, idempotency_keys)) == 1


def test_a_load_that_fails_leaves_the_key_held(store: Store) -> None:
    register(store)
    (first,) = reserve(store, want())
    request = make_single("one", "A", "one", reservation=first.reservation)

    def load_and_fail() -> None:
        with store.begin(actor="test", at=NOW) as work:
            work.singles.load([request])
            raise KeyError

    with pytest.raises(KeyError):
        load_and_fail()
    assert reserve(store, want()) == [Reserved("in_flight")]
    (done,) = load(store, request)
    assert done.disposition == "created"
