"""Folders on a real OpenSSH server: which files are ready, and what becomes of them afterwards;
what is refused is followed nowhere."""

import os
from collections import Counter

import pytest

from gateway.collectors.far_end import CollectError
from gateway.collectors.sftp_folder import SftpFolder
from tests.lib.collecting import FEED, list_batches, read_items, run
from tests.lib.sftp_folder import BIG, list_names, read_raw


def test_files_are_received_in_the_order_they_were_finished_and_put_away(
    gateway, make, put, folder, server
):
    put("b.csv")
    put("a.csv", BIG)
    put("c.csv")
    make()
    assert run(gateway) == {"received": 3}
    batches = list_batches(gateway.settings.database)
    assert [one[1:] for one in batches] == [
        ("b.csv", "sftp"),
        ("a.csv", "sftp"),
        ("c.csv", "sftp"),
    ]
    assert read_raw(gateway, "a.csv") == BIG
    items = read_items(gateway)
    assert list_names(folder) == ["done"]
    assert list_names(folder / "done") == sorted(
        f"{one.batch_id}-{one.name}" for one in items.values()
    )
    assert run(gateway) == {}


def test_the_same_name_again_is_another_file(gateway, make, put, folder):
    make()
    put("a.csv")
    assert run(gateway) == {"received": 1}
    put("a.csv")
    assert run(gateway) == {"received": 1}
    # And the same bytes again are the same batch, put away beside the first.
    put("a.csv", FEED)
    assert run(gateway) == {"known": 1}
    assert len(list_names(folder / "done")) == 3


def test_received_files_can_be_deleted(gateway, make, put, folder):
    put("a.csv")
    make(after="delete")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == []


def test_files_that_are_left_are_remembered_until_they_change(gateway, make, put, folder):
    path = put("a.csv")
    make(after="leave")
    assert run(gateway) == {"received": 1}
    assert run(gateway) == {}
    put("a.csv", FEED + FEED)
    assert run(gateway) == {"received": 1}
    assert path.exists()
    assert list_names(folder) == ["a.csv"]


def test_what_is_not_finished_or_not_wanted_is_left_alone(gateway, make, put, folder):
    names = ["a.csv.part", "a.csv.filepart", "A.CSV.TMP", ".hidden.csv", "a.txt", "note.done"]
    for name in names:
        put(name)
    (folder / "sub.csv").mkdir()
    put("B.CSV")
    make(names="*.csv")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == sorted([*names, "sub.csv", "done"])


def test_a_file_that_is_written_to_between_two_looks_waits(gateway, make, put, folder, monkeypatch):
    path = put("a.csv")
    put("b.csv")
    find_ready = SftpFolder._find_ready

    def write_meanwhile(self):
        self._sleep = lambda _: path.write_bytes(FEED * 9)
        return find_ready(self)

    monkeypatch.setattr(SftpFolder, "_find_ready", write_meanwhile)
    make()
    assert run(gateway) == {"received": 1}
    assert path.exists()
    monkeypatch.undo()
    assert run(gateway) == {"received": 1}
    assert read_raw(gateway, "a.csv") == FEED * 9


def test_by_marker_a_file_is_ready_once_its_marker_is_there(gateway, make, put, folder):
    put("a.csv")
    put("b.csv")
    put("a.done", b"x")
    put("orphan.done", b"x")
    make(ready="done")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["b.csv", "done", "orphan.done"]
    put("b.csv.done", b"x")
    assert run(gateway) == {"received": 1}
    assert list_names(folder) == ["done", "orphan.done"]


def test_a_marker_that_may_mean_two_files_is_refused_and_left(gateway, make, put, folder):
    for name in ("a.csv", "a.xml", "b.csv"):
        put(name)
    put("a.done", b"x")
    put("b.done", b"x")
    make(ready="done")
    assert run(gateway) == {"received": 1, "refused": 1}
    assert read_items(gateway)["a.done"].reason == "ambiguous"
    assert list_names(folder) == ["a.csv", "a.done", "a.xml", "done"]


def test_links_and_devices_are_refused_and_followed_nowhere(gateway, make, put, folder, server):
    (folder / "loop.csv").symlink_to(folder)
    (folder / "self.csv").symlink_to("self.csv")
    (folder / "passwd.csv").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.csv")
    put("a.csv")
    make()
    assert run(gateway) == {"received": 1, "refused": 4}
    reasons = {name: one.reason for name, one in read_items(gateway).items()}
    names = ("loop.csv", "self.csv", "passwd.csv", "pipe.csv")
    assert {reasons[name] for name in names} == {"not-a-file"}
    assert len(list_names(folder / "refused")) == 4
    assert list_names(folder) == ["done", "refused"]


def test_what_is_refused_is_never_deleted(gateway, make, put, folder):
    (folder / "link.csv").symlink_to("/etc/passwd")
    make(after="delete")
    assert run(gateway) == {"refused": 1}
    assert list_names(folder) == ["link.csv"]
    assert run(gateway) == {}


def test_a_name_that_is_not_utf_8_hides_no_other_file(gateway, make, put, folder):
    put("a.csv")
    put("Ärzte.csv".encode("latin-1"))
    put("ä.csv")
    make()
    assert run(gateway) == {"received": 3}
    assert list_names(folder) == ["done"]


def test_a_file_bigger_than_a_feed_may_be_is_refused_unread(gateway, make, put, folder):
    with put("a.csv").open("r+b") as file:
        file.truncate(gateway.settings.max_feed_bytes + 1)
    put("b.csv")
    make()
    assert run(gateway) == {"received": 1, "refused": 1}
    assert read_items(gateway)["a.csv"].reason == "too-big"


def test_a_folder_of_thousands_of_files_is_collected_page_by_page(gateway, make, server, folder):
    for number in range(2_000):
        server.write(folder / f"{number}.csv", b"feed %d\n" % number)
    (folder / "1050.csv").chmod(0)
    make(names="1[01][0-5]?.csv", after="leave")
    with pytest.raises(CollectError, match="item-failed"):
        run(gateway)
    states = Counter(one.state for one in read_items(gateway).values())
    assert states == {"received": 119, "waiting": 1}
    (folder / "1050.csv").chmod(0o644)
    assert run(gateway) == {"received": 1}
