"""Exports of NRLS and StEIS, from registering the source to the receipt, as docs/legacy-systems.md
types it."""

import json
import re
from pathlib import Path

import pytest

from mappers.profile_load import make_shelf
from mappers.profile_read import ProfileMapper
from schemas.record import SourceRecord
from tests.lib.command_line import CommandLineHere

SAMPLES = Path("samples").absolute()
PAGE = Path("docs/legacy-systems.md").read_text(encoding="utf-8")
FEEDS = {
    "nrls-csv": "csv",
    "nrls-xml": "xml",
    "steis-csv": "csv",
    "steis-export-csv": "csv",
}


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    line = CommandLineHere(tmp_path_factory.mktemp("home"))
    assert line("organisation", "load", str(SAMPLES / "organisations.csv")).returncode == 0
    return line


def read_expected(profile, form):
    path = SAMPLES / "profiles" / profile / "feed.expected.json"
    return json.loads(path.read_bytes())["receipt"]


@pytest.mark.parametrize(("profile", "form"), FEEDS.items())
def test_a_legacy_export_loads_end_to_end(line, profile, form):
    register = (SAMPLES / "organisations.csv").read_text().splitlines()[1:]
    grants = [word for row in register for word in ("--submits-for", row.split(",")[0])]
    added = line(
        "source", "add", f"old-{profile}", "--organisation", "RZA",
        "--format", form, "--profile", profile, *grants,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    feed = SAMPLES / "profiles" / profile / f"feed.{form}"
    loaded = line("ingest", str(feed), "--source", f"old-{profile}", "--json")
    assert loaded.returncode == 3, "some records are rejected"
    receipt = json.loads(loaded.stdout)
    expected = read_expected(profile, form)
    assert receipt["verdict"] == "partly_accepted"
    assert receipt["counts"]["records"] == expected["counts"]["records"]
    assert receipt["counts"]["rejected"] == expected["counts"]["rejected"]
    created = [record for record in receipt["records"] if record["disposition"] == "created"]
    assert len(created) >= 200
    again = line("ingest", str(feed), "--source", f"old-{profile}", "--json")
    assert json.loads(again.stdout)["counts"] == receipt["counts"]


def test_what_was_derived_is_marked_in_the_event(line):
    batches = line.json("batch", "list", "--json")
    receipt = next(
        line.json("receipt", batch["id"], "--format", "json")
        for batch in batches
        if batch["source_id"] == "old-nrls-csv"
    )
    reference = receipt["records"][0]["reference"]
    revision = line.json("event", "show", reference)["revisions"][0]
    assert (revision["profile"], revision["profile_version"]) == ("nrls-csv", "1")
    derived = revision["derived"]
    assert "AdverseEventAgent.InvolvedAgents" in derived
    assert "LocationDetails.Organisation" in derived


def test_the_commands_of_the_page_print_what_it_says(tmp_path):
    line = CommandLineHere(tmp_path)
    (session,) = re.findall(r"```\n(\$ lrms-gateway .*?)```\n", PAGE, re.DOTALL)
    commands = session.split("$ lrms-gateway ")[1:]
    assert len(commands) == 5
    for command in commands:
        typed, *said = command.splitlines()
        printed = line(*typed.split()).stdout.decode().splitlines()
        # The first line of a receipt has the time.
        wanted = [one for one in said if one != "…" and not one.startswith("Receipt ")]
        assert wanted
        assert [one for one in wanted if one not in printed] == [], typed


def test_the_example_of_a_profile_of_ones_own_reads_the_names_it_adds(tmp_path):
    blocks = dict(re.findall(r"<!-- ([^>]+?) -->\n```\w+\n(.*?)```\n", PAGE, re.DOTALL))
    folder = tmp_path / "northmoor-steis"
    folder.mkdir()
    (folder / "profile.yaml").write_text(blocks["profile: northmoor-steis"])
    (folder / "names.csv").write_text(blocks["names.csv"])
    profile = make_shelf(tmp_path).load("northmoor-steis")
    content = {
        "log_no": "2024/1",
        "organisation_reporting_si_on_steis": "NORTHMOOR Hospitals",
        "type_of_incident": "Treatment delay meeting SI criteria",
    }
    mapper = ProfileMapper(profile, strict=False, default_version="5")
    names = mapper.map_record(SourceRecord(1, "row 2", content, b"")).organisation_names
    assert set(names) == {
        "PractitionerDetails.ReporterOrganisation",
        "LocationDetails.Organisation",
    }
    assert all(found == ["RZA"] for found in names.values())
    assert profile.expectations.records.min == 50
