"""Exports of vendors' systems, and the national dataset, through the whole line: what check says is
what loading does, and loading again changes nothing. As docs/vendor-exports.md tells."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.register import add_source
from gateway.receipts.read import open_receipt
from schemas.receipt import Counts
from schemas.submission import Source
from tests.lib.command_line import CommandLineHere
from tests.lib.line import open_line, register_everyone

SAMPLES = Path("samples").absolute()
FEEDS = {
    "datix-like-csv": "csv",
    "ulysses-like-xml": "xml",
    "inphase-like-json": "json",
    "national-csv": "csv",
    "trust-over-datix": "csv",
}
TRUST = "trust-over-datix"
PAGE = Path("docs/vendor-exports.md").read_text()


def find_feed(profile):
    return SAMPLES / "profiles" / profile / f"feed.{FEEDS[profile]}"


@pytest.fixture
def gateway(tmp_path):
    own = tmp_path / "profiles" / TRUST
    shutil.copytree(SAMPLES / "profiles" / TRUST, own)
    with open_line(tmp_path) as gateway:
        register_everyone(gateway, formats=())
        yield gateway


def load(gateway, source, feed):
    with feed.open("rb") as stream:
        batch, is_new = ingest_feed(gateway, source, stream, filename=feed.name)
    with open_receipt(gateway, batch.id) as receipt:
        return is_new, receipt.head, list(receipt.records)


def expect_counts(profile):
    golden = json.loads(find_feed(profile).with_suffix(".expected.json").read_bytes())
    return msgspec.convert(golden["receipt"]["counts"], Counts)


@pytest.mark.parametrize("profile", FEEDS)
def test_an_export_loads_as_check_says_and_once(gateway, profile, tmp_path):
    source = Source(
        id="lrms",
        organisation="RZA",
        format=FEEDS[profile],
        profile=profile,
        submits_for=frozenset({"RZA"}),
    )
    add_source(gateway, source)
    feed = find_feed(profile)
    with feed.open("rb") as stream:
        checked = check_feed(gateway, "lrms", stream, filename=feed.name)
    is_new, head, records = load(gateway, "lrms", feed)
    assert is_new
    assert head.counts == checked.counts == expect_counts(profile)
    assert records == checked.records
    assert head.verdict == "partly_accepted"
    assert (head.profile, head.profile_version) == (profile, gateway.profiles.load(profile).version)
    again, same, _ = load(gateway, "lrms", feed)
    assert (again, same.counts) == (False, head.counts)

    # The same records in another file: what was loaded is known, what was refused still is.
    longer = tmp_path / f"longer.{feed.suffix}"
    longer.write_bytes(feed.read_bytes() + b"\n")
    _, third, _ = load(gateway, "lrms", longer)
    assert third.counts.created == 0
    assert third.counts.rejected == head.counts.rejected
    # A record that is in the feed twice, with a change between, changes twice more.
    assert third.counts.revised == 2 * head.counts.revised


def test_the_commands_of_the_page_print_what_it_says(tmp_path):
    line = CommandLineHere(tmp_path)
    (copying,) = re.findall(r"```sh\n(.*)\n```\n", PAGE)
    environment = os.environ | {"LRMS_HOME": str(tmp_path)}
    subprocess.run(["bash", "-ec", copying], env=environment, check=True)
    sessions = re.findall(r"```\n(\$ lrms-gateway .*?)```\n", PAGE, re.DOTALL)
    commands = [one for session in sessions for one in session.split("$ lrms-gateway ")[1:]]
    assert len(commands) == 12
    for command in commands:
        typed, *said = command.splitlines()
        printed = line(*typed.split()).stdout.decode().splitlines()
        wanted = [one for one in said if one not in ("…", "")]
        assert wanted
        assert [one for one in wanted if one not in printed] == [], typed
    receipt = line.json(
        "receipt", line.json("batch", "list", "--json")[0]["id"], "--format", "json"
    )
    reference = next(one["reference"] for one in receipt["records"] if one["reference"])
    (revision,) = line.json("event", "show", reference)["revisions"]
    assert revision["derived"]


def test_the_page_shows_the_trusts_profile_as_it_is():
    shown = re.search(rf"<!-- {TRUST} -->\n```yaml\n(.*?)```\n", PAGE, re.DOTALL)
    assert shown[1] == (SAMPLES / "profiles" / TRUST / "profile.yaml").read_text()
