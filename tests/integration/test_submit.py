"""Requests about single events, submitted alone or together: the same answers and the same store,
whatever the grouping; and one that fails costs none of the others."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

import gateway.pipeline.submit as gateway_submit
from gateway.bootstrap import Gateway
from gateway.pipeline.judge_single import SingleJudge
from gateway.pipeline.submit import Submitting
from schemas.asked import Answer, Asked
from schemas.errors import FaultError, UnavailableError
from schemas.identifiers import parse_reference
from store import tables
from store.single_loading import Loading
from tests.integration.test_store_singles import refuse_marked_payloads
from tests.lib.api import OTHER, register_sources
from tests.lib.api_calls import count_rows, find_growth, write_event
from tests.lib.asked import STORY, ask, assert_same_answer, draw_requests, read_by_batch
from tests.lib.databases import read_rows
from tests.lib.line import open_line

FreshDatabase = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def open_fresh(fresh_database: FreshDatabase, tmp_path: Path) -> Iterator[Callable[[], Gateway]]:
    with ExitStack() as stack:

        def open_one() -> Gateway:
            url = stack.enter_context(fresh_database())
            gateway = stack.enter_context(open_line(tmp_path, url))
            register_sources(gateway)
            return gateway

        yield open_one


@pytest.fixture
def gateway(open_fresh: Callable[[], Gateway]) -> Gateway:
    return open_fresh()


def submit(gateway: Gateway, groups: Sequence[Sequence[Asked]]) -> list[Answer]:
    submitting = Submitting(gateway)
    return [answer for group in groups for answer in submitting.submit(group)]


def prepare(gateway: Gateway) -> list[int]:
    """Events that updates may name."""
    bodies = [write_event(name=f"known-{place}") for place in range(3)]
    answers = submit(gateway, [[ask(body, 1_000 + place)] for place, body in enumerate(bodies)])
    return [answer.version.event_id for answer in answers if answer.version]


@pytest.mark.parametrize("seed", range(4))
def test_any_grouping_gives_the_same_answers_and_the_same_store(
    open_fresh: Callable[[], Gateway], seed: int
) -> None:
    told: list[list[Answer]] = []
    stored = []
    for how in ("alone", "together", "in groups"):
        gateway = open_fresh()
        known = prepare(gateway)
        asked = draw_requests(random.Random(seed), known)
        cut = random.Random(f"{how} {seed}")
        if how == "alone":
            groups = [[one] for one in asked]
        elif how == "together":
            groups = [asked]
        else:
            groups, at = [], 0
            while at < len(asked):
                size = cut.randint(1, 9)
                groups.append(asked[at : at + size])
                at += size
        told.append(submit(gateway, groups))
        stored.append(read_by_batch(gateway.settings.database))
    alone, together, grouped = told
    for one, *others in zip(alone, together, grouped, strict=True):
        for other in others:
            assert_same_answer(one, other)
    for name in stored[0]:
        assert stored[1][name] == stored[0][name], name
        assert stored[2][name] == stored[0][name], name
    states = Counter(answer.state for answer in alone)
    assert {"created", "revised", "rejected", "refused"} <= states.keys()


def test_every_change_has_one_entry(gateway: Gateway) -> None:
    known = prepare(gateway)
    before = Counter(row.action for row in read_rows(gateway.settings.database, tables.audit))
    answers = submit(gateway, [draw_requests(random.Random(9), known)])
    states = Counter(answer.state for answer in answers)
    assert not states.keys() & {"busy", "fault"}
    after = Counter(row.action for row in read_rows(gateway.settings.database, tables.audit))
    loaded = sum(
        states[name] for name in ("created", "revised", "unchanged", "rejected", "unreadable")
    )
    assert after - before == Counter(
        {
            "event.created": states["created"],
            "event.revised": states["revised"],
            "batch.submitted": loaded,
            "submission.refused": states["refused"],
        }
    )


# --- One that fails ---


def test_a_fault_over_one_request_costs_only_that_one(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    kept = SingleJudge.judge

    def judge(self: SingleJudge, asked: Asked, *more: Any) -> Any:
        if b"POISON" in asked.body:
            raise KeyError(asked.body)
        return kept(self, asked, *more)

    monkeypatch.setattr(SingleJudge, "judge", judge)
    asked = [
        ask(
            write_event(name=f"{'POISON' if number == 3 else 'IN'}-{number}"),
            number,
            key=f"k-{number}",
        )
        for number in range(6)
    ]
    before = count_rows(gateway.settings.database)
    answers = submit(gateway, [asked])
    assert [one.state for one in answers] == ["created"] * 3 + ["fault"] + ["created"] * 2
    growth = find_growth(before, count_rows(gateway.settings.database))
    assert growth["events"] == growth["bodies"] == growth["idempotency_keys"] == 5
    assert "request r-3" in caplog.text
    assert "POISON" not in caplog.text
    monkeypatch.undo()
    (mended,) = submit(gateway, [[asked[3]]])
    assert (mended.state, mended.is_replayed) == ("created", False)


def test_what_the_database_refuses_of_one_costs_only_that_one(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    refuse_marked_payloads(gateway.settings.database)
    stories = [f"{STORY} {'POISON' if number == 2 else 'Well.'}" for number in range(5)]
    asked = [
        ask(write_event(name=f"IN-{number}", narrative=story), number, key=f"k-{number}")
        for number, story in enumerate(stories)
    ]
    before = count_rows(gateway.settings.database)
    answers = submit(gateway, [asked])
    assert [one.state for one in answers] == ["created"] * 2 + ["fault"] + ["created"] * 2
    growth = find_growth(before, count_rows(gateway.settings.database))
    assert growth["events"] == growth["bodies"] == growth["idempotency_keys"] == 4
    assert growth["audit"] == 8
    assert "POISON" not in caplog.text
    (again,) = submit(gateway, [[asked[2]]])
    assert again.state == "fault", "its key is free: it is tried anew"


def test_a_commit_that_may_have_been_is_not_done_twice(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is committed, and the answer to it is lost; so the group is tried again one
    by one, and finds its batches there."""
    kept = Loading.load
    calls = []

    def load(self: Loading, singles: Any) -> Any:
        outcomes = kept(self, singles)
        calls.append(len(singles))
        if len(calls) == 1:
            self._connection.commit()
            raise FaultError("the connection broke")
        return outcomes

    monkeypatch.setattr(Loading, "load", load)
    asked = [
        ask(write_event(name=f"IN-{number}"), number, key=f"k-{number}") for number in range(3)
    ]
    answers = submit(gateway, [asked])
    assert calls == [3, 1, 1, 1]
    assert {one.state for one in answers} == {"known"}
    assert len(read_rows(gateway.settings.database, tables.events)) == 3
    monkeypatch.undo()
    again = submit(gateway, [asked])
    assert [structs.replace(one, is_replayed=False) for one in again] == answers


def test_a_database_that_is_busy_is_told_so_and_nothing_is_stored(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Loading, singles: Any) -> Any:
        kept(self, singles)
        raise UnavailableError("a lock did not come free")

    kept = Loading.load
    monkeypatch.setattr(Loading, "load", load)
    asked = [
        ask(write_event(name=f"IN-{number}"), number, key=f"k-{number}") for number in range(3)
    ]
    before = count_rows(gateway.settings.database)
    answers = submit(gateway, [asked])
    assert [one.state for one in answers] == ["busy"] * 3
    assert count_rows(gateway.settings.database) == before, "the keys are free, too"
    monkeypatch.undo()
    assert [one.state for one in submit(gateway, [asked])] == ["created"] * 3


# --- Who asks for what ---


def test_two_sources_in_one_group_do_not_meet(gateway: Gateway) -> None:
    mine = write_event(name="IN-1")
    theirs = write_event(
        name="IN-1",
        PractitionerDetails={"ReporterType": "3", "ReporterOrganisation": OTHER.organisation},
    )
    one, two, three = submit(
        gateway,
        [
            [
                ask(mine, 1, key="same"),
                ask(theirs, 2, source_id=OTHER.id, key="same"),
                ask(theirs, 3, source_id=OTHER.id),
            ]
        ],
    )
    assert (one.state, two.state, three.state) == ("created", "created", "known")
    assert one.version is not None
    assert two.version is not None
    assert one.version.event_id != two.version.event_id
    (stranger,) = submit(
        gateway, [[ask(theirs, 4, source_id=OTHER.id, event_id=one.version.event_id)]]
    )
    assert stranger == Answer(state="unknown")


def test_the_same_key_twice_in_a_group(gateway: Gateway) -> None:
    body = write_event(name="IN-1")
    first, second = submit(gateway, [[ask(body, 1, key="one"), ask(body, 2, key="one")]])
    assert (first.state, second.state) == ("created", "in_flight")


def test_an_answered_key_many_times_in_a_group(gateway: Gateway) -> None:
    body, other = write_event(name="IN-1"), write_event(name="IN-2")
    (first,) = submit(gateway, [[ask(body, 1, key="one")]])
    again = submit(
        gateway,
        [
            [
                ask(body, 2, key="one"),
                ask(other, 3, key="one"),
                ask(body, 4, key="one"),
                ask(other, 5, key="two"),
            ]
        ],
    )
    assert first.version is not None
    told = structs.replace(first.version, written=None)
    assert again[0] == again[2] == structs.replace(first, is_replayed=True, version=told)
    assert again[1] == Answer(state="reused")
    assert again[3].state == "created"


def test_an_answer_that_cannot_be_told_again_costs_only_that_one(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = write_event(name="IN-1"), write_event(name="IN-2")
    submit(gateway, [[ask(one, 1, key="one")]])

    def fail(*_: object) -> Any:
        raise KeyError

    monkeypatch.setattr(gateway_submit, "answer_again", fail)
    answers = submit(gateway, [[ask(one, 2, key="one"), ask(two, 3, key="two")]])
    assert [one.state for one in answers] == ["fault", "created"]


def test_an_event_nobody_has(gateway: Gateway) -> None:
    unknown = parse_reference("0000-0000-0000-0")
    (answer,) = submit(gateway, [[ask(write_event(), 1, event_id=unknown)]])
    assert answer == Answer(state="unknown")


def test_an_empty_group(gateway: Gateway) -> None:
    assert submit(gateway, [[]]) == []
