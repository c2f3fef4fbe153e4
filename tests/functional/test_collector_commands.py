"""``lrms-gateway collector``: registered, run and looked after from the command line."""

import json
from pathlib import Path

import pytest

from tests.lib.collecting import FEED
from tests.lib.command_line import CommandLineHere
from tests.lib.watched_folder import CONTROL


@pytest.fixture
def line(tmp_path: Path) -> CommandLineHere:
    typed = CommandLineHere(tmp_path / "home")
    typed("organisation", "add", "RZA", "Aldermoor University Hospitals")
    for source in ("ward", "other"):
        typed("source", "add", source, "--organisation", "RZA", "--format", "fhir")
    return typed


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "drop"
    path.mkdir()
    return path


def add(line: CommandLineHere, drop: Path, *words: str):
    told = ("--source", "ward", "--kind", "folder", "--set", f"folder={drop}")
    return line("collector", "add", "drop", *told, "--set", "still_seconds=0", *words)


def test_from_added_to_removed(line, drop):
    done = add(line, drop, "--every", "60")
    assert (done.returncode, done.stdout) == (
        0,
        b"collector drop fetches for ward, every 60 seconds\n",
    )
    assert line("collector", "run").stdout == b"drop: nothing was ready\n"
    (drop / "a.csv").write_bytes(FEED)
    assert line("collector", "run").stderr == b"no collector is due\n"
    assert line("collector", "run", "drop").stdout == b"drop: 1 received\n"
    (listed,) = line.json("collector", "list", "--json")
    assert (listed["every"], listed["failures"], listed["items"]) == (60, 0, {"received": 1})
    shown = line("collector", "show", "drop").stdout.decode()
    batch = line.json("batch", "list", "--json")[0]["id"]
    assert batch in shown
    assert "Waiting" not in shown
    assert line("collector", "remove", "drop").returncode == 0
    assert line.json("collector", "list", "--json") == []
    assert line("collector", "show", "drop").returncode == 2


def test_one_that_fails_says_why_and_holds_up_no_other(line, drop, tmp_path):
    add(line, drop)
    nowhere = ("--source", "ward", "--kind", "folder", "--set", f"folder={tmp_path / 'nowhere'}")
    line("collector", "add", "broken", *nowhere)
    (drop / "a.csv").write_bytes(FEED)
    done = line("collector", "run")
    assert done.returncode == 1
    assert done.stdout == b"drop: 1 received\n"
    assert done.stderr == (b"lrms-gateway: broken: missing: the folder or mailbox is not there\n")
    assert b"Failing   1 times: missing" in line("collector", "show", "broken").stdout
    assert b"1 times: missing" in line("collector", "list").stdout


def test_an_item_of_an_unknown_sender_is_shown_and_taken(line, drop):
    sender = json.dumps([{"mailbox": "X26ABC9", "source": "ward"}])
    add(line, drop, "--set", "ready=ctl", "--set", f"senders={sender}")
    (drop / "a.dat").write_bytes(FEED)
    (drop / "a.ctl").write_text(CONTROL)
    assert line("collector", "run", "drop").stdout == b"drop: 1 refused\n"
    assert b"unknown-sender" in line("collector", "show", "drop").stdout
    item = str(line.json("collector", "show", "drop", "--json")["open"][0]["id"])
    assert line("collector", "retry", "99").returncode == 2
    assert line("collector", "take", item, "--source", "nobody").returncode == 2
    taken = line.json("collector", "take", item, "--source", "other", "--json")
    assert taken["batch_id"] == line.json("batch", "list", "--json")[0]["id"]
    assert line.json("collector", "show", "drop", "--json")["open"] == []
    assert line("collector", "retry", item).returncode == 2


def test_settings_come_from_a_file_too_and_name_secrets_only(line, tmp_path):
    settings = tmp_path / "box.yaml"
    settings.write_text(
        "url: https://msg.intspineservices.nhs.uk\n"
        "mailbox: X26ABC2\n"
        "shared_key: {file: /run/secrets/mesh}\n"
        "senders: [{mailbox: X26ABC1, source: ward}]\n"
    )
    words = ("collector", "add", "box", "--source", "ward", "--kind", "mesh")
    told = ("--settings", str(settings), "--set", "password.env=MESH_PASSWORD")
    assert line(*words, *told, "--every", "60").returncode == 2, "MESH is asked every five minutes"
    assert line(*words, *told).returncode == 0
    (listed,) = line.json("collector", "list", "--json")
    assert json.loads(listed["settings"])["password"] == {"env": "MESH_PASSWORD"}
    failed = line("collector", "run", "box")
    assert (failed.returncode, b"secret is not where" in failed.stderr) == (1, True)
    plain = line(*words, "--settings", str(settings), "--set", "password=hunter2hunter2")
    assert plain.returncode == 2
    assert b"hunter2" not in plain.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--kind", "ftp"), b"kind 'ftp': one of folder, mesh, sftp, http"),
        (("--set", "folder"), b"--set folder: expected NAME=VALUE"),
        (("--set", "nmaes=x"), b"nmaes: Extra inputs are not permitted"),
        (("--set", "folder.x=1", "--set", "folder=x"), b"folder.x: folder is a value already"),
        (("--every", "1"), b"every 1 seconds: a folder collector may run every 10 to 604800"),
        (("--source", "nobody"), b"no such source: nobody"),
    ],
)
def test_what_cannot_be_registered(line, drop, words, told):
    done = add(line, drop, *words)
    assert done.returncode == 2
    assert told in done.stderr


def test_receipts_are_sent_and_looked_after(line):
    done = line("collector", "answer")
    assert (done.returncode, done.stdout) == (0, b"receipts: 0 sent, 0 failed\n")
    assert line("collector", "resend", "7").returncode == 2
