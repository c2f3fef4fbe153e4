"""``profile list``, ``show`` and ``check`` as people type them; own profiles beside the shipped."""

from pathlib import Path

import pytest
import yaml

from mappers.profile_load import find_profiles, make_shelf
from tests.lib.command_line import CommandLineHere
from tests.lib.profile_shelf import SMALL, write_profile

CHILD = """\
name: trust
version: "2"
extends: lrms-csv
local_id: our_number
elements:
  agent_involved_agents: {codes: agents.csv}
ignored:
  outcome_went_well: free text that nobody reads
"""
AGENTS = "theirs,national,notes\nDrug,4,\nDevice,%s,as of May\n"


@pytest.fixture
def line(tmp_path: Path) -> CommandLineHere:
    folder = tmp_path / "profiles"
    write_profile(folder / "trust", CHILD, **{"agents.csv": AGENTS % 3})
    write_profile(folder / "broken", CHILD.replace(": trust", ": broken"))
    return CommandLineHere(tmp_path)


def test_the_list_has_the_shipped_and_the_own_profiles_with_their_state(
    line: CommandLineHere,
) -> None:
    found = {one["profile"]: one for one in line.json("profile", "list", "--json")}
    assert found.keys() == {*find_profiles(), "trust", "broken"}
    assert found["trust"]["version"] == "2 (lrms-csv 1)"
    assert {one["state"] for name, one in found.items() if name != "broken"} == {"usable"}
    assert found["broken"]["state"] == "1 fault: profile check broken"
    told = line("profile", "list")
    assert told.returncode == 0
    assert b"trust" in told.stdout


def test_a_clean_profile_passes_its_check(line: CommandLineHere) -> None:
    told = line("profile", "check", "trust")
    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout.decode() == "trust, version 2 (lrms-csv 1): usable, nothing to remark\n"


def test_every_fault_is_told_with_file_line_and_key(line: CommandLineHere, tmp_path: Path) -> None:
    folder = tmp_path / "profiles" / "trust"
    (folder / "agents.csv").write_text(AGENTS % 99)
    (folder / "profile.yaml").write_text(CHILD + "  record_id: no\nconstants: {No.Such: 1}\n")
    told = line("profile", "check", "trust")
    assert told.returncode == 2
    first, second, last = told.stdout.decode().splitlines()
    assert first.startswith(
        "fault   trust/profile.yaml, line 10, constants.No.Such: No.Such is not"
    )
    assert second.startswith(
        "fault   trust/agents.csv, row 3, elements.agent_involved_agents.codes.Device: '99' is not"
    )
    assert last == "2 faults: the profile cannot be used"
    data = line.json("profile", "check", "trust", "--json")
    assert data["profile"] is None
    assert [(one["file"], one.get("line"), one.get("row")) for one in data["faults"]] == [
        ("trust/profile.yaml", 10, None),
        ("trust/agents.csv", None, 3),
    ]


def test_where_a_profile_is_only_used_each_fault_has_a_line_too(
    line: CommandLineHere, tmp_path: Path
) -> None:
    folder = tmp_path / "profiles" / "trust"
    (folder / "profile.yaml").write_text(CHILD + "  record_id: no\nconstants: {No.Such: 1}\n")
    (folder / "agents.csv").write_text(AGENTS % 99)
    told = line("profile", "preview", "trust", "samples/csv/demo/feed.csv")
    assert told.returncode == 2
    lines = told.stderr.decode().splitlines()
    assert len(lines) == 2
    assert all(one.startswith("lrms-gateway: trust/") for one in lines)


def test_remarks_are_no_faults(line: CommandLineHere, tmp_path: Path) -> None:
    path = tmp_path / "draft.yaml"
    path.write_text(SMALL)
    told = line("profile", "check", str(path))
    assert told.returncode == 0
    assert b"remark  draft.yaml, line 1, profile: nothing fills narrative: every in" in told.stdout
    assert line.json("profile", "check", str(path), "--json")["faults"] == []


@pytest.mark.parametrize("name", ["nothing", "no/such.yaml", "../trust"])
def test_a_profile_that_is_not_there_is_wrong_use(line: CommandLineHere, name: str) -> None:
    for command in ("check", "show"):
        told = line("profile", command, name)
        assert told.returncode == 2
        assert told.stdout == b""
        assert b"no profile" in told.stderr


def test_a_profile_in_full_needs_no_other(line: CommandLineHere, tmp_path: Path) -> None:
    whole = line("profile", "show", "trust", "--yaml").stdout.decode()
    assert whole.startswith("# trust 2 (lrms-csv 1)\n")
    (tmp_path / "whole.yaml").write_text(whole)
    shelf = make_shelf(tmp_path / "profiles")
    alone, layered = make_shelf().read_file(tmp_path / "whole.yaml"), shelf.load("trust")
    assert alone.model_copy(update={"extends": "lrms-csv"}) == layered
    assert line.json("profile", "show", "trust", "--json") == yaml.safe_load(whole)


def test_what_fills_what_is_shown(line: CommandLineHere) -> None:
    told = [row.split() for row in line("profile", "show", "trust").stdout.decode().splitlines()]
    assert ["local_id", "our_number"] in told
    assert ["AdverseEventAgent.InvolvedAgents", "agent_involved_agents", "2", "codes"] in told
    assert any(row[:2] == ["(ignored)", "outcome_went_well"] for row in told)
    assert line("profile", "show", "broken").returncode == 2


def test_a_source_may_have_a_profile_of_ones_own(line: CommandLineHere) -> None:
    line("organisation", "add", "RZA", "Aldermoor")
    words = ("source", "add", "s1", "--organisation", "RZA", "--format", "csv", "--profile")
    assert line(*words, "nothing").returncode == 2
    assert b"the header" not in line(*words, "broken").stderr
    assert line(*words, "lrms-xml").returncode == 2
    added = line(*words, "trust")
    assert added.returncode == 0, added.stderr
