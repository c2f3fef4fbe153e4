"""Preparing and delivering killed (SIGKILL) at each of its steps, then run again: every alert is
announced and every mail is there once."""

import shutil
import signal
import subprocess
import sys
from collections import Counter

import pytest

from gateway.pipeline import notify
from gateway.pipeline.notify import deliver_messages, prepare_messages
from tests.lib.events import OTHER_TRUST, TRUST
from tests.lib.killed_notify import POINTS
from tests.lib.outbox import Clock, add_admin, load_events, make_harmed, open_outbox, query


@pytest.fixture(scope="module")
def waiting_home(tmp_path_factory):
    """Alerts of both kinds that wait: for an organisation with two admin users, and for one with
    none."""
    home = tmp_path_factory.mktemp("waiting") / "home"
    with open_outbox(home) as gateway:
        add_admin(gateway, "second@rza.example", TRUST)
        places = [[TRUST], [OTHER_TRUST], [TRUST, OTHER_TRUST]]
        load_events(
            gateway,
            [make_harmed("14"[n % 2], where=places[n % 3], text=str(n)) for n in range(12)],
        )
    return home


def finish(home, clock):
    with open_outbox(home, clock=clock) as gateway:
        prepare_messages(gateway)
        deliver_messages(gateway)
        waiting = query(gateway, "SELECT 1 FROM alerts WHERE announced_at IS NULL")
        return len(waiting), query(gateway, "SELECT id, recipient, body, state FROM messages")


@pytest.fixture(scope="module")
def undisturbed(waiting_home, tmp_path_factory):
    home = shutil.copytree(waiting_home, tmp_path_factory.mktemp("calm") / "home")
    _, messages = finish(home, Clock())
    return {(row.id, row.recipient, row.body) for row in messages}


@pytest.mark.parametrize(
    ("point", "count"),
    [*((point, 1) for point in POINTS), ("urgent_messages_made", 3), ("claimed", 4),
     ("handed_over", 4), ("settled", 4), *(("committed", count) for count in (1, 3, 4, 6, 7))],
)  # fmt: skip
def test_killed_and_run_again(waiting_home, undisturbed, tmp_path, point, count):
    home = shutil.copytree(waiting_home, tmp_path / "home")
    child = subprocess.run(
        [sys.executable, "-m", "tests.lib.killed_notify", str(home), point, str(count)],
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, "the point was never reached"

    clock = Clock()
    clock.at += notify.LEASE
    waiting, messages = finish(home, clock)
    assert waiting == 0
    assert {row.state for row in messages} == {"sent"}
    assert {(row.id, row.recipient, row.body) for row in messages} == undisturbed
    mails = sorted(path.stem for path in (home / "mailbox").glob("*.eml"))
    assert mails == sorted(row.id for row in messages)
    leftovers = [path for path in (home / "mailbox").iterdir() if path.suffix != ".eml"]
    assert leftovers == []


@pytest.mark.parametrize(
    ("point", "again"), [("handed_over", 1), ("settled", 1), ("claimed", 1), ("committed", 0)]
)
def test_only_a_death_between_hand_over_and_commit_sends_again(
    waiting_home, tmp_path, point, again
):
    home = shutil.copytree(waiting_home, tmp_path / "home")
    subprocess.run(
        [sys.executable, "-m", "tests.lib.killed_notify", str(home), point, "9"], check=False
    )
    handed = Counter((home / "handed_over").read_text().split())

    class CountingMailer:
        def send(self, message):
            handed[message["Message-ID"].strip("<>").partition("@")[0]] += 1

    clock = Clock()
    clock.at += notify.LEASE
    with open_outbox(home, clock=clock) as gateway:
        object.__setattr__(gateway, "mailer", CountingMailer())
        deliver_messages(gateway)
    assert sum(count - 1 for count in handed.values()) == again
