"""Watched folders: what is ready is taken, once; what is hostile is refused with a reason; and
whatever happens to a file meanwhile, nothing is lost, doubled, or cut short."""

import errno
import hashlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.collectors import folder, folder_files
from gateway.collectors.far_end import CollectError
from schemas.errors import WrongUseError
from tests.lib.collecting import (
    OTHER,
    SOURCE,
    Clock,
    Killed,
    add,
    list_batches,
    open_collecting,
    read_collector,
    read_items,
    run,
)

FEED = b"synthetic feed\n"
CONTROL = """<?xml version="1.0" encoding="UTF-8"?>
<DTSControl>
  <Version>1.0</Version><AddressType>DTS</AddressType><MessageType>Data</MessageType>
  <From_DTS>X26ABC1</From_DTS><To_DTS>X26ABC2</To_DTS><Subject>weekly</Subject>
  <LocalId>7</LocalId><DTSId>20261101101813838554_1B8F53</DTSId><WorkflowId>LFPSE</WorkflowId>
  <Encrypted>N</Encrypted><Compress>Y</Compress>
  <StatusRecord><DateTime>20261101101813</DateTime><Event>TRANSFER</Event><Status>SUCCESS</Status>
  <StatusCode>00</StatusCode><Description>Transferred to recipient mailbox</Description>
  </StatusRecord>
</DTSControl>
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[Gateway, Clock]]:
    with open_collecting(tmp_path / "home", max_feed_bytes=100_000) as both:
        yield both


@pytest.fixture
def gateway(opened: tuple[Gateway, Clock]) -> Gateway:
    return opened[0]


@pytest.fixture
def clock(opened: tuple[Gateway, Clock]) -> Clock:
    return opened[1]


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "drop"
    path.mkdir()
    return path


def watch(gateway: Gateway, drop: Path, **settings: object) -> None:
    told = {"folder": str(drop), "still_seconds": 0, **settings}
    add(gateway, "folder", name="drop", settings=json.dumps(told))


def collect(gateway: Gateway) -> dict[str, int]:
    return run(gateway, "drop")


def find_items(gateway: Gateway):
    return read_items(gateway, "drop")


def list_names(path: Path) -> list[str]:
    """The files in it and below, and no folder."""
    return sorted(
        os.path.relpath(found, path)
        for found in path.rglob("*")
        if found.is_symlink() or not found.is_dir()
    )


def list_filenames(gateway: Gateway) -> list[str]:
    return [name for _, name, _ in list_batches(gateway.settings.database)]


def read_whole(gateway: Gateway, item) -> bytes:
    with gateway.raw.open_verified(item.sha256) as stream:
        return stream.read()


def test_files_are_received_oldest_first_and_moved(gateway, drop):
    watch(gateway, drop)
    for age, name in enumerate(("c.csv", "a.csv", "b.csv")):
        (drop / name).write_bytes(FEED + name.encode())
        os.utime(drop / name, (1_700_000_000 + age, 1_700_000_000 + age))
    assert collect(gateway) == {"received": 3}
    assert list_batches(gateway.settings.database) == [
        (SOURCE.id, name, "folder") for name in ("c.csv", "a.csv", "b.csv")
    ]
    items = find_items(gateway)
    done = [f"done/{items[name].batch_id}-{name}" for name in items]
    assert list_names(drop) == sorted(done)
    assert collect(gateway) == {}


def test_files_may_be_deleted_afterwards(gateway, drop):
    watch(gateway, drop, after="delete")
    (drop / "a.csv").write_bytes(FEED)
    assert collect(gateway) == {"received": 1}
    assert list_names(drop) == []


def test_the_next_file_of_the_same_name_is_another(gateway, drop):
    watch(gateway, drop)
    for number in range(3):
        (drop / "weekly.csv").write_bytes(FEED * (number + 1))
        os.utime(drop / "weekly.csv", (1_700_000_000, 1_700_000_000))
        assert collect(gateway) == {"received": 1}
    (drop / "weekly.csv").write_bytes(FEED)
    assert collect(gateway) == {"known": 1}
    assert len(list_filenames(gateway)) == 3
    assert len(list_names(drop)) == 3, "the same bytes under the same name lie there once"


def test_a_file_that_is_still_written_to_is_left_alone(gateway, drop):
    watch(gateway, drop, still_seconds=3600)
    (drop / "a.csv").write_bytes(FEED)
    # As a copy that keeps times sets it, at its beginning.
    os.utime(drop / "a.csv", (1_700_000_000, 1_700_000_000))
    assert collect(gateway) == {}
    assert list_names(drop) == ["a.csv"]


@pytest.mark.parametrize(
    ("written", "changed", "size", "still"),
    [
        (900, 900, 5, True),
        (900, 990, 5, False),
        (990, 900, 5, False),
        (941, 941, 5, False),
        (940, 940, 5, True),
        (5_000, 900, 5, True),
        (5_000, 5_000, 5, False),
        (900, 900, 0, False),
    ],
)
def test_how_long_nobody_wrote_to_a_file(written, changed, size, still):
    found = os.stat_result((0, 0, 0, 0, 0, 0, size, 0, written, changed))
    assert folder_files.is_still(found, 1000, 60) is still


def test_names_of_what_is_not_finished_are_left_alone(gateway, drop):
    watch(gateway, drop, names="*.CSV")
    for name in (".a.csv", "a.csv.part", "a.csv.filepart", "a.csv.done", "a.xml", "b.csv"):
        (drop / name).write_bytes(FEED)
    (drop / "folder.csv").mkdir()
    assert collect(gateway) == {"received": 1}
    assert list_filenames(gateway) == ["b.csv"]


@pytest.mark.parametrize(
    ("marker", "data"),
    [
        ("a.csv.done", "a.csv"),
        ("a.done", "a.csv"),
        ("A.DONE", "a.csv"),
        ("a.done", "A.dat"),
        ("week.1.done", "week.1.csv"),
        ("a.done", "a"),
    ],
)
def test_a_file_is_ready_once_its_marker_lies_beside_it(gateway, drop, marker, data):
    watch(gateway, drop, ready="done")
    (drop / data).write_bytes(FEED)
    assert collect(gateway) == {}
    (drop / marker).touch()
    assert collect(gateway) == {"received": 1}
    assert list_filenames(gateway) == [data]
    batch = find_items(gateway)[data].batch_id
    assert list_names(drop) == sorted([f"done/{batch}-{data}", f"done/{batch}-{marker}"])


def test_a_marker_without_its_file_waits(gateway, drop):
    watch(gateway, drop, ready="done")
    (drop / "a.csv.done").touch()
    (drop / "b.csv").write_bytes(FEED)
    assert collect(gateway) == {}
    assert list_names(drop) == ["a.csv.done", "b.csv"]


def test_a_marker_of_several_files_is_left_and_shown(gateway, drop):
    watch(gateway, drop, ready="done")
    for name in ("a.csv", "a.xml", "b.csv"):
        (drop / name).write_bytes(FEED + name.encode())
    for name in ("a.done", "b.done"):
        (drop / name).touch()
    with pytest.raises(CollectError, match="item-failed"):
        collect(gateway)
    assert list_filenames(gateway) == ["b.csv"]
    (item,) = [one for one in find_items(gateway).values() if one.state == "waiting"]
    assert (item.remote_id, item.reason) == ("a.done", "ambiguous")
    (drop / "a.xml").unlink()
    assert collect(gateway) == {"received": 1, "gone": 1}


def test_the_control_file_of_the_mesh_client(gateway, drop):
    sender = {"mailbox": "x26abc1", "workflow": "LFPSE", "source": OTHER.id}
    watch(gateway, drop, ready="ctl", senders=[sender])
    digest = hashlib.md5(FEED, usedforsecurity=False).hexdigest()
    checked = CONTROL.replace(
        "</DTSControl>", f"<DataChecksum>{digest}</DataChecksum></DTSControl>"
    )
    (drop / "X26ABC2001.dat").write_bytes(FEED)
    (drop / "X26ABC2001.ctl").write_text(checked)
    assert collect(gateway) == {"received": 1}
    assert list_batches(gateway.settings.database) == [(OTHER.id, "X26ABC2001.dat", "folder")]
    headers = json.loads(find_items(gateway)["X26ABC2001.dat"].headers)
    assert (headers["LocalId"], headers["StatusRecord/StatusCode"]) == ("7", "00")


ENTITIES = CONTROL.replace("<DTSControl>", '<!DOCTYPE x [<!ENTITY e "ee">]><DTSControl>')


@pytest.mark.parametrize(
    ("control", "reason"),
    [
        (CONTROL.replace("X26ABC1", "X26ABC9"), "unknown-sender"),
        (CONTROL.replace("LFPSE", "OTHER"), "wrong-workflow"),
        (CONTROL.replace("<Encrypted>N", "<Encrypted>Y"), "encrypted"),
        (
            CONTROL.replace(
                "</Version>", "</Version><DataChecksum>" + "0" * 64 + "</DataChecksum>"
            ),
            "checksum",
        ),
        (CONTROL.replace("SUCCESS", "ERROR"), "bad-control-file"),
        (CONTROL.replace("<Version>1.0", "<Version>2.0"), "bad-control-file"),
        (CONTROL.replace("Data<", "Other<"), "bad-control-file"),
        (CONTROL.replace("</Version>", "</Version><Version>1.0</Version>"), "bad-control-file"),
        (CONTROL.replace("DTSControl", "Other"), "bad-control-file"),
        (CONTROL[:200], "bad-control-file"),
        (ENTITIES, "bad-control-file"),
        (CONTROL.replace("weekly", "w" * 70_000), "bad-control-file"),
        (CONTROL.replace("UTF-8", "no-such-encoding"), "bad-control-file"),
        ("<DTSControl>" + "<a>" * 500 + "</a>" * 500 + "</DTSControl>", "bad-control-file"),
        ("", "bad-control-file"),
    ],
    ids=range(15),
)
def test_what_a_control_file_may_not_say(gateway, drop, control, reason):
    sender = {"mailbox": "X26ABC1", "workflow": "LFPSE", "source": OTHER.id}
    watch(gateway, drop, ready="ctl", senders=[sender])
    (drop / "a.dat").write_bytes(FEED)
    (drop / "a.ctl").write_text(control)
    assert collect(gateway) == {"refused": 1}
    item = find_items(gateway)["a.dat"]
    assert item.reason == reason
    assert list_names(drop) == [f"refused/{item.id}-a.{end}" for end in ("ctl", "dat", "dat.txt")]
    why = (drop / f"refused/{item.id}-a.dat.txt").read_text()
    assert reason in why
    assert f"Item {item.id} of collector drop" in why
    kept = reason in {"unknown-sender", "wrong-workflow", "encrypted", "checksum"}
    assert item.sha256 == (hashlib.sha256(FEED).hexdigest() if kept else None)


def test_a_report_of_the_mesh_client_is_no_feed(gateway, drop):
    watch(gateway, drop, ready="ctl")
    (drop / "r.dat").touch()
    (drop / "r.ctl").write_text(CONTROL.replace("Data<", "Report<").replace("SUCCESS", "ERROR"))
    assert collect(gateway) == {"noted": 1}
    item = find_items(gateway)["r.dat"]
    assert json.loads(item.headers)["StatusRecord/Status"] == "ERROR"
    assert list_names(drop) == [f"done/{item.id}-r.ctl", f"done/{item.id}-r.dat"]


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
        stream.truncate(100_001)
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
    for kill in range(4):
        child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.lib.killed_collector",
                str(tmp_path / "home"),
                f"{16 * kill}",
            ],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(9 + kill):
            assert child.stdout.readline()
        child.kill()
        assert child.wait() == -9
        child.stdout.close()
    assert len(list_filenames(gateway)) < 90, "all were received before the last kill"
    clock.go(minutes=16 * 4)
    collect(gateway)
    assert sorted(list_filenames(gateway)) == [f"{number:03}.csv" for number in range(90)]
    items = find_items(gateway)
    assert {one.state for one in items.values()} == {"received"}
    assert list_names(drop) == sorted(f"done/{one.batch_id}-{name}" for name, one in items.items())
