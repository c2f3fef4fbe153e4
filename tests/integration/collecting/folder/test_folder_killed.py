"""Watched folders: killed at any step, again and again, nothing is lost, doubled or cut short."""

import pkgutil
import random
import signal
import subprocess
import sys

import pytest

from tests.lib.collecting import FEED, Killed
from tests.lib.watched_folder import collect, find_items, list_filenames, list_names, watch

KILLED_AT = (
    ("pathlib.Path.rename", 1),
    ("pathlib.Path.rename", 2),
    ("gateway.pipeline.collect_item.receive_raw_file", 1),
    ("gateway.pipeline.collect._record", 1),
    ("pathlib.Path.replace", 1),
    ("pathlib.Path.replace", 2),
    ("pathlib.Path.rmdir", 1),
    ("store.collected.Collected.settle", 1),
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("where", "time"), KILLED_AT, ids=range(len(KILLED_AT)))
def test_killed_anywhere_on_the_way(gateway, drop, clock, monkeypatch, where, time, when):
    """At each step that changes a file or the store: the next run ends as an undisturbed one."""
    watch(gateway, drop, ready="done")
    (drop / "a.csv").write_bytes(FEED)
    (drop / "a.csv.done").touch()
    left = [time]

    with monkeypatch.context() as killing:
        real = pkgutil.resolve_name(where)

        def kill(*args: object, **rest: object) -> object:
            left[0] -= 1
            if left[0] == 0 and when == "before":
                raise Killed
            done = real(*args, **rest)
            if left[0] == 0:
                raise Killed
            return done

        killing.setattr(where, kill)
        with pytest.raises(Killed):
            collect(gateway)
    clock.go(minutes=16)
    collect(gateway)
    assert list_filenames(gateway) == ["a.csv"]
    item = find_items(gateway)["a.csv"]
    assert (item.state, item.settled_at) == ("received", clock.now)
    assert list_names(drop) == [f"done/{item.batch_id}-a.csv", f"done/{item.batch_id}-a.csv.done"]
    assert [path.name for path in (drop / ".taken" / "drop").iterdir()] == []


def test_processes_killed_again_and_again_lose_and_double_nothing(gateway, clock, drop, tmp_path):
    watch(gateway, drop)
    for number in range(90):
        (drop / f"{number:03}.csv").write_bytes(FEED + str(number).encode())
    chance = random.Random(2)
    command = [sys.executable, "-m", "tests.lib.killed_collector", str(tmp_path / "home")]
    for kill in range(4):
        when = (f"{16 * kill}", f"{20 + kill}", str(chance.uniform(0.001, 0.01)))
        child = subprocess.run([*command, gateway.settings.database, *when], check=False)
        assert child.returncode == -signal.SIGPROF
    assert 0 < len(list_filenames(gateway)) < 90
    clock.go(minutes=16 * 4)
    collect(gateway)
    assert sorted(list_filenames(gateway)) == [f"{number:03}.csv" for number in range(90)]
    items = find_items(gateway)
    assert {one.state for one in items.values()} == {"received"}
    assert list_names(drop) == sorted(f"done/{one.batch_id}-{name}" for name, one in items.items())
