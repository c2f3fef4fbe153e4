"""Feeds made to hurt, wrong feeds, and clocks: what is told of them, and that checking one tells
what ingesting it tells."""

import csv
import io
import json
import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.generator import write_feed
from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.receive import receive_feed
from gateway.receipts.build import ReceiptStream
from gateway.receipts.read import open_receipt
from gateway.receipts.write import WRITERS
from schemas.catalogue.rules import DATE_IN_FUTURE
from tests.lib.hostile_feeds import make_hostile_feeds
from tests.lib.line import open_line, register_everyone
from tests.lib.snapshot import read_snapshot

HOSTILE = make_hostile_feeds()


@pytest.fixture
def line(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url, max_record_bytes=100_000) as gateway:
        register_everyone(gateway)
        yield gateway


def write_receipts(gateway, batch_id: str) -> dict[str, str]:
    written = {}
    for form, write in WRITERS.items():
        with open_receipt(gateway, batch_id) as receipt:
            written[form] = "".join(write(receipt))
    return written


def test_checking_a_hostile_feed_tells_what_ingesting_it_tells(line, tmp_path, database_url):
    for name, feed in HOSTILE.items():
        source = f"test-{name.split()[0]}"
        before = read_snapshot(database_url), sorted(tmp_path.rglob("*"))
        checked = check_feed(line, source, io.BytesIO(feed), filename=name)
        assert (read_snapshot(database_url), sorted(tmp_path.rglob("*"))) == before, name
        batch, _ = ingest_feed(line, source, io.BytesIO(feed), filename=name)
        ingested = write_receipts(line, batch.id)
        for form, write in WRITERS.items():
            told = "".join(write(ReceiptStream(checked, iter(checked.records))))
            assert told == ingested[form], (name, form)


def test_receipts_of_hostile_feeds_have_only_our_lines(line):
    for name, feed in HOSTILE.items():
        source = f"test-{name.split()[0]}"
        batch, _ = ingest_feed(line, source, io.BytesIO(feed), filename=name)
        written = write_receipts(line, batch.id)
        receipt = json.loads(written["json"])
        counts = receipt["counts"]
        assert counts["records"] == len(receipt["records"]) > 0 or receipt["findings"], name
        lines = written["text"].splitlines()
        assert all(one.isprintable() for one in lines), name
        assert sum(one.startswith("Verdict ") for one in lines) == 1, name
        assert all(cell.isprintable() for cell in written["csv"].splitlines()), name


def test_names_of_files_are_kept_and_shown_harmlessly(line, monkeypatch):
    name = "feed\n\x1b[2J\udcff\u202e.csv"
    receive_feed(line, "test-csv", io.BytesIO(b"x"), filename=name)
    monkeypatch.setenv("LRMS_HOME", str(line.settings.home))
    monkeypatch.setenv("LRMS_DATABASE_URL", line.settings.database_url)
    shown = CliRunner().invoke(app, ["batch", "list"])
    assert shown.exit_code == 0
    assert len(shown.stdout.splitlines()) == 2
    assert all(one.isprintable() for one in shown.stdout.splitlines())
    listed = CliRunner().invoke(app, ["batch", "list", "--json"])
    assert json.loads(listed.stdout)[0]["filename"] == "feed\n\x1b[2J?\u202e.csv"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    with open_line(home) as gateway:
        register_everyone(gateway)
    return home


@pytest.mark.parametrize(
    ("source", "feed", "code", "told"),
    [
        ("fhir", b"", 4, ["READ-090"]),
        ("fhir", b"\xef\xbb\xbf \n", 4, ["READ-090"]),
        ("fhir", b"\x1f\x8b\x08\x00\x00", 4, ["PACK-002", "at byte 5"]),
        ("fhir", b"id,day\n1,2\n", 4, ["READ-091", "neither JSON nor XML"]),
        ("fhir", '{"resourceType": "AdverseEvent"}'.encode("utf-16"), 4, ["READ-013"]),
        ("fhir", b'{"resourceType": "Patient"}\n', 3, ["READ-006", "line 1"]),
        ("fhir", b"<!DOCTYPE x><x/>", 4, ["READ-050"]),
        ("csv", b'{"a": 1, "a": 1}', 4, ["READ-069", "record_id"]),
        ("csv", HOSTILE["xml ids"], 4, ["READ-069"]),
        ("csv", b"\n\n", 4, ["READ-090"]),
        ("xml", b"id;date\n1;2\n", 4, ["READ-051", "line 1"]),
        ("xml", b"<incidents xmlns='urn:lrms:incidents:1'/>", 4, ["READ-090"]),
        ("xml", b"<rows/>", 4, ["READ-054", "incidents"]),
    ],
)
@pytest.mark.parametrize("verb", ["check", "ingest"])
def test_a_wrong_feed_is_told_what_is_wrong(home, monkeypatch, verb, source, feed, code, told):
    monkeypatch.setenv("LRMS_HOME", str(home))
    done = CliRunner().invoke(app, [verb, "-", "--source", f"test-{source}"], input=feed)
    assert done.exit_code == code, done.output
    assert all(words in done.stdout for words in told), done.stdout
    assert "to do: " in done.stdout


def test_an_unknown_code_is_told_with_record_field_and_what_is_accepted(home, monkeypatch):
    monkeypatch.setenv("LRMS_HOME", str(home))
    stream = io.BytesIO()
    write_feed(stream, events=1, format="csv", seed=4)
    head, row = stream.getvalue().decode().splitlines()
    place = head.split(",").index("location_service_area")
    cells = next(csv.reader([row]))
    cells[place] = "99"
    row = ",".join(f'"{cell}"' for cell in cells)
    feed = f"{head}\n{row}\n".encode()
    done = CliRunner().invoke(app, ["check", "-", "--source", "test-csv"], input=feed)
    assert done.exit_code == 3
    assert "Record 1 (row 2) id SYN-4-0000001: rejected" in done.stdout
    assert re.search(
        r"TAX-\d+ location_service_area: '99' is not a code of [\w-]+; accepted: 1 ", done.stdout
    )


def make_feed_of(day: str) -> io.BytesIO:
    stream = io.BytesIO()
    write_feed(stream, events=1, format="fhir-5", seed=3)
    return io.BytesIO(re.sub(rb'"20\d\d-\d\d-\d\d"', f'"{day}"'.encode(), stream.getvalue()))


@pytest.mark.parametrize(
    ("received_at", "today", "tomorrow"),
    [
        # Summer time: London is a day ahead of UTC in its first hour.
        (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), "2026-07-01", "2026-07-02"),
        (datetime(2026, 6, 30, 22, 59, tzinfo=UTC), "2026-06-30", "2026-07-01"),
        # Winter time: the same day.
        (datetime(2026, 12, 1, 23, 30, tzinfo=UTC), "2026-12-01", "2026-12-02"),
        # The nights in which the clocks change.
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "2026-03-29", "2026-03-30"),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), "2026-10-25", "2026-10-26"),
        (datetime(2026, 10, 25, 23, 30, tzinfo=UTC), "2026-10-25", "2026-10-26"),
    ],
)
def test_today_is_londons(tmp_path, received_at, today, tomorrow):
    with open_line(tmp_path, now=received_at) as gateway:
        register_everyone(gateway, formats=("fhir",))
        for day, is_in_future in ((today, False), (tomorrow, True)):
            batch, _ = ingest_feed(gateway, "test-fhir", make_feed_of(day), filename="feed")
            with open_receipt(gateway, batch.id) as receipt:
                (record,) = receipt.records
            codes = {finding.code for finding in record.findings}
            assert (DATE_IN_FUTURE.code in codes) == is_in_future, (day, codes)
            assert receipt.head.received_at == received_at.isoformat(timespec="seconds")


def test_a_batch_is_judged_by_the_day_it_was_received_on(tmp_path):
    """However late it is processed, and however often."""
    received_at = datetime(2026, 6, 30, 22, 59, tzinfo=UTC)
    with open_line(tmp_path, now=received_at) as gateway:
        register_everyone(gateway, formats=("fhir",))
        receive_feed(gateway, "test-fhir", make_feed_of("2026-07-01"), filename="feed")
    with open_line(tmp_path, now=datetime(2026, 7, 2, tzinfo=UTC)) as gateway:
        again = make_feed_of("2026-07-01")
        batch, is_new = ingest_feed(gateway, "test-fhir", again, filename="feed")
    assert not is_new
    assert (batch.received_at, batch.counts.rejected) == (received_at, 1)
