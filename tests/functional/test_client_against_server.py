"""The client for vendors against the real server: what it is for, and lines that lose what they
carry. Its sleeps move the server's clock and are over at once."""

import io
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from email.utils import format_datetime
from itertools import accumulate, repeat
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from gateway.client import (
    ClientCredentials,
    Clock,
    ConflictError,
    GatewayClient,
    NotAllowedError,
    NotFinishedError,
    NotFoundError,
    OutcomeUnknownError,
    Patience,
    RefusedError,
    RejectedError,
)
from gateway.pipeline.credentials import set_client
from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import (
    Api,
    count_rows,
    encode,
    find_growth,
    make_name,
    open_api,
    write_event,
)
from tests.lib.command_line import run_here
from tests.lib.databases import copy_sqlite
from tests.lib.events import STORY
from tests.lib.identity import make_jwks, make_rsa

# What happens to a request on a bad line.
LOST = "the request is lost"
UNANSWERED = "the answer is lost"


class BadLine(HTTPAdapter):
    """``fates``: of the next requests, in order; after them the line is good. ``only`` those of
    one method."""

    def __init__(self, *fates: str | None, only: str = "") -> None:
        super().__init__()
        self._fates, self._only = list(fates), only
        self.sent: list[str] = []
        self.now: Callable[[], datetime] | None = None

    def send(self, request, **options):
        self.sent.append(request.method)
        is_meant = not self._only or request.method == self._only
        fate = self._fates.pop(0) if self._fates and is_meant else None
        if fate == LOST:
            raise requests.ConnectionError(ConnectionResetError())
        answer = super().send(request, **options)
        if fate == UNANSWERED:
            answer.close()
            raise requests.ReadTimeout
        if self.now is not None:
            # uvicorn has the time of this machine, the gateway that of the test.
            answer.headers["Date"] = format_datetime(self.now(), usegmt=True)
        return answer


@pytest.fixture
def api(sqlite_template, tmp_path) -> Iterator[Api]:
    with copy_sqlite(sqlite_template, tmp_path) as url, open_api(tmp_path / "home", url) as opened:
        yield opened


def make_clock(api: Api) -> Clock:
    # The gateway gets longer and longer to do what it is waited for: a client's hour is over soon.
    pauses = accumulate(repeat(1.3), lambda pause, more: min(1.0, pause * more), initial=0.01)

    def sleep(seconds: float) -> None:
        api.clock.forward(seconds)
        time.sleep(next(pauses))

    return Clock(sleep=sleep, now=lambda: api.clock.now().timestamp())


@contextmanager
def connect(
    api: Api, line: BadLine | None = None, *, source: str = SOURCE.id, **options: Any
) -> Iterator[GatewayClient]:
    if "credentials" not in options:
        options.setdefault("key", api.keys[source])
    options.setdefault("patience", Patience(attempts=3))
    line = line or BadLine()
    line.now = api.clock.now
    with requests.Session() as session:
        session.mount("http://", line)
        yield GatewayClient(api.url, session=session, clock=make_clock(api), **options)


def count_events(api: Api) -> int:
    return count_rows(api.database)["events"]


def make_feed(*names: str, wrong: str = "") -> bytes:
    """An event a line; the one named ``wrong`` has hardly a narrative."""
    events = [
        write_event(name=name, narrative="Fell." if name == wrong else STORY) for name in names
    ]
    return b"".join(encode(event) + b"\n" for event in events)


def test_an_event_from_first_to_last(api):
    name = make_name()
    with connect(api) as client:
        assert [one for one in client.validate(write_event(name=name)) if one.is_error] == []
        assert client.find(name) is None
        made = client.create(write_event(name=name))
        assert (made.status, made.revision, made.replayed) == ("created", 1, False)
        assert made.batch_id.startswith("b-")
        assert made.event["id"] == made.reference
        changed = write_event(name=name, narrative=STORY)
        again = client.update(made.reference, changed, if_match=1)
        assert (again.reference, again.revision, again.status) == (made.reference, 2, "kept")
        with pytest.raises(ConflictError) as stale:
            client.update(made.reference, write_event(name=name), if_match=1)
        assert stale.value.status == 412
        assert client.get(made.reference).revision == 2
        assert client.get(made.reference, revision=1).event == made.event
        assert [one.revision for one in client.history(made.reference)] == [2, 1]
        assert client.find(name).reference == made.reference
    assert count_events(api) == 1


@pytest.mark.parametrize("prefer", ["OperationOutcome", "minimal"])
def test_without_the_event_in_the_answer(api, prefer):
    with connect(api) as client:
        made = client.create(write_event(name=make_name()), prefer=prefer)
        assert (made.event, made.revision) == (None, 1)
        assert client.get(made.reference).revision == 1


def test_what_is_wrong_is_told(api):
    with connect(api) as client:
        with pytest.raises(RejectedError, match="TEXT-002") as raised:
            client.create(write_event(name=make_name(), narrative="Fell."))
        (issue,) = [one for one in raised.value.issues if one.code == "TEXT-002"]
        assert issue.is_error
        assert issue.text
        assert issue.what_to_do
        assert issue.expression[0].startswith("AdverseEvent")
        with pytest.raises(RejectedError) as raised:
            client.create(b"{")
        assert raised.value.status == 400
        with pytest.raises(NotFoundError):
            client.get("0000-0000-0000-0")
        key = client.create(write_event(name=make_name())).idempotency_key
        with pytest.raises(RejectedError, match="key-reused"):
            client.create(write_event(name=make_name()), idempotency_key=key)


def test_who_may_not(api):
    with connect(api, key="lrms_unknown") as client, pytest.raises(NotAllowedError) as raised:
        client.create(write_event(name=make_name()))
    assert raised.value.status == 401
    with connect(api) as client:
        made = client.create(write_event(name=make_name()))
    with connect(api, source=OTHER.id) as client:
        with pytest.raises(NotFoundError):
            client.get(made.reference)
        with pytest.raises(NotAllowedError) as raised:
            client.create(write_event(name=make_name()))
    assert raised.value.status == 403
    assert count_events(api) == 1


LINES = {
    "the answer is lost": [UNANSWERED],
    "the answer is lost twice": [UNANSWERED, UNANSWERED],
    "the request is lost, then the answer": [LOST, UNANSWERED],
    "all answers but that to the last asking": [UNANSWERED, UNANSWERED, UNANSWERED],
}


@pytest.mark.parametrize("fates", LINES.values(), ids=LINES)
@pytest.mark.parametrize("name", [None, "LOC-1"])
def test_a_bad_line_makes_one_event(api, fates, name):
    with connect(api, BadLine(*fates)) as client:
        made = client.create(write_event(name=name))
        assert made.replayed
        assert (made.status, made.revision) == ("created", 1)
    assert count_events(api) == 1


def test_one_that_answers_nothing_but_questions(api):
    line = BadLine(*[UNANSWERED] * 4, only="POST")
    with connect(api, line) as client:
        made = client.create(write_event(name="LOC-1"))
        assert (made.status, made.revision) == ("found", 1)
        assert client.get(made.reference).event == made.event
    assert line.sent == ["POST"] * 4 + ["GET"] * 2
    assert count_events(api) == 1


def test_an_older_revision_is_not_taken_for_the_one_that_was_lost(api):
    with connect(api) as client:
        made = client.create(write_event(name="LOC-1"))
    api.clock.forward(5)
    with connect(api, BadLine(*[LOST] * 4, only="POST")) as client:
        changed = write_event(name="LOC-1", narrative=STORY)
        with pytest.raises(OutcomeUnknownError) as unknown:
            client.create(changed)
        assert client.get(made.reference).revision == 1
        again = client.create(changed, idempotency_key=unknown.value.idempotency_key)
        assert (again.reference, again.revision, again.replayed) == (made.reference, 2, False)


@pytest.mark.parametrize(("fate", "is_replayed"), [(UNANSWERED, True), (LOST, False)])
def test_going_on_later_by_the_key(api, fate, is_replayed):
    event = write_event(name="LOC-1")
    with connect(api, BadLine(*[fate] * 5)) as client:
        with pytest.raises(OutcomeUnknownError) as unknown:
            client.create(event)
        made = client.create(event, idempotency_key=unknown.value.idempotency_key)
        assert made.replayed == is_replayed
    assert count_events(api) == 1


def test_an_update_over_a_bad_line(api):
    with connect(api) as client:
        made = client.create(write_event(name="LOC-1"))
    with connect(api, BadLine(UNANSWERED, UNANSWERED)) as client:
        changed = write_event(name="LOC-1", narrative=STORY)
        assert client.update(made.reference, changed, if_match=1).revision == 2
        assert client.get(made.reference).revision == 2


def test_many_at_once_over_bad_lines_make_one_event(database_url, tmp_path):
    event = write_event(name=make_name())

    def create(number: int) -> str:
        fates = [(None, LOST, UNANSWERED)[(number + step) % 3] for step in range(2)]
        with connect(api, BadLine(*fates)) as client:
            return client.create(event, idempotency_key="one").reference

    with open_api(tmp_path / "home", database_url) as api:
        before = count_rows(api.database)
        with ThreadPoolExecutor(8) as threads:
            references = set(threads.map(create, range(24)))
        growth = find_growth(before, count_rows(api.database))
    assert len(references) == 1
    assert (growth["events"], growth["revisions"], growth["batches"]) == (1, 1, 1)


def test_limits_are_waited_for(tmp_path):
    with open_api(tmp_path / "home", max_requests_per_minute=3) as api, connect(api) as client:
        began = api.clock.now()
        made = [client.create(write_event(name=make_name())) for _ in range(7)]
        assert len({one.reference for one in made}) == 7
        assert (api.clock.now() - began).total_seconds() > 60


def test_a_client_that_signs(api):
    key = make_rsa("one")
    set_client(api.gateway, SOURCE.id, jwks=make_jwks(key), scopes=["event.write", "event.read"])
    credentials = ClientCredentials(
        SOURCE.id, key.as_pem(private=True), "one", audience=api.gateway.settings.token_url
    )
    line = BadLine(UNANSWERED, only="POST")
    with connect(api, line, credentials=credentials) as client:
        made = client.create(write_event(name=make_name()))
        assert client.get(made.reference).revision == 1
        assert line.sent == ["POST", "POST", "POST", "GET"]
        with pytest.raises(NotAllowedError):
            client.send_feed(io.BytesIO(make_feed("A")))
        api.clock.forward(600)
        assert client.get(made.reference).revision == 1
        assert line.sent[-2:] == ["POST", "GET"]


def test_a_feed_its_receipts_and_a_correction(api):
    with connect(api, BadLine(UNANSWERED, LOST)) as client:
        sent = client.send_feed(
            io.BytesIO(make_feed("A", "B", "C", wrong="B")), filename="n.ndjson"
        )
        done = client.wait_for(sent.id)
        assert (done.state, done.verdict) == ("finished", "partly_accepted")
        assert (done.counts.created, done.counts.rejected) == (2, 1)
        receipt = json.loads(b"".join(client.receipt(sent.id)))
        assert [one["local_id"] for one in receipt["records"]] == ["A", "B", "C"]
        assert b"TEXT-002" in b"".join(client.receipt(sent.id, "csv"))
        outcomes = b"".join(client.receipt(sent.id, "ndjson")).splitlines()
        assert json.loads(outcomes[0])["resourceType"] == "OperationOutcome"
        response = json.loads(b"".join(client.receipt(sent.id, "fhir")))
        assert (response["type"], len(response["entry"])) == ("batch-response", 3)
        (rejected,) = client.rejected(corrected=False)
        assert (rejected.feed_id, rejected.number, rejected.local_id) == (sent.id, 2, "B")
        assert "TEXT-002" in [one.code for one in rejected.findings]
        assert json.loads(client.content(sent.id, 2))["identifier"]["value"] == "B"
        with pytest.raises(RejectedError, match="TEXT-002"):
            client.correct(sent.id, 2, make_feed("B", wrong="B") + b"\n")
        with pytest.raises(RefusedError):
            client.correct(sent.id, 2, make_feed("D"))
        corrected = client.correct(sent.id, 2, make_feed("B"))
        assert (corrected.disposition, corrected.local_id) == ("created", "B")
        with pytest.raises(ConflictError):
            client.correct(sent.id, 2, make_feed("B") + b"\n")
        (found,) = client.rejected(feed_id=sent.id, corrected=True)
        assert found.corrections[-1].feed_id == corrected.feed_id
        assert client.record(sent.id, 2).corrected
    assert count_events(api) == 3


def test_a_dry_run_that_is_promoted(api):
    with connect(api) as client:
        trial = client.send_feed(io.BytesIO(make_feed("A")), dry_run=True)
        assert trial.dry_run
        assert client.wait_for(trial.id).state == "checked"
        receipt = json.loads(b"".join(client.receipt(trial.id)))
        assert receipt["counts"]["created"] == 1
        assert count_events(api) == 0
        assert client.promote(trial.id).id == client.promote(trial.id).id == trial.id
        assert client.wait_for(trial.id).verdict == "accepted"
    assert count_events(api) == 1


def test_feeds_by_the_page(api):
    began = api.clock.now()
    with connect(api) as client:
        sent = [client.send_feed(io.BytesIO(make_feed(name))).id for name in "ABCDE"]
        for feed_id in sent:
            client.wait_for(feed_id)
        found = [one.id for one in client.feeds(page_size=2, since=began)]
        assert found == sent[::-1]
        assert list(client.feeds(until=began)) == []
        assert list(client.feeds(verdict="rejected")) == []


def test_a_feed_that_nobody_loads_is_not_waited_for_for_ever(tmp_path):
    with open_api(tmp_path / "home", load_at_once_bytes=0) as api, connect(api) as client:
        sent = client.send_feed(io.BytesIO(make_feed("A")))
        with pytest.raises(NotFinishedError):
            client.wait_for(sent.id, timeout=20)
        with pytest.raises(NotFinishedError):
            list(client.receipt(sent.id))


def test_a_large_feed_over_a_bad_line(api):
    feed = make_feed(*(f"L-{number}" for number in range(40)))
    fates = [UNANSWERED, None, UNANSWERED, LOST, None, LOST, UNANSWERED]
    line = BadLine(*fates)
    options = {"upload_over_bytes": 1000, "upload_chunk_bytes": len(feed) // 5}
    with connect(api, line, **options) as client:
        sent = client.send_feed(io.BytesIO(feed), filename="large.ndjson")
        assert sent.filename == "large.ndjson"
        assert client.wait_for(sent.id).counts.created == 40
        # The same bytes at once are the same feed.
        assert client.send_feed(io.BytesIO(feed[:-1] + b"\n")).id == sent.id
    assert line.sent.count("HEAD") >= 3


@pytest.fixture
def push(api, monkeypatch):
    """The command, typed by a source."""
    monkeypatch.setattr("gateway.client.client.Clock", lambda: make_clock(api))
    environment = {"LRMS_PUSH_KEY": api.keys[SOURCE.id]}

    def type_push(*words: str) -> tuple[int, str, str]:
        code, stdout, stderr, _ = run_here(("push", "--base", api.url, *words), environment)
        return code, stdout.decode(), stderr.decode()

    return type_push


def test_push_sends_a_feed_and_prints_its_receipt(api, push, tmp_path):
    file = tmp_path / "feed.ndjson"
    file.write_bytes(make_feed("A", "B", wrong="B"))
    code, stdout, stderr = push(str(file), "--dry-run", "--wait")
    assert (code, count_events(api)) == (3, 0)
    assert "Dry run: nothing is loaded" in stdout
    code, stdout, stderr = push(str(file), "--wait")
    assert code == 3, stderr
    assert "2 records: 1 created, 0 revised, 0 unchanged, 1 rejected" in stdout
    assert "TEXT-002" in stdout
    code, again, _ = push(str(file), "--wait", "--format", "json")
    assert (code, json.loads(again)["counts"]["created"]) == (3, 1)
    code, rows, _ = push(str(file), "--wait", "--format", "csv")
    assert (code, rows.splitlines()[0].split(",")[0]) == (3, "number")
    assert count_events(api) == 1


def test_push_sends_one_event(api, push, tmp_path):
    file = tmp_path / "event.json"
    file.write_bytes(encode(write_event(name="A")))
    code, stdout, _ = push(str(file), "--single", "--dry-run")
    assert (code, count_events(api)) == (0, 0)
    code, stdout, _ = push(str(file), "--single", "--format", "json")
    assert (code, json.loads(stdout)["status"]) == (0, "created")
    code, stdout, _ = push(str(file), "--single")
    assert (code, count_events(api)) == (0, 1)
    assert stdout.splitlines()[0].endswith("revision 1: kept")
    file.write_bytes(encode(write_event(name="B", narrative="Fell.")))
    code, stdout, stderr = push(str(file), "--single")
    assert (code, "TEXT-002" in stdout, "Fell." in stdout + stderr) == (3, True, False)
    file.write_bytes(b"{")
    assert push(str(file), "--single")[0] == 4
