"""Preparing and delivering killed (SIGKILL) at each of its steps, then run again: every alert is
announced and every mail is there once."""

import signal
import subprocess
import sys
from collections import Counter

import pytest

from gateway.pipeline import notify
from gateway.pipeline.notify import deliver_messages, prepare_messages
from tests.lib.databases import copy_sqlite
from tests.lib.events import OTHER_TRUST, TRUST, TRUST_SITE
from tests.lib.killed_notify import POINTS
from tests.lib.outbox import LEADS, Clock, add_admin, load_events, make_harmed, open_outbox, query

# No e-mail address: its message is parked, and the national leads are told.
BAD_ADDRESS = "nobody"


def fill(home, url, site_admin=BAD_ADDRESS):
    """Alerts of both kinds that wait: for an organisation with two admin users, for one with none,
    and for one whose only admin user is ``site_admin``."""
    with open_outbox(home, url) as gateway:
        add_admin(gateway, "second@rza.example", TRUST)
        add_admin(gateway, site_admin, TRUST_SITE)
        places = [[TRUST], [OTHER_TRUST], [TRUST, OTHER_TRUST], [TRUST_SITE]]
        load_events(
            gateway,
            [make_harmed("1144"[n // 4], where=places[n % 4], text=str(n)) for n in range(16)],
        )


def run_killed(home, url, point, count):
    """The child's exit code."""
    words = [str(home), url, point, str(count)]
    child = [sys.executable, "-m", "tests.lib.killed_notify", *words]
    return subprocess.run(child, check=False).returncode


def finish(home, url, clock):
    with open_outbox(home, url, clock=clock) as gateway:
        prepare_messages(gateway)
        deliver_messages(gateway)
        waiting = query(gateway, "SELECT 1 FROM alerts WHERE announced_at IS NULL")
        return len(waiting), query(gateway, "SELECT id, recipient, body, state FROM messages")


@pytest.fixture(scope="module")
def undisturbed(sqlite_template, tmp_path_factory):
    """The messages of a run that nothing disturbs; they are the same on every database."""
    folder = tmp_path_factory.mktemp("calm")
    with copy_sqlite(sqlite_template, folder) as url:
        fill(folder, url)
        _, messages = finish(folder, url, Clock())
    return {tuple(row) for row in messages}


def test_the_undisturbed_run_has_all_that_can_happen(undisturbed):
    kinds = Counter((one.partition("-")[0], state) for one, _, _, state in undisturbed)
    assert set(kinds) == {
        ("urgent", "sent"),
        ("urgent", "parked"),
        ("digest", "sent"),
        ("digest", "parked"),
        ("no_admin", "sent"),
    }
    told = [body for _, recipient, body, _ in undisturbed if recipient == LEADS]
    parked = kinds["urgent", "parked"] + kinds["digest", "parked"]
    assert sum(f"{BAD_ADDRESS} refuses mail" in body for body in told) == parked == 3


@pytest.mark.parametrize(
    ("point", "count"),
    [*((point, 1) for point in POINTS), ("urgent_messages_made", 3), ("draft_written", 2),
     ("handed_over", 4), ("parked_told", 3),
     *(("committed", count) for count in (1, 4, 8, 20))],
)  # fmt: skip
def test_killed_and_run_again(database_url, undisturbed, tmp_path, point, count):
    fill(tmp_path, database_url)
    assert run_killed(tmp_path, database_url, point, count) == -signal.SIGKILL, "never reached"

    clock = Clock()
    clock.at += notify.LEASE
    waiting, messages = finish(tmp_path, database_url, clock)
    assert waiting == 0
    assert {tuple(row) for row in messages} == undisturbed
    sent = sorted(f"{row.id}.eml" for row in messages if row.state == "sent")
    # Nothing else lies in the mailbox either.
    assert sorted(path.name for path in (tmp_path / "mailbox").iterdir()) == sent


@pytest.mark.parametrize(
    ("point", "count", "again"),
    [("handed_over", 9, 1), ("settled", 9, 1), ("claimed", 9, 1), ("committed", 15, 0)],
)
def test_only_a_death_between_hand_over_and_commit_sends_again(
    database_url, tmp_path, point, count, again
):
    fill(tmp_path, database_url, site_admin="site@rza.example")
    assert run_killed(tmp_path, database_url, point, count) == -signal.SIGKILL
    handed = Counter((tmp_path / "handed_over").read_text().split())

    class CountingMailer:
        def send(self, message):
            handed[message["Message-ID"].strip("<>").partition("@")[0]] += 1

    clock = Clock()
    clock.at += notify.LEASE
    with open_outbox(tmp_path, database_url, clock=clock) as gateway:
        object.__setattr__(gateway, "mailer", CountingMailer())
        deliver_messages(gateway)
    assert sum(count - 1 for count in handed.values()) == again
