"""``lrms-gateway profile infer`` as its users type it."""

import json
from pathlib import Path

import pytest

from tests.lib.command_line import CommandLineHere

FEED = str(Path("samples/take-on/feed.csv").absolute())


@pytest.fixture
def line(tmp_path):
    (tmp_path / "profiles").mkdir()
    return CommandLineHere(tmp_path)


def test_a_draft_in_the_folder_of_profiles_can_be_used_by_its_name(line, tmp_path):
    folder = tmp_path / "profiles" / "my-trust"
    drafted = line("profile", "infer", FEED, "-o", str(folder))
    assert drafted.returncode == 0, drafted.stderr
    assert b"17 of 21 fields mapped" in drafted.stdout
    assert json.loads((folder / "profile.schema.json").read_bytes())["type"] == "object"
    assert line("profile", "check", "my-trust").returncode == 0
    again = line("profile", "infer", FEED, "-o", str(folder))
    assert (again.returncode, b"is there already" in again.stderr) == (2, True)


def test_a_draft_is_printed_and_the_analysis_is_data(line):
    raw = Path(FEED).read_bytes()
    printed = line("profile", "infer", "-", "--name", "piped", stdin=raw)
    assert printed.returncode == 0
    assert b"\nname: piped\n" in printed.stdout
    analysis = line.json("profile", "infer", FEED, "--records", "10", "--json")
    assert b"name: feed" in line("profile", "infer", FEED).stdout
    assert analysis["records"] == 10
    fields = {one["field"]["name"]: one for one in analysis["fields"]}
    assert fields["NHS number"]["person"] is True
    assert fields["Sex"]["guess"]["target"] == "PatientInformation.Gender"


@pytest.mark.parametrize(
    "words",
    [
        ("profile", "infer", "missing.csv"),
        ("profile", "infer", FEED, "--taxonomy-version", "9"),
        ("profile", "infer", FEED, "--name", "My Trust"),
        ("profile", "infer", FEED, "-o", "no/such/folder/here"),
    ],
)
def test_wrong_use_is_told_in_a_line(line, words):
    told = line(*words)
    assert told.returncode == 2
    assert told.stdout == b""
    assert told.stderr.count(b"\n") == 1
