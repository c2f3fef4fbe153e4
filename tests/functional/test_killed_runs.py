"""A run killed anywhere, again and again, then run to its end: nothing lost, nothing doubled."""

import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from gateway.generator import write_feed
from gateway.pipeline.notify import LEASE
from gateway.pipeline.receive import receive_feed
from store import tables
from tests.lib.databases import make_engine
from tests.lib.killed_run import SETTINGS, run
from tests.lib.line import NOW, open_line, register_everyone
from tests.lib.snapshot import find_differences, read_snapshot

EVENTS = 300
KILLS = 12


def receive_feeds(home: Path, database_url: str, folder: Path) -> None:
    with open_line(home, database_url, **SETTINGS) as gateway:
        register_everyone(gateway)
        for name, source in (("fhir-5", "test-fhir"), ("xml", "test-xml"), ("csv", "test-csv")):
            feed = folder / f"{name}.feed"
            with feed.open("wb") as stream:
                write_feed(stream, events=EVENTS, format=name, seed=3, errors=0.1, duplicates=0.1)
            with feed.open("rb") as stream:
                receive_feed(gateway, source, stream, filename=feed.name)


def run_child(home: Path, database_url: str, *die_after: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.lib.killed_run", str(home), database_url, *die_after],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


def run_to_the_end(home: Path, database_url: str) -> int:
    """How often it committed."""
    done = run_child(home, database_url)
    assert done.returncode == 0
    return int(done.stdout)


def run_killed(home: Path, database_url: str, most: int, chance: random.Random) -> bool:
    """Dies somewhere behind a commit, at most the ``most``-th; whether it came so far."""
    words = (str(chance.randint(1, most)), str(chance.uniform(0.001, 0.03)))
    code = run_child(home, database_url, *words).returncode
    assert code in (0, -signal.SIGPROF)
    return code != 0


def mailbox_of(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (home / "mailbox").glob("*.eml")}


def test_killed_runs_end_as_an_undisturbed_one(tmp_path, make_database_url):
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm_url, rough_url = make_database_url(), make_database_url()
    receive_feeds(calm, calm_url, tmp_path)
    receive_feeds(rough, rough_url, tmp_path)

    commits = run_to_the_end(calm, calm_url)
    chance = random.Random(7)
    # Together about as far as the work goes, so that late steps are hit as well.
    killed = [run_killed(rough, rough_url, commits // 6, chance) for _ in range(KILLS)]
    assert killed[:3] == [True] * 3, "the work was over too soon for the kills to mean anything"
    # A message whose sender was killed is free again when the lease has run out.
    run(rough, rough_url, now=NOW + LEASE)

    expected, found = read_snapshot(calm_url), read_snapshot(rough_url)
    assert find_differences(expected, found) == []
    assert sum(expected["events"].values()) > EVENTS
    assert set(mailbox_of(rough)) == set(mailbox_of(calm)) != set()


def test_the_comparison_can_fail(tmp_path, make_database_url):
    url = make_database_url()
    receive_feeds(tmp_path / "home", url, tmp_path)
    run(tmp_path / "home", url)
    before = read_snapshot(url)
    engine = make_engine(url)
    with engine.begin() as connection:
        number = connection.execute(select(tables.alerts.c.event_id).limit(1)).scalar_one()
        connection.execute(delete(tables.alerts).where(tables.alerts.c.event_id == number))
    engine.dispose()
    assert find_differences(before, read_snapshot(url)) == [
        "alerts: 1 rows only in the first, 0 only in the second"
    ]


@pytest.fixture
def make_database_url(fresh_database):
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database())
