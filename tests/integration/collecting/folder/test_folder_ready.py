"""Watched folders: which files are ready, in which order they are taken, and what the control files
of the MESH client say."""

import hashlib
import json
import os

import pytest

from gateway.collectors import folder_files
from gateway.collectors.far_end import CollectError
from tests.lib.collecting import FEED, OTHER, SOURCE, list_batches
from tests.lib.watched_folder import CONTROL, collect, find_items, list_filenames, list_names, watch


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
