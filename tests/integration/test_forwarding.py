"""Forwarding, on both databases, with our own API as the endpoint upstream: each revision once and
in order, whatever dies when; what is refused, unknown, or to be asked later."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.client.patience import Patience
from gateway.pipeline import forward, upstream
from gateway.pipeline.forward import (
    forward_events,
    is_forwarding,
    retry_refused_event,
    show_forward,
    start_forwarding,
)
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.upstream import Upstream
from mappers.fhir_write import write_fhir
from schemas.errors import WrongUseError
from schemas.forwarding import Outcome
from schemas.identifiers import make_reference
from store.forward_queue import ForwardQueue
from store.forwards import Forwards
from store.tables import events, forward_calls, forwards, revisions
from tests.lib.api import SOURCE
from tests.lib.api_calls import Api, open_api
from tests.lib.collecting import Clock, Killed, list_actions, open_collecting
from tests.lib.databases import copy_sqlite, read_rows
from tests.lib.events import make_event
from tests.lib.tcp_proxy import Fault, TcpProxy


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(attempts=2, total_seconds=5, first_wait=0.01, longest_wait=0.1)
    monkeypatch.setattr(upstream, "PATIENCE", patience)


@pytest.fixture
def api(sqlite_template: Path, tmp_path: Path) -> Iterator[Api]:
    """Upstream."""
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_api(tmp_path / "upstream", url) as opened,
    ):
        yield opened


Open = Callable[..., "Sending"]


class Sending:
    """A gateway that forwards."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        self.gateway, self.clock = gateway, clock
        self.url = gateway.settings.database

    def load(self, *names: str, story: str = "", version: str = "5") -> None:
        """A feed of events of these local ids."""
        lines = []
        for name in names:
            event = make_event(version=version)
            told = f"{event.narrative} {story}".strip()
            changed = type(event)(
                taxonomy_version=event.taxonomy_version,
                event_type=event.event_type,
                event_date=event.event_date,
                narrative=told,
                groups=event.groups,
            )
            lines.append(json.dumps(write_fhir(changed, local_id=name)))
        feed = io.BytesIO("\n".join(lines).encode())
        batch, _ = ingest_feed(self.gateway, SOURCE.id, feed, filename="feed")
        assert batch.counts.rejected == 0
        assert batch.counts.created + batch.counts.revised == len(names)

    def forward(self, **how: object) -> dict[str, int]:
        counts = forward_events(self.gateway, sleep=lambda _: None, **how)
        return {what: count for what, count in counts.items() if count}

    def having(self, **settings: object) -> "Sending":
        """The same gateway with other settings."""
        changed = self.gateway.settings.model_copy(update=settings)
        return Sending(replace(self.gateway, settings=changed), self.clock)

    def later(self, **how_far: float) -> None:
        self.clock.go(**(how_far or {"hours": 2}))

    def find_states(self) -> list[str]:
        return sorted(row.state for row in read_rows(self.url, forwards))

    def find_references(self) -> list[str]:
        return [make_reference(row.id) for row in read_rows(self.url, events)]


@pytest.fixture
def open_sending(database_url: str, tmp_path: Path, api: Api) -> Open:
    @contextmanager
    def opening(**settings: object) -> Iterator[Sending]:
        values = {"forward_url": api.url, "forward_key": api.keys[SOURCE.id], **settings}
        with open_collecting(tmp_path / "home", database_url, **values) as (gateway, clock):
            yield Sending(gateway, clock)

    return opening


@pytest.fixture
def sending(open_sending: Open) -> Iterator[Sending]:
    with open_sending() as opened:
        start_forwarding(opened.gateway, from_beginning=True)
        yield opened


def list_upstream(api: Api) -> list[tuple[str, int, str]]:
    """What upstream holds: our identifier, revision, and the end of the narrative, in order."""
    found = {row.id: row for row in read_rows(api.database, events)}
    told = []
    for row in read_rows(api.database, revisions):
        payload = json.loads(row.payload)
        event = found[row.event_id]
        told.append((event.identity.removeprefix("id:"), row.number, payload["narrative"][-9:]))
    return sorted(told)


def test_nothing_is_forwarded_unless_it_was_set_and_started(open_sending, api):
    with open_sending() as sending:
        off = sending.having(forward_url="")
        sending.load("a")
        assert not is_forwarding(sending.gateway)
        start_forwarding(sending.gateway, from_beginning=True)
        assert not is_forwarding(off.gateway)
        with pytest.raises(WrongUseError, match="LRMS_FORWARD_URL"):
            off.forward()
        assert is_forwarding(sending.gateway)
        with pytest.raises(WrongUseError, match="started before"):
            start_forwarding(sending.gateway, from_beginning=True)
    assert list_upstream(api) == []


def test_not_started_is_said(open_sending):
    with open_sending() as sending, pytest.raises(WrongUseError, match="forward start"):
        sending.forward()


def test_an_event_is_created_upstream_once_and_each_revision_follows(sending, api):
    sending.load("a", "b")
    assert sending.forward() == {"accepted": 2}
    assert sending.forward() == {}
    sending.load("a", story="revision two.")
    sending.load("a", story="revision three.")
    assert sending.forward() == {"accepted": 2}
    first, second = sorted(sending.find_references())
    told = [(name, number) for name, number, _ in list_upstream(api)]
    assert len(told) == 4
    assert {name for name, _ in told} == {first, second}
    revised = next(name for name, number in told if number == 3)
    stories = [story for name, _, story in list_upstream(api) if name == revised]
    assert stories[1:] == ["sion two.", "on three."]
    state, calls = show_forward(sending.gateway, revised)
    assert (state.state, state.done, state.upstream_revision) == ("sent", 3, 3)
    assert [(one.revision, one.state) for one in calls] == [
        (1, "accepted"),
        (2, "accepted"),
        (3, "accepted"),
    ]


def test_revisions_that_came_before_the_first_call_are_all_sent_in_order(sending, api):
    sending.load("a", story="first one")
    sending.load("a", story="secondone")
    assert sending.forward() == {"accepted": 2}
    assert [story for _, _, story in list_upstream(api)] == ["first one", "secondone"]


def test_forwarding_from_now_on_leaves_out_what_was_loaded_before(open_sending, api):
    with open_sending() as sending:
        sending.load("old")
        start_forwarding(sending.gateway, from_beginning=False)
        sending.load("new")
        assert sending.forward() == {"accepted": 1}
    assert len(list_upstream(api)) == 1


def test_batches_are_queued_once_whenever_they_finish(sending):
    sending.load("a")
    sending.forward()
    for _ in range(3):
        sending.later()
        assert sending.forward() == {}
    sending.load("b")
    assert sending.forward() == {"accepted": 1}
    assert len(read_rows(sending.url, forward_calls)) == 2


def test_events_of_another_version_are_refused_here(open_sending, api):
    with open_sending(forward_versions="6") as sending:
        start_forwarding(sending.gateway, from_beginning=True)
        sending.load("five")
        sending.load("six", version="6")
        assert sending.forward() == {"accepted": 1, "refused": 1}
        assert sending.find_states() == ["refused", "sent"]
    assert len(list_upstream(api)) == 1


@pytest.mark.parametrize(
    "point",
    [
        (ForwardQueue, "queue_next", "after"),
        (Forwards, "claim", "after"),
        (Upstream, "submit", "before"),
        (Upstream, "submit", "after"),
        (Forwards, "settle", "after"),
    ],
    ids=["queued", "claimed", "before the call", "after the call", "settled"],
)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_whatever_dies_when_nothing_is_lost_and_nothing_doubled(
    sending, api, monkeypatch, point, count
):
    owner, name, when = point
    sending.load("a", "b")
    sending.load("a", story="revision two.")
    real, calls = getattr(owner, name), 0

    def die(self, *given, **named):
        nonlocal calls
        calls += 1
        if calls == count and when == "before":
            raise Killed
        result = real(self, *given, **named)
        if calls == count:
            raise Killed
        return result

    monkeypatch.setattr(owner, name, die)
    with suppress(Killed):
        sending.forward()
    monkeypatch.undo()
    sending.later()
    sending.forward()
    sending.later()
    sending.forward()
    assert sending.find_states() == ["sent", "sent"]
    told = list_upstream(api)
    assert len(told) == 3
    assert [number for _, number, _ in told] in ([1, 1, 2], [1, 2, 1])
    assert {one.state for one in read_rows(sending.url, forward_calls)} == {"accepted"}


def test_a_run_that_was_taken_over_writes_nothing_more(sending, api, monkeypatch):
    sending.load("a")
    submit = Upstream.submit

    def take_over(self, job, event):
        monkeypatch.undo()
        sending.later()
        assert sending.forward() == {"accepted": 1}
        return submit(self, job, event)

    monkeypatch.setattr(Upstream, "submit", take_over)
    assert sending.forward() == {}
    assert len(list_upstream(api)) == 1
    assert sending.find_states() == ["sent"]


def test_only_the_newest_holder_may_settle(sending):
    sending.load("a")
    forward._queue(sending.gateway)

    def begin():
        return sending.gateway.store.begin(actor="test", at=sending.clock())

    with begin() as work:
        first = work.forwards.claim(forward.LEASE)
        assert work.forwards.claim(forward.LEASE) is None
    sending.later()
    with begin() as work:
        second = work.forwards.claim(forward.LEASE)
    assert (first.is_doubtful, second.is_doubtful) == (False, True)
    assert second.idempotency_key == first.idempotency_key
    accepted = Outcome(state="accepted", status=200, upstream_id="x", upstream_revision=1)
    for job, is_ours in ((first, False), (second, True), (second, False)):
        with begin() as work:
            assert work.forwards.settle(job, accepted) is is_ours


def through(sending: Sending, port: int) -> Sending:
    return sending.having(forward_url=f"http://127.0.0.1:{port}")


def test_an_answer_that_is_lost_is_asked_about_before_anything_is_sent_again(
    sending, api, monkeypatch
):
    sending.load("a", "b")
    port = int(api.url.rpartition(":")[2])
    # Each answer is cut off in its first line.
    with TcpProxy(port, *[Fault(after=10)] * 12) as proxy:
        counts = through(sending, proxy.port).forward()
    assert counts == {"unknown": 2}
    assert sending.find_states() == ["unknown", "unknown"]
    assert sending.forward() == {}, "what is not known is not sent again at once"
    sending.later()
    sent = []
    monkeypatch.setattr(Upstream, "_send", lambda _, job, __: sent.append(job))
    assert sending.forward() == {"accepted": 2}
    assert sent == [], "upstream has them: it was asked, and nothing sent"
    assert len(list_upstream(api)) == 2
    keys = [row.idempotency_key for row in read_rows(sending.url, forward_calls)]
    assert len(keys) == len(set(keys)) == 2


def test_an_upstream_that_is_not_there_stops_the_run(sending, api):
    sending.load("a", "b", "c")
    assert through(sending, 1).forward() == {"failed": 1}
    assert sending.find_states() == ["waiting"] * 3
    sending.later()
    assert sending.forward() == {"accepted": 3}


def test_upstream_is_asked_as_often_as_it_allows(sending, sqlite_template, tmp_path):
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_api(tmp_path / "slow", url, max_requests_per_minute=2) as slow,
    ):
        sending = sending.having(forward_url=slow.url, forward_key=slow.keys[SOURCE.id])
        sending.load("a", "b", "c", "d")
        assert sending.forward() == {"accepted": 2, "failed": 1}
        assert sending.find_states() == ["sent", "sent", "waiting", "waiting"]
        for _ in range(2):
            sending.later()
            slow.clock.forward(120)
            sending.forward()
        assert sending.find_states() == ["sent"] * 4
        assert len(list_upstream(slow)) == 4


def test_what_is_refused_is_seen_and_can_be_submitted_again(sending, api, monkeypatch):
    sending.load("a")
    write = upstream._write
    monkeypatch.setattr(upstream, "_write", lambda *_: {"resourceType": "AdverseEvent"})
    assert sending.forward() == {"refused": 1}
    (reference,) = sending.find_references()
    state, calls = show_forward(sending.gateway, reference)
    assert (state.state, state.status) == ("refused", 422)
    assert json.loads(state.codes)
    sending.later()
    assert sending.forward() == {}, "it is not submitted again by itself"
    monkeypatch.setattr(upstream, "_write", write)
    retry_refused_event(sending.gateway, reference)
    assert sending.forward() == {"accepted": 1}
    assert len(list_upstream(api)) == 1
    _, calls = show_forward(sending.gateway, reference)
    assert [one.state for one in calls] == ["refused", "accepted"]
    with pytest.raises(WrongUseError, match="not refused"):
        retry_refused_event(sending.gateway, reference)


def test_a_later_revision_goes_past_one_that_was_refused(sending, api, monkeypatch):
    sending.load("a")
    monkeypatch.setattr(upstream, "_write", lambda *_: {"resourceType": "AdverseEvent"})
    sending.forward()
    monkeypatch.undo()
    sending.load("a", story="corrected")
    assert sending.forward() == {"accepted": 1}
    assert [story for _, _, story in list_upstream(api)] == ["corrected"]


def test_a_fault_of_ours_costs_one_event(sending, api, monkeypatch):
    sending.load("a", "b")
    submit, calls = Upstream.submit, []

    def fail_once(self, job, event):
        calls.append(job)
        if len(calls) == 1:
            raise ZeroDivisionError
        return submit(self, job, event)

    monkeypatch.setattr(Upstream, "submit", fail_once)
    assert sending.forward() == {"accepted": 1, "unknown": 1}
    sending.later()
    assert sending.forward() == {"accepted": 1}
    assert len(list_upstream(api)) == 2


def test_a_key_that_is_not_accepted_stops_the_run_and_refuses_nothing(open_sending):
    with open_sending(forward_key="nonsense") as sending:
        start_forwarding(sending.gateway, from_beginning=True)
        sending.load("a", "b")
        assert sending.forward() == {"failed": 1}
        assert sending.find_states() == ["waiting", "waiting"]


def test_calls_are_spread_over_the_minute_and_bounded(open_sending):
    with open_sending(forward_per_minute=60) as sending:
        start_forwarding(sending.gateway, from_beginning=True)
        sending.load("a", "b", "c")
        slept: list[float] = []
        assert forward_events(sending.gateway, limit=2, sleep=slept.append)["accepted"] == 2
        assert len(slept) == 2
        assert all(0 < seconds <= 1 for seconds in slept)


def test_every_step_has_an_audit_entry_without_content(sending):
    sending.load("a")
    sending.forward()
    (reference,) = sending.find_references()
    actions = [one for one in list_actions(sending.url, reference) if "forward" in one]
    assert actions == ["event.forward_intended", "event.forward_accepted"]


def test_two_runs_at_once_send_nothing_twice(sending, api, monkeypatch):
    sending.load(*"abcdef")
    submit, once = Upstream.submit, []

    def beside(self, job, event):
        if not once:
            once.append(job)
            sending.forward()
        return submit(self, job, event)

    monkeypatch.setattr(Upstream, "submit", beside)
    sending.forward()
    assert len(list_upstream(api)) == 6
    assert sending.find_states() == ["sent"] * 6
    assert len(read_rows(sending.url, forward_calls)) == 6
    assert timedelta(seconds=4 * 60) < forward.LEASE
