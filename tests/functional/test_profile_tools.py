"""profile preview, coverage and test as their users type them."""

import gzip
import json
import os
import shutil
from pathlib import Path

import pytest
from lxml import html

from tests.lib.command_line import CommandLineHere
from tests.lib.profile_files import SMALL_PROFILE, make_row, write_rows

FEED = "samples/csv/demo/feed.csv"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLineHere:
    return CommandLineHere(tmp_path_factory.mktemp("home"))


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """The path of a profile that lies on no shelf."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "profile.yaml").write_text(SMALL_PROFILE)
    return str(folder)


def write_feed(folder: Path, name: str, *rows: dict[str, str]) -> str:
    path = folder / name
    path.write_bytes(write_rows(*rows))
    return str(path)


def test_preview_shows_source_beside_result_in_100_columns(line: CommandLineHere):
    done = line("profile", "preview", "lrms-csv", FEED, "--records", "2", "--from", "18")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "Record 18 (row 19)  id CB/25/0030: rejected" in text
    assert "Record 19 " in text
    assert "Record 20 " not in text
    assert "PhysicalHarm 4 Low physical harm" in text
    assert "TAX-007" in text
    assert "to do: Send a code, not its label" in text
    assert max(map(len, text.splitlines())) <= 100
    assert b"is not asked without --source" in done.stderr


def test_preview_says_in_its_help_that_it_prints_content(line: CommandLineHere):
    assert b"content of the records" in line("profile", "preview", "--help").stdout


def test_preview_as_json_reads_packed_feeds_from_standard_input(line: CommandLineHere):
    packed = gzip.compress(Path(FEED).read_bytes())
    done = line("profile", "preview", "lrms-csv", "-", "--records", "1", "--json", stdin=packed)
    (record,) = json.loads(done.stdout)["records"]
    assert record["locator"] == "row 2"
    assert any(field["gives"] for field in record["fields"])


@pytest.mark.parametrize("command", ["preview", "coverage"])
def test_fhir_is_no_profile(line: CommandLineHere, command: str):
    done = line("profile", command, "fhir", FEED)
    assert done.returncode == 2
    assert b"fhir is no profile" in done.stderr


@pytest.mark.parametrize("command", ["preview", "coverage", "test"])
def test_an_unknown_profile_is_wrong_use(line: CommandLineHere, command: str):
    words = ["no-such"] if command == "test" else ["no-such", FEED]
    assert line("profile", command, *words).returncode == 2


@pytest.mark.parametrize("command", ["preview", "coverage"])
def test_a_file_that_cannot_be_read_is_4(line: CommandLineHere, command: str, tmp_path: Path):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    done = line("profile", command, "lrms-csv", str(other))
    assert done.returncode == 4
    assert b"the header lacks columns" in done.stdout
    assert b"never filled" not in done.stdout
    assert b"looks like" not in done.stderr


@pytest.mark.parametrize("command", ["preview", "coverage"])
@pytest.mark.parametrize(
    ("feed", "words"),
    [("xml/demo/feed.xml", b"looks like XML"), ("fhir/demo/bundle.json", b"needs no profile")],
)
def test_another_kind_of_file_is_told(line: CommandLineHere, command: str, feed: str, words: bytes):
    done = line("profile", command, "lrms-csv", f"samples/{feed}")
    assert done.returncode == 4
    assert words in done.stderr


@pytest.mark.parametrize("command", ["preview", "coverage", "infer"])
def test_a_folder_is_no_feed(line: CommandLineHere, command: str):
    words = [] if command == "infer" else ["lrms-csv"]
    done = line("profile", command, *words, "samples")
    assert done.returncode == 2
    assert b"samples is a folder" in done.stderr


def test_coverage_writes_a_report_to_mail(line: CommandLineHere, tmp_path: Path):
    out = tmp_path / "report.html"
    done = line("profile", "coverage", "lrms-csv", FEED, "--html", str(out))
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert "37 records: 32 accepted, 5 rejected" in text
    assert "ward_phone" in text
    page = html.document_fromstring(out.read_text(encoding="utf-8"))
    assert "feed.csv" in page.findtext(".//h1")
    # A row of the feed is nowhere in it.
    narrative = Path(FEED).read_text(encoding="utf-8").splitlines()[1].split(",")[4]
    assert narrative not in out.read_text(encoding="utf-8")
    assert narrative not in text


def test_coverage_fails_where_it_is_asked_to(line: CommandLineHere, profile: str, tmp_path: Path):
    rows = [make_row(number) for number in range(30)]
    before = write_feed(tmp_path, "before.csv", *rows)
    after = write_feed(tmp_path, "after.csv", *({**row, "bleep": "7"} for row in rows))
    against = ("profile", "coverage", profile, after, "--against", before)
    assert line(*against).returncode == 0
    assert line(*against, "--fail-on", "drift").returncode == 3
    assert line(*against, "--fail-on", "unknown").returncode == 3
    assert line("profile", "coverage", profile, before, "--fail-on", "unknown").returncode == 0
    assert line(*against, "--fail-on", "anything").returncode == 2
    assert line.json(*against, "--json")["drift"]["new"] == ["bleep"]


def test_coverage_compares_with_the_last_batch_of_the_source(
    line: CommandLineHere, profile: str, tmp_path: Path
):
    home = tmp_path / "home"
    shutil.copytree(profile, home / "profiles" / "small")
    line = CommandLineHere(home)
    assert line("organisation", "load", "samples/organisations.csv").returncode == 0
    words = (
        "source",
        "add",
        "my-lrms",
        "--organisation",
        "RZA",
        "--format",
        "csv",
        "--profile",
        "small",
    )
    added = line(*words)
    assert added.returncode == 0, added.stderr
    rows = [make_row(number) for number in range(30)]
    feed = write_feed(tmp_path, "now.csv", *rows)
    cover = ("profile", "coverage", "small", feed, "--source", "my-lrms", "--json")
    assert line.json(*cover)["drift"] is None

    old = write_rows(*({**row, "gone_away": "7", "harm_1": "none"} for row in rows))
    (tmp_path / "old.csv.gz").write_bytes(gzip.compress(old))
    loaded = line("ingest", str(tmp_path / "old.csv.gz"), "--source", "my-lrms")
    assert loaded.returncode == 0, loaded.stderr
    found = line.json(*cover)
    assert found["drift"]["vanished"] == ["gone_away"]
    assert [one["field"] for one in found["drift"]["codes"]] == ["harm_{n}"]
    assert found["drift"]["against"].startswith("old.csv.gz of ")
    assert found["coverage"]["organisations_asked"]

    # The file itself, once loaded, is not what came before it.
    assert line("ingest", feed, "--source", "my-lrms").returncode == 0
    assert line.json(*cover)["drift"]["vanished"] == ["gone_away"]


def test_a_source_of_another_format_is_wrong_use(
    line: CommandLineHere, profile: str, tmp_path: Path
):
    assert line("organisation", "add", "RZA", "A trust").returncode == 0
    line("source", "add", "my-fhir", "--organisation", "RZA", "--format", "fhir")
    feed = write_feed(tmp_path, "now.csv", make_row(1))
    done = line("profile", "preview", profile, feed, "--source", "my-fhir")
    assert done.returncode == 2
    assert b"source my-fhir sends fhir" in done.stderr


def test_golden_cases_from_the_first_feed_to_a_difference(line: CommandLineHere, profile: str):
    none = line("profile", "test", profile)
    assert none.returncode == 2
    assert b"has no golden cases" in none.stderr

    case = Path(profile) / "cases" / "first"
    case.mkdir(parents=True)
    totals = b"Total: 2" + b"," * 12 + b"\n"
    feed = write_rows(make_row(1), make_row(2, harm_1="bad"))
    (case / "input.csv").write_bytes(feed + totals)
    assert line("profile", "test", profile).returncode == 3
    written = line("profile", "test", profile, "--write")
    assert written.returncode == 0, written.stderr
    assert b"expected.json written for 1 case" in written.stdout
    again = line("profile", "test", profile)
    assert again.returncode == 0
    # What is said of the line of totals is no record.
    assert b"as expected (2 records)" in again.stdout

    text = Path(profile, "profile.yaml").read_text()
    Path(profile, "profile.yaml").write_text(text.replace('low: "4"', 'low: "5"'))
    done = line("profile", "test", profile)
    assert done.returncode == 3
    shown = done.stdout.decode()
    assert "PatientInformation[0].PhysicalHarm" in shown
    assert "expected  4" in shown
    assert "found     5" in shown


def test_a_profile_without_a_folder_of_its_own_is_told_to_get_one(
    line: CommandLineHere, tmp_path: Path
):
    (tmp_path / "small.yaml").write_text(SMALL_PROFILE)
    done = line("profile", "test", str(tmp_path / "small.yaml"))
    assert done.returncode == 2
    assert b"small/profile.yaml" in done.stderr


def test_no_database_is_made_for_what_needs_none(tmp_path: Path):
    line = CommandLineHere(tmp_path / "home")
    assert line("profile", "coverage", "lrms-csv", FEED).returncode == 0
    assert not os.path.lexists(tmp_path / "home")
