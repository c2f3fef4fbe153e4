"""Files of an SFTP folder at a bad moment: unreadable, changed while they are read, not to be put
away, the run killed; none is lost, doubled, or in the way of another."""

import os

import pytest

from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp_client import Client
from gateway.collectors.sftp_folder import SftpFolder
from tests.lib.collecting import FEED, Killed, list_batches, read_items, run
from tests.lib.sftp_folder import BIG, list_names, read_raw


def test_one_file_that_cannot_be_read_holds_up_no_other(gateway, make, put, folder):
    put("a.csv").chmod(0)
    put("b.csv")
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    items = read_items(gateway)
    assert (items["a.csv"].state, items["a.csv"].reason) == ("waiting", "denied")
    assert items["b.csv"].state == "received"
    (folder / "a.csv").chmod(0o644)
    assert run(gateway) == {"received": 1}


def test_a_file_that_changes_while_it_is_read_is_read_again(
    gateway, make, put, folder, monkeypatch
):
    path = put("a.csv", BIG)
    put("b.csv")
    read_range = Client.read_range

    def grow(self, file, start, end):
        yield from read_range(self, file, start, end)
        if end == len(BIG):
            with path.open("ab") as more:
                more.write(FEED)

    monkeypatch.setattr(Client, "read_range", grow)
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    items = read_items(gateway)
    assert (items["a.csv"].reason, items["b.csv"].state) == ("changed", "received")
    assert len([one for one in gateway.settings.raw_folder.rglob("*") if one.is_file()]) == 1
    monkeypatch.undo()
    # The one that was listed before is gone; what is there now is another.
    assert run(gateway) == {"received": 1, "gone": 1}
    assert read_raw(gateway, "a.csv") == BIG + FEED


def test_a_file_that_gets_shorter_while_it_is_read_is_not_taken(
    gateway, make, put, folder, monkeypatch
):
    path = put("a.csv", BIG)
    read_range = Client.read_range

    def shrink(self, file, start, end):
        os.truncate(path, 100_000)
        yield from read_range(self, file, start, end)

    monkeypatch.setattr(Client, "read_range", shrink)
    make()
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    assert read_items(gateway)["a.csv"].reason == "changed"
    assert list_batches(gateway.settings.database) == []


def test_a_file_that_comes_in_the_place_of_the_received_one_is_not_put_away(
    gateway, make, put, folder, monkeypatch
):
    put("a.csv")
    rename = Client.rename

    def replace_first(self, old, new):
        if not list((folder / "done").iterdir()):
            put("a.csv", FEED * 7)
        rename(self, old, new)

    monkeypatch.setattr(Client, "rename", replace_first)
    make()
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["a.csv", "done"]
    monkeypatch.undo()
    assert run(gateway) == {"received": 1}
    assert read_raw(gateway, "a.csv") == FEED * 7
    assert len(list_batches(gateway.settings.database)) == 2


def test_a_file_that_cannot_be_put_away_is_received_once_all_the_same(gateway, make, put, folder):
    put("a.csv")
    folder.chmod(0o555)
    make()
    for _ in range(2):
        with pytest.raises(CollectError, match="item-failed"):
            run(gateway)
        assert read_items(gateway)["a.csv"].reason == "settle-failed"
    folder.chmod(0o755)
    assert run(gateway) == {}
    assert list_names(folder) == ["done"]
    assert len(list_batches(gateway.settings.database)) == 1


@pytest.mark.parametrize("step", ["open", "settle"])
def test_a_run_that_is_killed_loses_nothing_and_doubles_nothing(
    gateway, clock, make, put, folder, monkeypatch, step
):
    for name in ("a.csv", "b.csv", "c.csv"):
        put(name)
    make()
    count = 0
    real = getattr(SftpFolder, step)

    def die(self, *given):
        nonlocal count
        count += 1
        if count == 2:
            raise Killed
        return real(self, *given)

    monkeypatch.setattr(SftpFolder, step, die)
    with pytest.raises(Killed):
        run(gateway)
    monkeypatch.undo()
    clock.go(minutes=20)
    run(gateway)
    assert list_names(folder) == ["done"]
    assert [one[1] for one in list_batches(gateway.settings.database)] == [
        "a.csv",
        "b.csv",
        "c.csv",
    ]
    assert len(list_names(folder / "done")) == 3
