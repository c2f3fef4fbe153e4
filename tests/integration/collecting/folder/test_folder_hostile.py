"""Watched folders: what is hostile is refused with a reason and never followed; files that change,
vanish or are held open; settings that cannot be."""

import errno
import json
import os
from pathlib import Path

import pytest

from gateway.collectors import folder
from gateway.collectors.far_end import CollectError
from schemas.errors import WrongUseError
from tests.lib.collecting import FEED, add, read_collector
from tests.lib.watched_folder import (
    collect,
    find_items,
    list_filenames,
    list_names,
    read_whole,
    watch,
)


def test_links_pipes_and_devices_are_refused_and_never_followed(gateway, drop, tmp_path):
    watch(gateway, drop)
    secret = tmp_path / "secret.csv"
    secret.write_bytes(b"not yours")
    (drop / "link.csv").symlink_to(secret)
    (drop / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (drop / "folder.csv").symlink_to(tmp_path)
    os.mkfifo(drop / "pipe.csv")
    (drop / "plain.csv").write_bytes(FEED)
    assert collect(gateway) == {"received": 1, "refused": 4}
    assert list_filenames(gateway) == ["plain.csv"]
    items = find_items(gateway)
    assert {name for name, one in items.items() if one.reason == "not-a-file"} == {
        "link.csv",
        "dangling.csv",
        "folder.csv",
        "pipe.csv",
    }
    assert secret.read_bytes() == b"not yours"


@pytest.mark.parametrize("name", ["done", "refused", ".taken", ".taken/drop"])
def test_a_link_in_the_place_of_a_folder_of_ours_stops_the_run(gateway, drop, tmp_path, name):
    watch(gateway, drop)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (drop / name).parent.mkdir(exist_ok=True)
    (drop / name).symlink_to(elsewhere)
    (drop / "a.csv").write_bytes(FEED)
    with pytest.raises(CollectError, match="denied"):
        collect(gateway)
    assert list(elsewhere.iterdir()) == []
    assert (drop / "a.csv").exists()


def test_a_link_laid_where_the_reason_is_written_is_not_followed(gateway, drop, tmp_path):
    watch(gateway, drop, ready="done")
    victim = tmp_path / "victim"
    victim.write_text("whole")
    (drop / "refused").mkdir()
    (drop / "refused" / "1-a.csv.txt").symlink_to(victim)
    (drop / ".taken" / "drop").mkdir(parents=True)
    (drop / ".taken" / "drop" / ".why-1").symlink_to(victim)
    (drop / "a.csv").touch()
    (drop / "a.csv.done").touch()
    assert collect(gateway) == {"refused": 1}
    assert victim.read_text() == "whole"


def test_empty_and_too_big_files_are_refused(gateway, drop):
    watch(gateway, drop, ready="done")
    (drop / "empty.csv").touch()
    with (drop / "big.csv").open("wb") as stream:
        stream.truncate(gateway.settings.max_feed_bytes + 1)
    for name in ("empty.csv.done", "big.csv.done"):
        (drop / name).touch()
    assert collect(gateway) == {"refused": 2}
    items = find_items(gateway)
    assert (items["empty.csv"].reason, items["big.csv"].reason) == ("empty", "too-big")


@pytest.mark.parametrize(
    "name",
    [b"a b\nc.csv", b"\xff\xfe.csv", b"..csv", b"-rf.csv", b"$(x).csv", b"x" * 251 + b".csv"],
)
def test_any_name_is_a_name(gateway, drop, name):
    watch(gateway, drop)
    (drop / os.fsdecode(name)).write_bytes(FEED)
    assert collect(gateway) == ({} if name.startswith(b".") else {"received": 1})
    assert len(list_names(drop)) == 1


def test_a_file_that_vanishes_or_is_held_open_is_left_to_the_next_run(gateway, drop, monkeypatch):
    watch(gateway, drop)
    (drop / "a.csv").write_bytes(FEED)
    (drop / "b.csv").write_bytes(FEED * 2)
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "a.csv":
            raise OSError(errno.EBUSY, "held by its writer, as on a Windows share")
        return rename(path, target)

    with monkeypatch.context() as held:
        held.setattr(Path, "rename", refuse)
        assert collect(gateway) == {"received": 1}
    assert (drop / "a.csv").exists()
    assert collect(gateway) == {"received": 1}


def test_a_file_that_changes_while_it_is_read_is_read_again(gateway, drop, monkeypatch):
    watch(gateway, drop)
    (drop / "a.csv").write_bytes(FEED)
    writer = (drop / "a.csv").open("ab", buffering=0)
    write = gateway.raw.write

    def write_meanwhile(stream: object) -> object:
        stored = write(stream)
        writer.write(FEED)
        return stored

    with monkeypatch.context() as growing:
        growing.setattr(gateway.raw, "write", write_meanwhile)
        with pytest.raises(CollectError, match="item-failed"):
            collect(gateway)
    writer.close()
    assert find_items(gateway)["a.csv"].reason == "changed"
    assert list_filenames(gateway) == []
    assert collect(gateway) == {"received": 1}
    assert read_whole(gateway, find_items(gateway)["a.csv"]) == FEED * 2


def test_what_a_slow_writer_adds_after_it_was_received_is_not_lost(gateway, drop, monkeypatch):
    """Taken too soon: the whole of it comes as another batch."""
    watch(gateway, drop)
    (drop / "a.csv").write_bytes(FEED)
    writer = (drop / "a.csv").open("ab", buffering=0)
    has_grown = folder.has_grown

    def grow(*args: object) -> bool:
        writer.write(FEED)
        return has_grown(*args)

    with monkeypatch.context() as growing:
        growing.setattr(folder, "has_grown", grow)
        assert collect(gateway) == {"received": 1}
    writer.close()
    assert collect(gateway) == {"received": 1}
    assert read_whole(gateway, find_items(gateway)["a.csv"]) == FEED * 2
    assert collect(gateway) == {}


def test_a_folder_that_is_not_there_fails_the_run_until_it_is(gateway, drop):
    watch(gateway, drop / "share")
    with pytest.raises(CollectError, match="missing"):
        collect(gateway)
    assert read_collector(gateway, "drop").reason == "missing"
    (drop / "share").mkdir()
    assert collect(gateway) == {}


@pytest.mark.parametrize("settings", [{"folder": "drop"}, {"folder": "/x", "nmaes": "*"}, {}])
def test_settings_that_cannot_be_are_refused(gateway, settings):
    with pytest.raises(WrongUseError, match="settings of a folder collector"):
        add(gateway, "folder", name="drop", settings=json.dumps(settings))
