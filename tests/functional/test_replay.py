"""Replay: rejected and quarantined records are loaded in their own place in the order of arrival,
once, and what was announced is not announced again."""

import json
import subprocess
import sys
import time

import msgspec
import pytest

from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.register import add_organisations
from gateway.pipeline.replay import Pace, replay_records
from schemas.quarantine import UnloadedFilter
from schemas.submission import Organisation
from store.tables import alerts, audit, batches, findings, marks, quarantine, replays
from tests.functional.test_quarantine import EVENTS, generate
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, read_receipt, register_everyone
from tests.lib.oracle import read_told
from tests.lib.poison import break_frames, poison_mapper, poison_reader, refusing
from tests.lib.snapshot import find_differences, read_snapshot

ALL = UnloadedFilter()
BAD = (3, 13, 14, 30)


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path, database_url) as opened:
        register_everyone(opened)
        yield opened


def ingest_poisoned(gateway, monkeypatch, feed, source="test-fhir", poison=poison_mapper):
    with monkeypatch.context() as patch:
        poison(patch, lambda number: number in BAD)
        return ingest(gateway, source, feed)


def replay(gateway, wanted=ALL, **terms):
    return list(replay_records(gateway, wanted, for_real=True, **terms))


def foresee(gateway, wanted=ALL, **terms):
    return list(replay_records(gateway, wanted, **terms))


def told(gateway):
    """What is stored of events, receipts and alerts, as the oracle reads it."""
    found = read_told(gateway.settings.database)
    return msgspec.to_builtins(dict(found._asdict()), str_keys=True)


def check_as_calm(gateway, tmp_path, source, feed):
    """A line on SQLite tells of the feed what one tells over which nothing failed."""
    with open_line(tmp_path / "calm") as other:
        register_everyone(other)
        ingest(other, source, feed)
        assert read_told(gateway.settings.database) == read_told(other.settings.database)


def calm(tmp_path, fresh_database, *feeds, source="test-fhir"):
    """The same feeds where nothing failed."""
    with fresh_database() as url, open_line(tmp_path / "calm", url) as other:
        register_everyone(other)
        for feed in feeds:
            ingest(other, source, feed)
        return read_told(url), read_snapshot(url)


FORMS = {"fhir-5": "test-fhir", "fhir-xml-5": "test-fhir", "xml": "test-xml", "csv": "test-csv"}


@pytest.mark.parametrize("poison", [poison_mapper, poison_reader])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("fresh_database", ["sqlite"], indirect=True)
def test_after_a_replay_all_is_as_if_nothing_had_failed(
    gateway, monkeypatch, tmp_path, fresh_database, form, poison
):
    feed, source = generate(form), FORMS[form]
    batch = ingest_poisoned(gateway, monkeypatch, feed, source, poison)
    assert batch.counts.quarantined == len(BAD)
    done = replay(gateway)
    assert [(one.number, one.before, one.after) for one in done] == [
        (number, "quarantined", "created") for number in BAD
    ]
    expected, snapshot = calm(tmp_path, fresh_database, feed, source=source)
    assert read_told(gateway.settings.database) == expected
    here = read_snapshot(gateway.settings.database)
    for table in ("batches", "receipt_lines", "findings", "marks", "alerts"):
        assert here[table] == snapshot[table]


@pytest.mark.parametrize("form", FORMS)
def test_records_are_found_again_in_a_feed_of_many_parts(tmp_path, monkeypatch, form):
    feed, source = generate(form), FORMS[form]
    with open_line(tmp_path, part_bytes=20_000) as gateway:
        register_everyone(gateway)
        batch = ingest_poisoned(gateway, monkeypatch, feed, source)
        with gateway.store.read() as work:
            assert len(work.parts.find(batch.number)) > 1
        assert [one.after for one in replay(gateway)] == ["created"] * len(BAD)
        check_as_calm(gateway, tmp_path, source, feed)


def test_the_receipt_and_the_batch_say_what_is_now(gateway, monkeypatch):
    batch = ingest_poisoned(gateway, monkeypatch, generate())
    replay(gateway)
    receipt = read_receipt(gateway, batch.id)
    assert (receipt.verdict, receipt.counts.quarantined) == ("accepted", 0)
    assert receipt.next_action.startswith("Nothing to do")
    with gateway.store.read() as work:
        assert work.batches.get(batch.id).counts == receipt.counts
    rows = read_rows(gateway.settings.database, replays)
    assert [(row.record_number, row.before, row.after) for row in rows] == [
        (number, "quarantined", "created") for number in BAD
    ]
    assert json.loads(rows[0].findings)[0]["code"] == "OURS-001"
    actions = [row.action for row in read_rows(gateway.settings.database, audit)]
    assert actions.count("record.replayed") == len(BAD)
    # What each was is kept.
    assert len(read_rows(gateway.settings.database, quarantine)) == len(BAD)


def test_a_dry_run_says_the_same_and_stores_nothing(gateway, monkeypatch):
    ingest_poisoned(gateway, monkeypatch, generate())
    before = read_snapshot(gateway.settings.database)
    foreseen = foresee(gateway)
    assert find_differences(before, read_snapshot(gateway.settings.database)) == []
    assert foreseen == replay(gateway)


def revise(feed, number):
    """The record with another narrative: the same event, another content."""
    lines = feed.splitlines(keepends=True)
    event = json.loads(lines[number - 1])
    text = json.dumps(event).replace("The ", "Then the ", 1)
    assert text != json.dumps(event)
    return text.encode() + b"\n"


def find_revisable(feed):
    return next(
        number
        for number, line in enumerate(feed.splitlines(), 1)
        if b'"The ' in line or b" The " in line
    )


def test_an_older_content_takes_its_own_place_behind_the_newer_one(
    gateway, monkeypatch, tmp_path, fresh_database
):
    """A newer content of the event came while the older one was in quarantine."""
    feed = generate()
    number = find_revisable(feed)
    newer = revise(feed, number)
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda one: one == number)
        first = ingest(gateway, "test-fhir", feed)
    second = ingest(gateway, "test-fhir", newer)
    assert (second.counts.created, first.counts.quarantined) == (1, 1)
    (foreseen,) = foresee(gateway)
    (done,) = replay(gateway)
    assert (done.after, done.revision) == ("created", 1)
    assert foreseen == done
    assert read_receipt(gateway, second.id).records[0].disposition == "revised"
    expected, _ = calm(tmp_path, fresh_database, feed, newer)
    assert read_told(gateway.settings.database) == expected


def test_nothing_that_was_announced_is_announced_again(gateway, monkeypatch):
    feed = generate(count=120)
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda number: number <= 5)
        ingest(gateway, "test-fhir", feed)
    # All of it again, whole: the events that are missing come into being, and are announced.
    ingest(gateway, "test-fhir", feed + b"\n")
    announce(gateway)
    before = {tuple(row) for row in read_rows(gateway.settings.database, alerts)}
    mails = list_mails(gateway)
    assert mails
    assert len(replay(gateway)) == 5
    assert {tuple(row) for row in read_rows(gateway.settings.database, alerts)} == before
    announce(gateway)
    assert list_mails(gateway) == mails


def test_what_nobody_was_told_is_announced_once(gateway, monkeypatch, tmp_path, fresh_database):
    feed = generate(count=120)
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda number: number <= 5)
        ingest(gateway, "test-fhir", feed)
    replay(gateway)
    announce(gateway)
    _, expected = calm(tmp_path, fresh_database, feed)
    found = read_snapshot(gateway.settings.database)
    assert found["alerts"] == expected["alerts"]
    mails = list_mails(gateway)
    assert replay(gateway) == []
    announce(gateway)
    assert list_mails(gateway) == mails


def announce(gateway):
    prepare_messages(gateway)
    deliver_messages(gateway)


def list_mails(gateway):
    folder = gateway.settings.mailbox_folder
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.eml")}


def test_a_rejected_record_is_accepted_once_the_register_knows_the_organisation(gateway):
    feed = generate().replace(b'"RZ7"', b'"RQ9"')
    batch = ingest(gateway, "test-fhir", feed)
    assert batch.counts.rejected == 1
    (foreseen,) = foresee(gateway)
    assert (foreseen.after, foreseen.is_changed) == ("rejected", False)
    assert [one.code for one in foreseen.findings] == ["ORG-001"]
    assert replay(gateway) == [foreseen]
    assert read_rows(gateway.settings.database, replays) == [], "nothing is new: nothing is written"
    add_organisations(gateway, [Organisation("RQ9", "Westmoor Hospitals")])
    (done,) = replay(gateway)
    assert (done.before, done.after) == ("rejected", "created")
    assert read_receipt(gateway, batch.id).verdict == "accepted"


def test_filters_and_bounds(gateway, monkeypatch):
    first = ingest_poisoned(gateway, monkeypatch, generate(seed=5))
    second = ingest_poisoned(gateway, monkeypatch, generate("csv", seed=6), "test-csv")

    def numbers(**wanted):
        found = foresee(gateway, UnloadedFilter(**wanted))
        return [(one.batch_id, one.number) for one in found]

    everything = [(batch.id, number) for batch in (first, second) for number in BAD]
    assert numbers() == everything
    assert numbers(batch_id=first.id) == everything[:4]
    assert numbers(source_id="test-csv") == everything[4:]
    assert numbers(batch_id=second.id, number=13) == [(second.id, 13)]
    assert numbers(code="OURS-001") == everything
    assert numbers(code="TAX-001") == []
    assert numbers(disposition="rejected") == []
    fault = read_rows(gateway.settings.database, quarantine)[0].fault_id
    assert numbers(fault_id=fault) in (everything, everything[:4])
    assert numbers(fault_id="f-0") == []
    assert numbers(organisation="XXX") == []
    assert numbers(after=(first.id, 14)) == everything[3:]
    assert len(replay(gateway, most=3)) == 3
    assert numbers() == everything[3:]


def test_the_rate_is_bounded(gateway, monkeypatch):
    ingest_poisoned(gateway, monkeypatch, generate())
    clock = [0.0]

    def sleep(seconds):
        clock[0] += seconds

    pace = Pace(12, lambda: clock[0], sleep)
    replay(gateway, pace=pace)
    # Two at once, and 60 / 12 seconds each.
    assert clock[0] == 5 * len(BAD)


def test_a_row_that_is_refused_still_costs_no_other(gateway, monkeypatch, caplog):
    ingest_poisoned(gateway, monkeypatch, generate())
    with refusing(gateway.settings.database, "NEW.record_number = 13"):
        done = {one.number: one for one in replay(gateway)}
    assert {number: one.after for number, one in done.items()} == {
        3: "created",
        13: "quarantined",
        14: "created",
        30: "created",
    }
    assert "RefusedError" in caplog.text
    (left,) = replay(gateway)
    assert (left.number, left.after) == (13, "created")


def test_bytes_that_are_gone_say_so_and_cost_no_other_batch(gateway, monkeypatch):
    first = ingest_poisoned(gateway, monkeypatch, generate(seed=5))
    ingest_poisoned(gateway, monkeypatch, generate(seed=6))
    for path in gateway.settings.raw_folder.rglob(f"*{first.sha256}*"):
        path.unlink()
    done = replay(gateway)
    assert [one.after for one in done] == [None] * 4 + ["created"] * 4
    assert all("received again" in one.why for one in done[:4])


def test_killed_and_repeated_is_once(tmp_path, fresh_database, monkeypatch):
    feed = generate(count=300)
    with fresh_database() as url:
        home = tmp_path / "rough"
        with open_line(home, url, max_quarantined=1_000) as gateway:
            register_everyone(gateway)
            with monkeypatch.context() as patch:
                poison_reader(patch, lambda number: number % 25 == 0)
                ingest(gateway, "test-fhir", feed)
        for kill in range(6):
            child = subprocess.Popen(
                [sys.executable, "-m", "tests.lib.killed_replay", str(home), url],
                stdout=subprocess.PIPE,
                text=True,
            )
            assert child.stdout.readline() == "ready\n"
            for _ in range(kill % 3):
                child.stdout.readline()
            time.sleep(0.003 * kill)
            child.kill()
            child.wait()
            child.stdout.close()
        with open_line(home, url) as gateway:
            replay(gateway)
            found, rows = read_told(url), read_rows(url, replays)
    expected, _ = calm(tmp_path, fresh_database, feed)
    assert found == expected
    assert len(rows) == 12


def test_two_replays_at_once_are_one(gateway, monkeypatch):
    """The second finds the lines replayed that it had seen open."""
    ingest_poisoned(gateway, monkeypatch, generate())
    slow = replay_records(
        gateway, ALL, for_real=True, pace=Pace(6, gateway.monotonic, lambda _seconds: None)
    )
    first = next(slow)
    assert first.number == BAD[0]
    assert [one.number for one in replay(gateway)] == list(BAD[1:])
    assert [(one.after, "meanwhile" in one.why) for one in slow] == [(None, True)] * 3
    assert len(read_rows(gateway.settings.database, replays)) == len(BAD)
    assert len(read_rows(gateway.settings.database, marks)) == 40
    assert read_rows(gateway.settings.database, findings) == []
    assert read_rows(gateway.settings.database, batches)[0].quarantined == 0


# Where the reader fails over element 12 of XML it is the next one that does not come.
FRAMES = {"fhir-xml-5": 12, "xml": 12, "csv": 13}


@pytest.mark.parametrize("part_bytes", [20_000, 1_000_000])
@pytest.mark.parametrize("form", FRAMES)
def test_what_breaks_the_reader_between_records_costs_one_of_them_and_is_replayed(
    tmp_path, monkeypatch, form, part_bytes
):
    feed, source = generate(form), FORMS[form]
    with open_line(tmp_path, part_bytes=part_bytes, commit_records=15) as gateway:
        register_everyone(gateway)
        with monkeypatch.context() as patch:
            break_frames(patch, f"SYN-5-{FRAMES[form]:07}".encode())
            batch = ingest(gateway, source, feed)
        assert (batch.counts.records, batch.counts.quarantined) == (EVENTS, 1)
        assert [(one.number, one.after) for one in replay(gateway)] == [(13, "created")]
        check_as_calm(gateway, tmp_path, source, feed)


def test_a_line_that_breaks_the_reader_costs_itself_alone(tmp_path, monkeypatch):
    lines = generate().splitlines(keepends=True)
    lines[12] = lines[12].rstrip() + b" " * 100_000 + b"\n"
    with open_line(tmp_path, part_bytes=20_000, max_record_bytes=50_000) as gateway:
        register_everyone(gateway)
        with monkeypatch.context() as patch:
            break_frames(patch, b"SYN-5-0000013")
            batch = ingest(gateway, "test-fhir", b"".join(lines))
        assert (batch.counts.records, batch.counts.quarantined) == (EVENTS, 1)
    with open_line(tmp_path) as gateway:
        # The line is short enough by now.
        assert [(one.number, one.after) for one in replay(gateway)] == [(13, "created")]
        check_as_calm(gateway, tmp_path, "test-fhir", b"".join(lines))
