"""The fault matrix: whatever happens to a load, it ends as one that nothing happened to. The store
is equal, the receipts are complete, every alert is there once (docs/operations/faults.md)."""

import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import requests
from sqlalchemy import delete, select

from gateway.generator import write_feed
from gateway.pipeline.credentials import add_key
from gateway.pipeline.notify import LEASE, deliver_messages
from store import tables
from tests.lib.api import with_key
from tests.lib.databases import load_pgserver, make_database, make_engine, make_template
from tests.lib.fault_run import POINTS, SETTINGS, SOURCES, Order, run_line
from tests.lib.line import NOW, open_line, register_everyone
from tests.lib.mail_server import Answers, run_server
from tests.lib.outcome import assert_undisturbed, read_mail, read_outcome
from tests.lib.ports import hold_port
from tests.lib.served import Served
from tests.lib.waiting import wait_for

EVENTS = 60
PAIRS = 4
# For what takes seconds: nothing is measured by it.
PATIENCE = 300
TYPES = {
    "fhir.feed": "application/fhir+ndjson",
    "xml.feed": "application/xml",
    "csv.feed": "text/csv",
}


@pytest.fixture(scope="module")
def feeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("feeds")
    for name, feed_format in (("fhir", "fhir-5"), ("xml", "xml"), ("csv", "csv")):
        with (folder / f"{name}.feed").open("wb") as stream:
            write_feed(
                stream, events=EVENTS, format=feed_format, seed=17, errors=0.1, duplicates=0.2
            )
    return folder


class Place:
    """A home and a database of its own, with everybody registered."""

    def __init__(self, home, url, feeds):
        self.home, self.url, self.feeds = home, url, feeds
        with self.open() as gateway:
            register_everyone(gateway)

    def open(self, *, now=NOW, **settings):
        return open_line(self.home, self.url, now=now, **{**SETTINGS, **settings})

    def run(self, *, now=NOW):
        with self.open(now=now) as gateway:
            run_line(gateway, self.feeds)

    def start(self, **order):
        told = Order(home=str(self.home), url=self.url, feeds=str(self.feeds), **order)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.lib.fault_run", msgspec.json.encode(told).decode()],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run_to(self, point, count):
        child = self.start(point=point, count=count)
        child.communicate()
        assert child.returncode == -signal.SIGKILL, f"{point} was never passed {count} times"

    def read(self, *, audit=True):
        with self.open() as gateway:
            return read_outcome(gateway, self.url, audit=audit)


@pytest.fixture
def make_place(fresh_database, tmp_path, feeds):
    with ExitStack() as stack:
        names = iter("abcdefgh")
        yield lambda: Place(tmp_path / next(names), stack.enter_context(fresh_database()), feeds)


@pytest.fixture
def place(make_place):
    return make_place()


@pytest.fixture(scope="module")
def undisturbed(sqlite_template, tmp_path_factory, feeds):
    """What an undisturbed run leaves, with its mail, and how often it passed each point; the same
    on every database."""
    folder = tmp_path_factory.mktemp("undisturbed")
    url = f"sqlite:///{folder / 'gateway.sqlite'}"
    (folder / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    place = Place(folder, url, feeds)
    told, complaint = place.start().communicate()
    assert told, complaint
    return place.read(), read_mail(folder), Counter(json.loads(told))


def assert_as_undisturbed(place, undisturbed):
    expected, mail, _ = undisturbed
    assert_undisturbed(place.read(), expected, place.url)
    assert read_mail(place.home) == mail != []


def test_every_point_is_passed(undisturbed):
    expected, _, passed = undisturbed
    assert passed.keys() == POINTS.keys()
    assert passed["chunk written, not committed"] > 10
    assert sum(expected["alerts"].values()) > 10


@pytest.mark.parametrize("place_in_run", ["first", "middle", "last"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(place, undisturbed, point, place_in_run):
    passed = undisturbed[2][point]
    place.run_to(point, {"first": 1, "middle": (passed + 1) // 2, "last": passed}[place_in_run])
    # What a killed sender had claimed is free again when its lease has run out.
    place.run(now=NOW + LEASE)
    assert_as_undisturbed(place, undisturbed)


@pytest.mark.parametrize("seed", range(PAIRS))
def test_killed_twice(place, undisturbed, seed):
    """Who comes after a kill is killed itself, somewhere else."""
    chance, passed = random.Random(seed), undisturbed[2]
    for point in chance.sample(sorted(POINTS), 2):
        count = chance.randint(1, max(1, passed[point] // 3))
        place.start(point=point, count=count).communicate()
    place.run(now=NOW + LEASE)
    assert_as_undisturbed(place, undisturbed)


class Server:
    """A PostgreSQL server of the test's own, that can be struck down. It keeps its promises
    (fsync), unlike the one that tests share. Its folder is not pytest's: another run of pytest that
    begins meanwhile shuts out the user that the server is."""

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="lrms-crashing-"))
        loaded = load_pgserver(self._folder)
        self._server = loaded.get_server(self._folder / "data", cleanup_mode="delete")
        self.url = self._server.get_uri()

    def crash(self):
        """As ``pg_ctl stop -m immediate``: no checkpoint; it recovers when it starts."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)

    def start(self):
        self._server.ensure_postgres_running()

    def close(self):
        with suppress(Exception):
            self.start()
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.mark.postgresql
def test_a_database_server_that_crashes_while_a_feed_is_loaded(tmp_path, feeds, undisturbed):
    server = Server()
    try:
        with make_template(server.url) as name, make_database(server.url, name) as url:
            place = Place(tmp_path / "home", url, feeds)
            for seconds in (0.1, 0.4, 0.7):
                child = place.start()
                wait_until_it_loads(place)
                time.sleep(seconds)
                server.crash()
                _, complaint = child.communicate(timeout=PATIENCE)
                server.start()
                assert child.returncode == 0 or "UnavailableError" in complaint, complaint
            place.run(now=NOW + LEASE)
            assert_as_undisturbed(place, undisturbed)
    finally:
        server.close()


def wait_until_it_loads(place):
    def look():
        with gateway.store.read() as work:
            return any(batch.state != "received" for batch in work.batches.find_all())

    with place.open() as gateway:
        wait_for("the child to get to work", look)


def test_mail_is_down_for_an_hour(place, undisturbed):
    """No server listens; then it comes back. Each mail is sent once, and none is given up."""
    port = hold_port()
    with place.open(smtp_host="127.0.0.1", smtp_port=port) as gateway:
        run_line(gateway, place.feeds)
    for minute in range(1, 61):
        down = place.open(
            now=NOW + timedelta(minutes=minute), smtp_host="127.0.0.1", smtp_port=port
        )
        with down as gateway:
            counts = deliver_messages(gateway)
        assert counts["sent"] == counts["parked"] == 0
    answers = Answers()
    with run_server(answers) as port:
        later = NOW + timedelta(hours=2, minutes=1)
        with place.open(now=later, smtp_host="127.0.0.1", smtp_port=port) as gateway:
            counts = deliver_messages(gateway)
            assert deliver_messages(gateway)["sent"] == 0
    expected, mail, _ = undisturbed
    assert counts["waiting"] == counts["failed"] == 0
    sent = [message["Message-ID"].strip("<>").partition("@")[0] for message in answers.taken]
    assert sorted(f"{one}.eml" for one in sent) == mail
    assert_undisturbed(place.read(), expected, place.url)


def test_two_schedulers_pick_the_same_batches(place, undisturbed):
    """Two that each do all there is to do, step by step, at the same time, and both again."""
    for _ in range(2):
        both = [place.start() for _ in range(2)]
        for child in both:
            _, complaint = child.communicate(timeout=PATIENCE)
            assert child.returncode == 0 or "LostPartError" in complaint, complaint
    place.run(now=NOW + LEASE)
    assert_as_undisturbed(place, undisturbed)


def test_a_clock_that_steps_back(place, undisturbed):
    """Order is by number, never by time: every look at the clock gives an earlier time than the
    one before, and each step begins before the one it follows ended."""
    ticks = itertools.count()
    with place.open() as gateway:
        object.__setattr__(gateway, "now", lambda: NOW - timedelta(seconds=next(ticks)))
        run_line(gateway, place.feeds)
    assert next(ticks) > 30
    place.run(now=NOW + LEASE)
    assert_as_undisturbed(place, undisturbed)


def test_a_disk_too_full_for_the_raw_files(place, undisturbed):
    """What fits is received, and nothing is left that could be taken for the rest."""
    sizes = sorted(path.stat().st_size for path in place.feeds.iterdir())
    child = place.start(file_limit=sizes[-1] - 1)
    _, complaint = child.communicate()
    assert child.returncode == 1
    assert "UnavailableError" in complaint
    place.run(now=NOW + LEASE)
    assert_as_undisturbed(place, undisturbed)


def push(address, key, feed):
    answer = requests.post(
        f"{address}/feeds",
        data=feed.read_bytes(),
        headers=with_key(key, Content_Type=TYPES[feed.name]),
        timeout=PATIENCE,
    )
    assert answer.status_code in (200, 202), answer.text


def test_the_same_feeds_at_once_by_two_routes(make_place, monkeypatch):
    """Pushed over HTTP while the files are taken up, and loaded by the API and by the line: one
    batch each, whoever came first. The API's clock is the real one, so the line has the same day;
    its noon, as a run over midnight would have another digest."""
    noon = datetime.now(UTC).replace(hour=12, minute=0)
    calm, place = make_place(), make_place()
    calm.run(now=noon)
    with place.open() as gateway:
        keys = {name: add_key(gateway, source).secret for name, source in SOURCES.items()}
    monkeypatch.setenv("LRMS_DATABASE_URL", place.url)
    with Served(place.home) as api, ThreadPoolExecutor(len(keys)) as pool:
        child = place.start(now=noon)
        pushed = [pool.submit(push, api.url, key, place.feeds / name) for name, key in keys.items()]
        _, complaint = child.communicate(timeout=PATIENCE)
        assert child.returncode == 0 or "LostPartError" in complaint, complaint
        for one in pushed:
            one.result()
    place.run(now=noon + LEASE)
    found, expected = (drop_parts(one.read(audit=False)) for one in (place, calm))
    assert_undisturbed(found, expected, place.url)
    assert read_mail(place.home) == read_mail(calm.home) != []


def drop_parts(outcome):
    """The API cuts a batch in its own way."""
    return {name: value for name, value in outcome.items() if name != "parts"}


def test_the_comparison_can_fail(place, undisturbed):
    place.run(now=NOW)
    engine = make_engine(place.url)
    with engine.begin() as connection:
        told = connection.execute(select(tables.alerts.c.event_id).limit(1)).scalar_one()
        connection.execute(delete(tables.alerts).where(tables.alerts.c.event_id == told))
    engine.dispose()
    with pytest.raises(AssertionError, match="alerts: "):
        assert_as_undisturbed(place, undisturbed)
