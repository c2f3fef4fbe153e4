"""A record over which our own code fails: it is kept, its neighbours are loaded, nothing of it is
told, and a fault of everything stops at once."""

import io
import logging

import pytest

from gateway.exit_codes import ExitCode, of_receipt
from gateway.generator import write_feed
from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import process_batch
from gateway.receipts.build import ReceiptStream
from gateway.receipts.write import WRITERS
from schemas.errors import FaultError, UnavailableError
from schemas.identifiers import make_batch_id
from store.raw_files import hash_range
from store.records import Records
from store.tables import audit, events, quarantine, receipt_lines
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, read_receipt, register_everyone
from tests.lib.poison import POISONS, SECRET, poison_mapper, refusing
from tests.lib.snapshot import read_snapshot

BAD = 13
EVENTS = 40
FORMATS = {"fhir-5": "test-fhir", "fhir-xml-5": "test-fhir", "xml": "test-xml", "csv": "test-csv"}


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path, database_url, commit_records=15) as opened:
        register_everyone(opened)
        yield opened


def generate(form="fhir-5", *, seed=5, count=EVENTS):
    stream = io.BytesIO()
    write_feed(stream, events=count, format=form, seed=seed)
    return stream.getvalue()


def is_bad(number):
    return number == BAD


@pytest.mark.parametrize("where", POISONS)
@pytest.mark.parametrize("fresh_database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("form", FORMATS)
def test_a_record_that_breaks_our_code_is_kept_and_its_part_goes_on(
    gateway, monkeypatch, caplog, form, where
):
    caplog.set_level(logging.DEBUG)
    POISONS[where](monkeypatch, is_bad)
    batch = ingest(gateway, FORMATS[form], generate(form))
    check_kept(gateway, batch)
    assert SECRET not in caplog.text
    assert "KeyError\n" in caplog.text, "the kind of the error is logged, and where"


def check_kept(gateway, batch, number=BAD):
    receipt = read_receipt(gateway, batch.id)
    assert batch.state == "finished"
    assert (batch.counts.records, batch.counts.quarantined) == (EVENTS, 1)
    assert [one.number for one in receipt.records] == list(range(1, EVENTS + 1))
    (kept,) = [one for one in receipt.records if one.disposition == "quarantined"]
    assert (kept.number, kept.reference, kept.local_id) == (number, None, None)
    (finding,) = kept.findings
    assert finding.code == "OURS-001"
    (row,) = read_rows(gateway.settings.database, quarantine)
    assert row.fault_id in finding.message
    with gateway.store.read() as work:
        seen = work.quarantine.find_fault(row.fault_id)
    assert seen.records == 1
    assert any(line.startswith("gateway/pipeline/") for line in seen.fault.trace) or any(
        line.startswith("gateway/adapters/") for line in seen.fault.trace
    )
    assert SECRET not in str(seen)
    assert (receipt.verdict, of_receipt(receipt)) == ("partly_accepted", ExitCode.QUARANTINED)
    assert "do not send" in receipt.next_action
    actions = [one.action for one in read_rows(gateway.settings.database, audit)]
    assert actions.count("record.quarantined") == 1


@pytest.mark.parametrize("number", [1, BAD, 15, 16, EVENTS])
def test_a_row_that_the_database_refuses_is_found_among_its_neighbours(gateway, caplog, number):
    caplog.set_level(logging.DEBUG)
    with refusing(gateway.settings.database, f"NEW.record_number = {number}"):
        batch = ingest(gateway, "test-fhir", generate())
    check_kept(gateway, batch, number)
    assert SECRET not in caplog.text


@pytest.mark.postgresql
@pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)
def test_a_row_too_large_for_the_server_is_refused_and_not_tried_for_ever(gateway):
    with refusing(gateway.settings.database, f"NEW.record_number = {BAD}", code="54000"):
        batch = ingest(gateway, "test-fhir", generate())
    check_kept(gateway, batch)


def test_what_is_loaded_beside_a_refused_row_is_what_would_be_without_it(
    gateway, tmp_path, fresh_database
):
    """Neither lost nor doubled: the neighbours, their alerts and their audit entries."""
    with refusing(gateway.settings.database, f"NEW.record_number = {BAD}"):
        ingest(gateway, "test-fhir", generate())
    lines = generate().splitlines(keepends=True)
    with fresh_database() as url, open_line(tmp_path / "other", url) as other:
        register_everyone(other)
        ingest(other, "test-fhir", b"".join(lines[: BAD - 1] + lines[BAD:]))
        there, here = read_snapshot(url), read_snapshot(gateway.settings.database)
    for table in ("events", "alerts", "patients", "event_search", "marks"):
        assert here[table] == there[table]


def test_check_says_so_too_and_stores_nothing(gateway, monkeypatch):
    poison_mapper(monkeypatch, is_bad)
    receipt = check_feed(gateway, "test-fhir", io.BytesIO(generate()), filename="feed")
    assert receipt.counts.quarantined == 1
    assert receipt.records[BAD - 1].findings[0].code == "OURS-001"
    assert read_rows(gateway.settings.database, quarantine) == []


@pytest.mark.parametrize("form", WRITERS)
def test_every_form_of_the_receipt_says_so(gateway, monkeypatch, form):
    poison_mapper(monkeypatch, is_bad)
    batch = ingest(gateway, "test-fhir", generate())
    receipt = read_receipt(gateway, batch.id)
    written = "".join(WRITERS[form](ReceiptStream(receipt, iter(receipt.records))))
    assert "quarantined" in written
    assert "OURS-001" in written


def test_a_fault_of_every_record_quarantines_nothing_and_stops(gateway, monkeypatch):
    feed = generate()
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda _: True)
        with pytest.raises(FaultError, match="once mended"):
            ingest(gateway, "test-fhir", feed)
        assert read_rows(gateway.settings.database, receipt_lines) == []
    done = process_batch(gateway, find_batch_id(feed))
    assert (done.verdict, done.counts.quarantined) == ("accepted", 0)
    assert done.counts.records == EVENTS


def find_batch_id(feed):
    return make_batch_id("test-fhir", hash_range(io.BytesIO(feed)))


def test_a_broken_table_stops_the_part_after_a_few(gateway):
    feed = generate()
    with refusing(gateway.settings.database, "NEW.number > 0"), pytest.raises(FaultError):
        ingest(gateway, "test-fhir", feed)
    kept = read_rows(gateway.settings.database, quarantine)
    assert len(kept) == 10
    assert read_rows(gateway.settings.database, events) == []
    done = process_batch(gateway, find_batch_id(feed))
    assert (done.counts.quarantined, done.counts.created) == (10, EVENTS - 10)


def test_more_than_the_setting_allows_stop_a_part_however_long_it_is(tmp_path, monkeypatch):
    with open_line(tmp_path, commit_records=20, max_quarantined=3) as gateway:
        register_everyone(gateway)
        poison_mapper(monkeypatch, lambda number: number % 10 == 0)
        with pytest.raises(FaultError):
            ingest(gateway, "test-fhir", generate())
        assert len(read_rows(gateway.settings.database, quarantine)) == 2
        # Those of the attempt before count.
        with pytest.raises(FaultError):
            ingest(gateway, "test-fhir", generate())


def test_a_database_that_is_away_is_nobody_s_poison(gateway, monkeypatch):
    def fail(*_given):
        raise UnavailableError("gone")

    monkeypatch.setattr(Records, "load", fail)
    with pytest.raises(UnavailableError):
        ingest(gateway, "test-fhir", generate())
    assert read_rows(gateway.settings.database, quarantine) == []


@pytest.mark.parametrize("error", [MemoryError, OSError])
def test_a_machine_without_memory_or_files_is_not_either(gateway, monkeypatch, error):
    def fail(*_given):
        raise error

    monkeypatch.setattr("gateway.pipeline.judge.encode_event", fail)
    with pytest.raises(error):
        ingest(gateway, "test-fhir", generate())
    assert read_rows(gateway.settings.database, quarantine) == []
