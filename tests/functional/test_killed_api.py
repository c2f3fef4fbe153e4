"""The API killed at any moment, under load: what was acknowledged is there once, what was not is
settled by sending it again, and what was half there counts for nothing."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from store.tables import audit, batches, events, idempotency_keys, revisions
from tests.lib.api import SOURCE, register_sources
from tests.lib.api_calls import EVENTS, FHIR_JSON, PATIENCE, encode, make_name, write_event
from tests.lib.databases import copy_sqlite, read_rows
from tests.lib.events import STORY
from tests.lib.killed_api import KilledApi
from tests.lib.line import open_line
from tests.lib.raw_http import connect, make_head
from tests.lib.waiting import wait_for

# The API, a key, and the address of its database.
Served = tuple[KilledApi, str, str]
KILLS = 6
# By chance a kill may fall between two requests of each client.
MOST_KILLS = 30
CLIENTS = 6
LONG_AGO = "2025-05-10"


class Sent(msgspec.Struct):
    """One event, as a client sends it until it is answered."""

    body: bytes
    headers: dict[str, str]
    reference: str = ""
    tries: int = 0


class Clients:
    """Each sends one event after the other, and each of them until there is an answer."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._headers = {"Ocp-Apim-Subscription-Key": key, "Content-Type": FHIR_JSON}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(CLIENTS)]
        self.sent: list[Sent] = []
        self.failures: list[str] = []
        for thread in self._threads:
            thread.start()

    def _run(self, number: int) -> None:
        chance = random.Random(number)
        try:
            while not self._stop.is_set():
                self._send(make_sent(chance))
        except AssertionError as error:
            self.failures.append(str(error))

    def _send(self, one: Sent) -> None:
        self.sent.append(one)
        until = time.monotonic() + 5 * PATIENCE
        while time.monotonic() < until:
            one.tries += 1
            try:
                answer = requests.post(
                    self._url + EVENTS,
                    data=one.body,
                    headers=self._headers | one.headers,
                    timeout=PATIENCE,
                )
            except requests.RequestException:
                time.sleep(0.01)
                continue
            if answer.status_code in (200, 201):
                one.reference = answer.json()["id"]
                assert answer.json()["meta"]["versionId"] == "1"
                return
            assert answer.status_code in (409, 503), answer.text
            time.sleep(0.05)
        raise AssertionError("no answer")

    def make_progress(self) -> Callable[[], bool]:
        """Whether one was sent since."""
        before = len(self.sent)
        return lambda: len(self.sent) > before or bool(self.failures)

    def has_been_hit(self) -> bool:
        """Something had to be sent again."""
        return any(one.tries > 1 for one in list(self.sent))

    def stop(self) -> None:
        """Once each has the answer to what it has sent."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


def make_sent(chance: random.Random) -> Sent:
    """With a key, or with an identifier, or with both; known by its content where by nothing
    else."""
    name = make_name()
    kind = chance.choice(["key", "identifier", "both", "content"])
    story = f"{STORY} Told as {name}."
    event = write_event(
        name=name if kind in ("identifier", "both") else None, narrative=story, event_date=LONG_AGO
    )
    headers = {"Idempotency-Key": f"key-{name}"} if kind in ("key", "both") else {}
    return Sent(encode(event), headers)


@pytest.fixture
def served_anywhere(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """On each kind of database."""
    with serve(tmp_path / "home", database_url, monkeypatch) as found:
        yield found


@pytest.fixture
def served(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Served]:
    """What happens to feeds is a matter of files, and of other tests."""
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        serve(tmp_path / "home", url, monkeypatch) as found,
    ):
        yield found


@contextmanager
def serve(home: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("LRMS_DATABASE_URL", url)
    for name in ("requests", "records"):
        monkeypatch.setenv(f"LRMS_MAX_{name.upper()}_PER_MINUTE", "0")
    with open_line(home, url) as gateway:
        key = register_sources(gateway)[SOURCE.id]
    with KilledApi(home) as api:
        yield api, key, url


def test_killed_again_and_again_under_load(served_anywhere: Served) -> None:
    api, key, url = served_anywhere
    clients = Clients(api.url, key)
    chance = random.Random(3)
    kills = 0
    while kills < KILLS or (kills < MOST_KILLS and not clients.has_been_hit()):
        wait_for("a request or two more", clients.make_progress())
        time.sleep(chance.uniform(0.05, 0.5))
        api.kill()
        api.start()
        kills += 1
    clients.stop()
    assert clients.failures == []
    sent = clients.sent
    assert len(sent) > KILLS
    assert clients.has_been_hit(), "no kill hit a request"
    # Each is there once, whatever became of its first attempts.
    assert all(one.reference for one in sent)
    stored = Counter(row.reference for row in read_rows(url, events))
    assert stored == Counter(one.reference for one in sent)
    assert set(stored.values()) == {1}
    assert {row.number for row in read_rows(url, revisions)} == {1}
    assert len(read_rows(url, revisions)) == len(sent)
    actions = Counter(row.action for row in read_rows(url, audit))
    assert actions["event.created"] == actions["batch.submitted"] == len(sent)
    assert actions["event.revised"] == 0
    assert {row.state for row in read_rows(url, batches)} == {"finished"}
    keys = read_rows(url, idempotency_keys)
    assert {row.key for row in keys} == {
        one.headers["Idempotency-Key"] for one in sent if one.headers
    }
    assert {row.answer for row in keys} <= {"created", "known"}


def call(api: KilledApi, key: str, method: str, path: str, body: bytes | None = None) -> Any:
    headers = {"Ocp-Apim-Subscription-Key": key}
    return requests.request(method, api.url + path, data=body, headers=headers, timeout=PATIENCE)


def wait_until_done(api: KilledApi, key: str, feed_id: str) -> Any:
    until = time.monotonic() + PATIENCE
    while (answer := call(api, key, "GET", f"/feeds/{feed_id}")).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    return answer.json()


def make_feed(many: int) -> bytes:
    return b"\n".join(
        encode(write_event(name=make_name(), narrative=STORY, event_date=LONG_AGO))
        for _ in range(many)
    )


def test_killed_in_the_middle_of_a_big_feed(served: Served, tmp_path: Path) -> None:
    """Nothing of it counts, and it is sent again as if for the first time."""
    api, key, url = served
    feed = make_feed(600)
    head = make_head("POST", "/feeds", Content_Length=str(len(feed)), Ocp_Apim_Subscription_Key=key)
    with connect(api.url) as line:
        line.sendall(head + feed[: len(feed) // 2])
        until = time.monotonic() + PATIENCE
        while not list((tmp_path / "home").glob("raw/incoming/*")):
            assert time.monotonic() < until
            time.sleep(0.01)
        api.kill()
    api.start()
    assert read_rows(url, batches) == []
    assert call(api, key, "GET", "/feeds").json()["feeds"] == []
    kept = [path for path in (tmp_path / "home" / "raw").rglob("*") if path.is_file()]
    assert [path.parent.name for path in kept] == ["incoming"], "rubbish, and known to be"
    sent = call(api, key, "POST", "/feeds", feed)
    assert sent.status_code == 202
    assert wait_until_done(api, key, sent.json()["id"])["counts"]["created"] == 600


def test_killed_while_a_feed_is_loaded(served: Served) -> None:
    """It was acknowledged: another process goes on with it, and nobody sends it again."""
    api, key, url = served
    chance = random.Random(5)
    ids = []
    for _ in range(4):
        sent = call(api, key, "POST", "/feeds", make_feed(150))
        assert sent.status_code == 202
        ids.append(sent.json()["id"])
        time.sleep(chance.uniform(0, 0.25))
        api.kill()
        api.start()
    for feed_id in ids:
        told = wait_until_done(api, key, feed_id)
        assert (told["verdict"], told["counts"]["created"]) == ("accepted", 150)
    assert len(read_rows(url, events)) == len(read_rows(url, revisions)) == 600


def test_a_dry_run_that_was_left_is_checked(served: Served) -> None:
    api, key, url = served
    sent = call(api, key, "POST", "/feeds?dry-run=true", make_feed(100))
    api.kill()
    api.start()
    told = wait_until_done(api, key, sent.json()["id"])
    assert told["state"] == "checked"
    receipt = call(api, key, "GET", f"{told['links']['receipt']}").json()
    assert receipt["counts"]["created"] == 100
    assert read_rows(url, events) == []
