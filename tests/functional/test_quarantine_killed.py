"""A load whose database refuses some rows is killed anywhere, again and again: what is quarantined
is what an undisturbed run quarantines, and a replay makes all as if nothing had been refused."""

import random
from contextlib import ExitStack

import pytest

from gateway.pipeline.replay import replay_records
from schemas.quarantine import UnloadedFilter
from store.tables import quarantine
from tests.functional.test_killed_runs import receive_feeds, run_killed, run_to_the_end
from tests.lib.databases import read_rows
from tests.lib.killed_run import SETTINGS, run
from tests.lib.line import open_line
from tests.lib.poison import refusing
from tests.lib.snapshot import find_differences, read_snapshot

KILLS = 8
_LATER = ("audit", "messages", "message_alerts")
REFUSED = "NEW.record_number % 29 = 0"


@pytest.fixture
def make_url(fresh_database):
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database())


def find_kept(url):
    return {(one.batch_number, one.record_number) for one in read_rows(url, quarantine)}


def read_loaded(url):
    """Without the audit log, where a replay has entries of its own, and without messages: a digest
    holds what waits when it is made."""
    found = read_snapshot(url)
    return {name: rows for name, rows in found.items() if name not in _LATER}


def test_killed_while_refused_rows_are_found_it_ends_as_undisturbed(tmp_path, make_url):
    calm, rough, sound = (tmp_path / name for name in ("calm", "rough", "sound"))
    calm_url, rough_url, sound_url = make_url(), make_url(), make_url()
    for home, url in ((calm, calm_url), (rough, rough_url), (sound, sound_url)):
        receive_feeds(home, url, tmp_path)
    with refusing(calm_url, REFUSED), refusing(rough_url, REFUSED):
        commits = run_to_the_end(calm, calm_url)
        chance = random.Random(11)
        killed = [run_killed(rough, rough_url, commits // 6, chance) for _ in range(KILLS)]
        assert killed[:3] == [True] * 3
        run(rough, rough_url)
    assert len(find_kept(rough_url)) > 20
    assert find_kept(calm_url) == find_kept(rough_url)
    assert find_differences(read_loaded(calm_url), read_loaded(rough_url)) == []

    run(sound, sound_url)
    with open_line(rough, rough_url, **SETTINGS) as gateway:
        list(replay_records(gateway, UnloadedFilter(disposition="quarantined"), for_real=True))
    assert find_differences(read_loaded(sound_url), read_loaded(rough_url)) == []
