"""Never a second event: the same request many times at once, in two processes on one PostgreSQL;
after an answer that was lost; as an event and as a feed; and long after an update."""

import random
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from store.tables import batches, events, revisions
from tests.lib.api import SOURCE, register_sources
from tests.lib.api_calls import (
    EVENTS,
    FHIR_JSON,
    PATIENCE,
    encode,
    get_reference,
    make_name,
    write_event,
)
from tests.lib.audit import read_actions
from tests.lib.databases import make_database, read_rows
from tests.lib.events import STORY
from tests.lib.line import open_line
from tests.lib.raw_http import make_head
from tests.lib.served_command import serve_command

pytestmark = pytest.mark.postgresql
MANY = 200
# The processes have the clock of the machine: the event was long before.
LONG_AGO = "2025-05-10"


class Pair:
    """Two processes of the API on one database."""

    def __init__(self, urls: list[str], key: str, database_url: str) -> None:
        self.urls = urls
        self.database_url = database_url
        self.headers = {"Ocp-Apim-Subscription-Key": key, "Content-Type": FHIR_JSON}

    def call(self, method: str, url: str, body: bytes | None = None, **more: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        headers = self.headers | named
        return requests.request(method, url, data=body, headers=headers, timeout=PATIENCE)

    def create(self, body: bytes, number: int = 0, **more: str) -> Any:
        return self.call("POST", self.urls[number % 2] + EVENTS, body, **more)

    def create_at_once(self, body: bytes, many: int = MANY, **more: str) -> list[Any]:
        """As many requests that all begin together."""
        together = Barrier(many)

        def send(number: int) -> Any:
            together.wait(PATIENCE)
            return self.create(body, number, **more)

        with ThreadPoolExecutor(many) as pool:
            return list(pool.map(send, range(many)))

    def read_event(self, reference: str) -> Any:
        return self.call("GET", f"{self.urls[0]}{EVENTS}/{reference}").json()

    def count(self) -> Counter[str]:
        """Events and their revisions, and what the audit log says of them."""
        actions = Counter(read_actions(self.database_url))
        return Counter(
            events=len(read_rows(self.database_url, events)),
            revisions=len(read_rows(self.database_url, revisions)),
            created=actions["event.created"],
            revised=actions["event.revised"],
        )


ONE_MORE = Counter(events=1, revisions=1, created=1)


@pytest.fixture(scope="module")
def pair(
    postgresql_server: str, postgresql_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    home: Path = tmp_path_factory.mktemp("at-once")
    with make_database(postgresql_server, postgresql_template) as url:
        with open_line(home, url) as gateway:
            key = register_sources(gateway)[SOURCE.id]
        how: dict[str, object] = {"max_requests_per_minute": 0, "max_records_per_minute": 0}
        with serve_command(home, url, **how) as one, serve_command(home, url, **how) as two:
            yield Pair([one, two], key, url)


def write(name: str | None, story: str = STORY) -> bytes:
    return encode(write_event(name=name, narrative=story, event_date=LONG_AGO))


def write_new(*, named: bool) -> bytes:
    """An event that nobody has; without an identifier, what it says makes it so."""
    name = make_name()
    return write(name) if named else write(None, f"{STORY} Told as {name}.")


@pytest.mark.parametrize("named", [True, False])
def test_200_identical_creates_make_one_event(pair: Pair, named: bool) -> None:
    before = pair.count()
    answers = pair.create_at_once(write_new(named=named))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: MANY - 1}
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert pair.count() - before == ONE_MORE


@pytest.mark.parametrize("named", [True, False])
def test_200_identical_creates_with_one_key_make_one_event(pair: Pair, named: bool) -> None:
    before = pair.count()
    body, key = write_new(named=named), make_name()
    answers = pair.create_at_once(body, Idempotency_Key=key)
    found = Counter(answer.status_code for answer in answers)
    assert found.keys() <= {201, 409}
    fresh = [
        one
        for one in answers
        if one.status_code == 201 and "Idempotency-Replayed" not in one.headers
    ]
    assert len(fresh) == 1
    assert all(one.headers["Retry-After"] for one in answers if one.status_code == 409)
    # Who was told to wait comes again, and hears the same.
    again = pair.create_at_once(body, found[409] or 1, Idempotency_Key=key)
    for answer in [*again, *(one for one in answers if one.status_code == 201)]:
        assert (answer.status_code, answer.content) == (201, fresh[0].content)
    assert pair.count() - before == ONE_MORE


@pytest.mark.parametrize("named", [True, False])
def test_200_creates_with_a_key_each_make_one_event(pair: Pair, named: bool) -> None:
    """Clients that take a new key for a retry: not as they should, and still no second event."""
    before = pair.count()
    body = write_new(named=named)
    keys = [make_name() for _ in range(MANY)]
    together = Barrier(MANY)

    def send(number: int) -> Any:
        together.wait(PATIENCE)
        return pair.create(body, number, Idempotency_Key=keys[number])

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(send, range(MANY)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: MANY - 1}
    assert pair.count() - before == ONE_MORE
    for number, answer in list(enumerate(answers))[::20]:
        replayed = pair.create(body, number + 1, Idempotency_Key=keys[number])
        assert (replayed.status_code, replayed.content) == (answer.status_code, answer.content)
        assert replayed.headers["Idempotency-Replayed"] == "true"


def test_200_creates_only_if_there_is_none(pair: Pair) -> None:
    """Other content each: which of them it is does not matter, so long as it is one."""
    before = pair.count()
    name = make_name()
    together = Barrier(MANY)

    def send(number: int) -> Any:
        body = write(name, f"{STORY} As {number} saw it.")
        together.wait(PATIENCE)
        return pair.create(body, number, If_None_Exist=f"identifier={name}")

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(send, range(MANY)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: MANY - 1}
    assert len({answer.content for answer in answers}) == 1
    assert pair.count() - before == ONE_MORE


def test_many_different_events_at_once_are_all_there_once(pair: Pair) -> None:
    before = pair.count()
    bodies = [write_new(named=number % 3 > 0) for number in range(60)]
    chance = random.Random(4)
    sent = [*bodies, *bodies, *bodies]
    chance.shuffle(sent)
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(pair.create, sent, cycle([0, 1])))
    assert Counter(answer.status_code for answer in answers) == {201: 60, 200: 120}
    assert len({get_reference(answer) for answer in answers}) == 60
    assert pair.count() - before == Counter(events=60, revisions=60, created=60)


def test_updates_at_once_are_each_a_revision(pair: Pair) -> None:
    name = make_name()
    reference = get_reference(pair.create(write(name)))
    before = pair.count()

    def update(number: int) -> int:
        body = write(name, f"{STORY} As {number} saw it.")
        address = f"{pair.urls[number % 2]}{EVENTS}/{reference}"
        return int(pair.call("PUT", address, body).status_code)

    with ThreadPoolExecutor(30) as pool:
        assert set(pool.map(update, range(30))) == {200}
    assert pair.count() - before == Counter(revisions=30, revised=30)
    history = pair.call("GET", f"{pair.urls[1]}{EVENTS}/{reference}/_history").json()
    versions = [entry["resource"]["meta"]["versionId"] for entry in history["entry"]]
    assert versions == [str(number) for number in range(31, 0, -1)]


@pytest.mark.parametrize("how", ["key", "identifier", "content"])
def test_after_an_answer_that_was_lost(pair: Pair, how: str) -> None:
    """The line is cut at any moment after the request was sent; it is sent again until there is
    an answer."""
    chance = random.Random(how)
    before = pair.count()
    place = urlsplit(pair.urls[0])
    for _ in range(20):
        body = write_new(named=how != "content")
        more = {"Idempotency_Key": make_name()} if how == "key" else {}
        named = {name.replace("-", "_"): value for name, value in pair.headers.items()}
        head = make_head("POST", EVENTS, Content_Length=str(len(body)), **named, **more)
        with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as line:
            line.sendall(head + body)
            time.sleep(chance.uniform(0, 0.03))
        until = time.monotonic() + PATIENCE
        while (answer := pair.create(body, chance.randrange(2), **more)).status_code == 409:
            assert time.monotonic() < until
        assert answer.status_code in (200, 201)
        assert answer.json()["meta"]["versionId"] == "1"
    assert pair.count() - before == Counter(events=20, revisions=20, created=20)


def test_the_same_event_as_a_request_and_as_a_feed_at_once(pair: Pair) -> None:
    """Once as other bytes, once as the very same: then it is one batch, and whoever comes second
    is told to wait for it."""
    before = pair.count()
    many = 30
    one, same = write(make_name()), write(make_name())
    together = Barrier(many)

    def send(number: int) -> Any:
        url = pair.urls[number % 2]
        together.wait(PATIENCE)
        if number % 3 == 0:
            return pair.call("POST", f"{url}/feeds", one + b"\n" * (number + 1))
        if number % 3 == 1:
            return pair.call("POST", f"{url}/feeds", same)
        return pair.create(one if number % 2 else same, number)

    with ThreadPoolExecutor(many) as pool:
        answers = list(pool.map(send, range(many)))
    assert {answer.status_code for answer in answers} <= {200, 201, 202, 409}
    ids = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    for feed_id in ids:
        until = time.monotonic() + PATIENCE
        while pair.call("GET", f"{pair.urls[0]}/feeds/{feed_id}").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.02)
    for body in (one, same):
        answer = pair.create(body)
        assert answer.status_code == 200
        assert answer.headers["ETag"] == 'W/"1"'
    assert pair.count() - before == Counter(events=2, revisions=2, created=2)
    assert {row.state for row in read_rows(pair.database_url, batches)} == {"finished"}


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("with_key", [True, False])
def test_a_late_retry_does_not_take_an_update_back(pair: Pair, named: bool, with_key: bool) -> None:
    name = make_name() if named else None
    body = write(name, f"{STORY} {make_name()}")
    more = {"Idempotency_Key": make_name()} if with_key else {}
    first = pair.create(body, 0, **more)
    reference = get_reference(first)
    changed = write(name, f"{STORY} It was later seen to be otherwise.")
    update = pair.call("PUT", f"{pair.urls[0]}{EVENTS}/{reference}", changed)
    assert (update.status_code, update.headers["ETag"]) == (200, 'W/"2"')
    late = pair.create_at_once(body, 20, **more)
    assert {answer.status_code for answer in late} == {201 if with_key else 200}
    assert {get_reference(answer) for answer in late} == {reference}
    assert pair.read_event(reference) == update.json()
    # Nor does a feed of the same bytes that comes as late.
    feed = pair.call("POST", f"{pair.urls[1]}/feeds", body)
    assert feed.json()["state"] == "finished"
    assert pair.read_event(reference) == update.json()


def test_what_is_being_answered_when_it_stops_is_answered(
    postgresql_server: str, postgresql_template: str, tmp_path: Path
) -> None:
    with make_database(postgresql_server, postgresql_template) as url:
        with open_line(tmp_path, url) as gateway:
            key = register_sources(gateway)[SOURCE.id]
        with serve_command(tmp_path, url) as served:
            pair = Pair([served, served], key, url)
            body = write(make_name())
            head = make_head(
                "POST",
                EVENTS,
                Content_Length=str(len(body)),
                **{name.replace("-", "_"): value for name, value in pair.headers.items()},
            )
            place = urlsplit(served)
            line = socket.create_connection((place.hostname, place.port), timeout=PATIENCE)
            line.sendall(head + body[:-1])
            # Until the request is with the app.
            requests.get(f"{served}/health", timeout=PATIENCE)
            pool = ThreadPoolExecutor(1)
            finishing = pool.submit(_finish_late, line, body[-1:])
        told = finishing.result()
        pool.shutdown()
    assert told.startswith(b"HTTP/1.1 201 ")


def _finish_late(line: socket.socket, rest: bytes) -> bytes:
    with line:
        time.sleep(0.5)
        line.sendall(rest)
        came = b""
        while piece := line.recv(65_536):
            came += piece
        return came
