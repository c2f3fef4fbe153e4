"""``lrms-gateway record``: what was not loaded is listed, shown, replayed and edited."""

import csv
import io
import json

import pytest

from store.tables import audit, corrections, edits, revisions
from tests.functional.test_quarantine import generate
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.poison import poison_mapper

BAD = (3, 13, 14, 30)
SECRET = "Zebrafinch"


@pytest.fixture
def home(tmp_path):
    with open_line(tmp_path) as gateway:
        register_everyone(gateway)
        yield gateway


@pytest.fixture
def command(home):
    return CommandLineHere(home.settings.home)


@pytest.fixture
def poisoned(home, monkeypatch):
    """The id of a batch with four quarantined records."""
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda number: number in BAD)
        return ingest(home, "test-fhir", generate()).id


def make_csv():
    """A feed of one sound row and one that is rejected, with a narrative that is remembered."""
    rows = list(csv.DictReader(io.StringIO(generate("csv", count=2).decode("utf-8-sig"))))
    rows[1]["event_date"] = "yesterday"
    rows[1]["narrative"] = f"{SECRET} fell out of the bed when nobody was near to help her up."
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_quarantined_records_are_listed_page_by_page(command, poisoned):
    pages, after = [], []
    while True:
        page = command.json("record", "list", "--json", "--limit", "3", *after)
        pages += [(one["batch"], one["number"]) for one in page["records"]]
        assert page["in_all"] == 4
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert pages == [(poisoned, number) for number in BAD]


def test_a_fault_is_found_by_its_id(command, poisoned):
    (shown, *_) = command.json("record", "list", "--json")["records"]
    (fault,) = shown["faults"]
    told = command("record", "fault", fault).stdout.decode()
    assert "KeyError" in told
    assert "4 records" in told
    assert "gateway/pipeline/judge.py" in told
    assert SECRET not in told
    assert command("record", "fault", "f-0").returncode == 2


def test_a_replay_is_first_said_then_done(command, poisoned):
    said = command("record", "replay", poisoned)
    assert said.returncode == 0
    assert b"4 would change; nothing is done yet" in said.stderr
    assert command.json("record", "list", "--json")["in_all"] == 4
    done = command.json("record", "replay", poisoned, "13", "--for-real", "--json")
    assert (done["counts"], done["changed"]) == ({"created": 1}, 1)
    rest = command("record", "replay", "--for-real", "--most", "10")
    assert (rest.returncode, rest.stdout.count(b"created")) == (0, 3)
    assert command.json("record", "list", "--json")["records"] == []
    settled = command.json("record", "list", "--json", "--state", "settled")["records"]
    assert [one["disposition"] for one in settled] == ["created"] * 4
    assert settled[0]["replays"][0]["before"] == "quarantined"
    assert len(command.json("record", "list", "--json", "--state", "all")["records"]) == 4


def test_what_cannot_be_replayed_says_why(command, poisoned):
    command("record", "replay", poisoned, "13", "--for-real")
    again = command("record", "replay", poisoned, "13", "--for-real")
    assert again.returncode == 2
    assert b"settled" in again.stderr
    assert b"has no record 99" in command("record", "replay", poisoned, "99").stderr
    assert b"no such batch" in command("record", "replay", "b-0", "1").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--state", "new"),
        ("list", "--after", "b-0"),
        ("list", "--disposition", "created"),
        ("edit", "b-0", "1", "--reason", "x"),
        ("edit", "b-0", "1", "--reason", "x", "--set", "narrative"),
    ],
)
def test_wrong_use_says_what_would_be_accepted(command, words):
    assert command("record", *words).returncode == 2


def test_a_row_is_edited_by_its_cells_and_the_original_is_kept(command, home, caplog):
    caplog.set_level("DEBUG")
    batch = ingest(home, "test-csv", make_csv())
    assert batch.counts.rejected == 1
    done = command(
        *("record", "edit", batch.id, "2", "--reason", "the ward told us the day"),
        *("--set", "event_date=2025-01-06", "--json"),
    )
    receipt = json.loads(done.stdout)
    assert (done.returncode, receipt["counts"]["created"]) == (0, 1)
    record = command.json("record", "show", batch.id, "2")
    assert record["disposition"] == "rejected"
    assert record["settled"]
    assert [one["batch_id"] for one in record["corrections"]] == [receipt["batch_id"]]
    (edit,) = record["edits"]
    assert (edit["reason"], "diff" in edit) == ("the ward told us the day", False)
    (edit,) = command.json("record", "show", batch.id, "2", "--diff")["edits"]
    assert edit["diff"] == [{"field": "/event_date", "before": "yesterday", "after": "2025-01-06"}]
    assert b"yesterday" in command("record", "show", batch.id, "2", "--content").stdout
    entries = read_rows(home.settings.database, audit)
    assert [one.details for one in entries if one.action == "record.read"] == [
        '{"record":2,"what":"diff"}',
        '{"record":2,"what":"content"}',
    ]
    assert SECRET not in caplog.text
    assert SECRET not in str(entries)
    assert SECRET in str(read_rows(home.settings.database, revisions))


def test_a_row_far_down_in_a_feed_of_many_parts_is_edited_under_the_feeds_header(tmp_path):
    rows = list(csv.DictReader(io.StringIO(generate("csv").decode("utf-8-sig"))))
    day, rows[-1]["event_date"] = rows[-1]["event_date"], "yesterday"
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    with open_line(tmp_path, part_bytes=5_000) as gateway:
        register_everyone(gateway)
        batch = ingest(gateway, "test-csv", out.getvalue().encode())
        with gateway.store.read() as work:
            assert len(work.parts.find(batch.number)) > 1
        last = str(len(rows))
        done = CommandLineHere(tmp_path)(
            *("record", "edit", batch.id, last, "--reason", "told", "--set", f"event_date={day}")
        )
        assert done.returncode == 0, done.stdout


def test_an_edit_is_made_once(command, home):
    batch = ingest(home, "test-csv", make_csv())
    words = ("record", "edit", batch.id, "2", "--reason", "told", "--set", "event_date=2025-01-06")
    assert [command(*words).returncode for _ in range(2)] == [0, 0]
    assert len(read_rows(home.settings.database, edits)) == 1
    other = command(*words[:-1], "event_date=2025-05-04")
    assert (other.returncode, b"corrected already" in other.stderr) == (2, True)
    assert len(read_rows(home.settings.database, corrections)) == 1


def test_a_corrected_file_of_any_format_is_sent_in_its_place(command, home, tmp_path):
    lines = generate().splitlines()
    bad = json.loads(lines[1])
    kept = json.dumps(bad)
    bad["date"] = "yesterday"
    batch = ingest(home, "test-fhir", b"\n".join([lines[0], json.dumps(bad).encode()]))
    assert batch.counts.rejected == 1
    file = tmp_path / "corrected.json"
    file.write_text(kept)
    done = command(
        *("record", "edit", batch.id, "2", "--reason", "told", "--file", str(file), "--json")
    )
    assert done.returncode == 0, done.stderr
    (edit,) = command.json("record", "show", batch.id, "2", "--diff")["edits"]
    assert [one["field"] for one in edit["diff"]] == ["/date"]


def test_what_is_no_row_of_csv_is_not_edited_by_cells(command, home, poisoned):
    done = command("record", "edit", poisoned, "13", "--reason", "x", "--set", "date=2025-01-06")
    assert done.returncode == 2
    assert b"--file" in done.stderr


def test_a_column_that_the_feed_does_not_have_is_refused(command, home):
    batch = ingest(home, "test-csv", make_csv())
    done = command("record", "edit", batch.id, "2", "--reason", "x", "--set", "day=2025-01-06")
    assert done.returncode == 2
    assert b"no column day" in done.stderr
