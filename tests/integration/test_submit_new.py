"""Creates of new events, which the event loop loads in one statement: the same answers and the same
store as by the other way; and what is not new, or fails, goes that way and is not lost."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gateway.api.loading import Loader
from gateway.bootstrap import Gateway
from gateway.pipeline.submit import Submitting
from gateway.pipeline.submit_new import New, NewSubmitting
from schemas.asked import Answer, Asked
from store import tables
from store.at_once import AtOnce
from tests.integration.test_store_singles import refuse_marked_payloads
from tests.lib.api import register_sources
from tests.lib.api_calls import count_rows, find_growth, write_event
from tests.lib.asked import NOBODY, ask, assert_same_answer, draw_requests, read_by_batch
from tests.lib.databases import read_rows
from tests.lib.events import STORY
from tests.lib.line import open_line

pytestmark = pytest.mark.postgresql


@pytest.fixture
def open_fresh(
    fresh_postgresql: Callable[[], str], tmp_path: Path
) -> Iterator[Callable[..., Gateway]]:
    with ExitStack() as stack:

        def open_one(**settings: Any) -> Gateway:
            gateway = stack.enter_context(open_line(tmp_path, fresh_postgresql(), **settings))
            register_sources(gateway)
            return gateway

        yield open_one


class Loaded:
    """What the loader answered, and of how many groups of new requests (their sizes) it had the
    answer at once."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.at_once: list[int] = []
        self.otherwise: list[int] = []

    @property
    def states(self) -> list[str]:
        return [one.state for one in self.answers]


def start_loader(gateway: Gateway, kind: type[NewSubmitting] = NewSubmitting) -> Loader:
    """As the app does, in a running event loop."""
    submitting = Submitting(gateway)
    at_once = gateway.store.open_at_once(actor="api")
    assert at_once is not None
    loader = Loader(submitting.submit, kind(gateway, submitting.judge, at_once))
    loader.start()
    return loader


def load(gateway: Gateway, groups: Sequence[Sequence[Asked]], *, warm: bool = True) -> Loaded:
    """One group after the other, each at once, as the API does. ``warm``: what is looked up now and
    then, and the years, are known."""
    loaded = Loaded()

    class Counted(NewSubmitting):
        async def submit(self, group: Sequence[New]) -> list[Answer] | None:
            answers = await super().submit(group)
            (loaded.otherwise if answers is None else loaded.at_once).append(len(group))
            return answers

    async def run() -> None:
        loader = start_loader(gateway, Counted)
        if warm:
            await loader.submit(ask(write_event(name=f"first-{id(loaded)}"), 99_000 + len(groups)))
            loaded.at_once.clear()
            loaded.otherwise.clear()
        for group in groups:
            loaded.answers += await asyncio.gather(*map(loader.submit, group))
        await loader.stop()

    asyncio.run(run())
    return loaded


def make_creates(count: int, **changes: Any) -> list[Asked]:
    return [
        ask(write_event(name=f"IN-{number}", **changes), number, key=f"k-{number}")
        for number in range(count)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_one_after_the_other_both_ways_are_the_same(
    open_fresh: Callable[..., Gateway], seed: int
) -> None:
    told, stored = [], []
    for is_new in (False, True):
        gateway = open_fresh()
        submitting = Submitting(gateway)
        names = [ask(write_event(name=f"known-{place}"), 1_000 + place) for place in range(3)]
        answers = [submitting.submit([one])[0] for one in names]
        known = [answer.version.event_id for answer in answers if answer.version]
        asked = draw_requests(random.Random(seed), known)
        if is_new:
            loaded = load(gateway, [[one] for one in asked], warm=False)
            told.append(loaded.answers)
            assert len(loaded.at_once) >= 3
            assert loaded.otherwise, "some were there already"
        else:
            told.append([submitting.submit([one])[0] for one in asked])
        stored.append(read_by_batch(gateway.settings.database))
    for one, other in zip(*told, strict=True):
        assert_same_answer(one, other)
    for name in stored[0]:
        assert stored[1][name] == stored[0][name], name


def test_a_group_is_loaded_together(open_fresh: Callable[..., Gateway]) -> None:
    gateway = open_fresh()
    asked = [
        *make_creates(20),
        ask(write_event(narrative="Fell."), 50, key="bad"),
        ask(b"{", 51),
        ask(write_event(name="IN-60", **NOBODY), 52, key="refused"),
    ]
    before = count_rows(gateway.settings.database)
    loaded = load(gateway, [asked])
    assert loaded.states == ["created"] * 20 + ["rejected", "unreadable", "refused"]
    assert sum(loaded.at_once) == 22
    assert len(loaded.at_once) <= 2
    growth = find_growth(before, count_rows(gateway.settings.database))
    # One more is the first.
    assert growth["events"] == growth["revisions"] == 21
    assert growth["batches"] == growth["bodies"] == growth["receipt_lines"] == 23
    assert growth["idempotency_keys"] == 21
    numbers = [row.number for row in read_rows(gateway.settings.database, tables.batches)]
    assert len(set(numbers)) == len(numbers)
    seen = {row.seen_batch for row in read_rows(gateway.settings.database, tables.events)}
    assert seen <= set(numbers)
    again = load(gateway, [[one] for one in asked[:21]])
    assert {answer.is_replayed for answer in again.answers} == {True}
    assert again.states == loaded.states[:21]


def test_the_same_within_a_group_is_one_event(open_fresh: Callable[..., Gateway]) -> None:
    gateway = open_fresh()
    body, other = write_event(name="IN-1"), write_event(name="IN-1", narrative=f"{STORY} Again.")
    asked = [
        ask(body, 1),
        ask(body, 2),
        ask(body, 3, key="one"),
        ask(other, 4, key="two"),
        ask(write_event(name="IN-2"), 5, key="three"),
        ask(write_event(name="IN-3"), 6, key="three"),
    ]
    loaded = load(gateway, [asked])
    assert loaded.states == ["created", "known", "known", "revised", "created", "reused"]
    named = [row.identity for row in read_rows(gateway.settings.database, tables.events)]
    assert len(named) == len(set(named)) == 3


def test_a_commit_whose_answer_is_lost_is_not_done_twice(
    open_fresh: Callable[..., Gateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, kept, lost = open_fresh(), AtOnce._insert, []

    async def insert(self: AtOnce, insertion: Any) -> Any:
        outcomes = await kept(self, insertion)
        if outcomes is not None and len(outcomes) > 1:
            lost.append(len(outcomes))
            raise psycopg.OperationalError("the connection broke")
        return outcomes

    monkeypatch.setattr(AtOnce, "_insert", insert)
    asked = [*make_creates(5), ask(write_event(name="IN-9"), 9)]
    loaded = load(gateway, [asked])
    assert lost == [6]
    assert loaded.states == ["created"] * 5 + ["known"], "they are found to be there"
    assert all(answer.is_replayed for answer in loaded.answers[:5])
    assert len(read_rows(gateway.settings.database, tables.events)) == 7


def test_a_connection_that_is_gone_is_opened_anew(
    open_fresh: Callable[..., Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    gateway, kept = open_fresh(), []
    asked = make_creates(6)

    class Ended(NewSubmitting):
        async def submit(self, group: Sequence[New]) -> list[Answer] | None:
            if len(kept) == 3:
                assert self._at_once._connection is not None
                await self._at_once._connection.close()
            kept.append(answers := await super().submit(group))
            return answers

    async def run() -> list[str]:
        loader = start_loader(gateway, Ended)
        states = [(await loader.submit(one)).state for one in asked]
        await loader.stop()
        return states

    assert asyncio.run(run()) == ["created"] * 6
    assert [answers is None for answers in kept] == [False, False, False, True, False]
    assert "is loaded again" in caplog.text


def test_what_the_database_refuses_of_one_costs_only_that_one(
    open_fresh: Callable[..., Gateway], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway = open_fresh()
    refuse_marked_payloads(gateway.settings.database)
    stories = [f"{STORY} {'POISON' if number == 2 else 'Well.'}" for number in range(5)]
    asked = [
        ask(write_event(name=f"IN-{number}", narrative=story), number, key=f"k-{number}")
        for number, story in enumerate(stories)
    ]
    loaded = load(gateway, [asked])
    assert Counter(loaded.states) == {"created": 4, "fault": 1}
    assert loaded.states[2] == "fault"
    assert "POISON" not in caplog.text
    assert len(read_rows(gateway.settings.database, tables.idempotency_keys)) == 4


def test_the_first_event_of_a_year_makes_its_partition(open_fresh: Callable[..., Gateway]) -> None:
    gateway = open_fresh()
    asked = make_creates(2, event_date="2019-03-04")
    loaded = load(gateway, [[one] for one in asked])
    assert loaded.states == ["created"] * 2
    assert (loaded.otherwise, loaded.at_once) == ([1], [1])
    assert [row.year for row in read_rows(gateway.settings.database, tables.revisions)].count(
        2019
    ) == 2


def test_nothing_is_asked_by_the_loop(open_fresh: Callable[..., Gateway]) -> None:
    """Where the register and the source are to be looked up for each, the other way does it; and it
    takes what is large."""
    gateway = open_fresh(register_cache_seconds=0)
    loaded = load(gateway, [make_creates(2)])
    assert (loaded.states, loaded.at_once, loaded.otherwise) == (["created"] * 2, [], [])
    gateway = open_fresh()
    padded = b" " * 70_000 + make_creates(1)[0].body
    loaded = load(gateway, [[ask(padded, 1)]])
    assert (loaded.states, loaded.at_once, loaded.otherwise) == (["created"], [], [])


def test_what_waits_is_answered_before_it_stops(open_fresh: Callable[..., Gateway]) -> None:
    gateway = open_fresh()

    async def run() -> list[Answer]:
        loader = start_loader(gateway)
        await loader.submit(ask(write_event(name="first"), 1_000))
        waiting = [asyncio.ensure_future(loader.submit(one)) for one in make_creates(70)]
        await asyncio.sleep(0)
        await loader.stop()
        return await asyncio.gather(*waiting)

    assert {answer.state for answer in asyncio.run(run())} == {"created"}
