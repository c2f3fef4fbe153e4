"""Feeds that wait for a decision: which do, what is said of them, and what each decision does."""

import io
import json
import logging
from contextlib import ExitStack

import msgspec
import pytest
from sqlalchemy import select

from gateway.pipeline.check import check_feed
from gateway.pipeline.decide import discard_batch, release_batch
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.ingest import ingest_feed, process_batch
from gateway.pipeline.plan import plan_batch, plan_waiting
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_source
from gateway.receipts.build import ReceiptStream
from gateway.receipts.write import write_text
from schemas.errors import WrongUseError
from store import tables
from tests.lib.databases import make_engine
from tests.lib.feeds import generate, make_bundle
from tests.lib.line import ingest, open_line, read_receipt, register_everyone
from tests.lib.packed_feeds import make_gzip
from tests.lib.snapshot import find_differences, read_snapshot

# By the source that sends them; each breaks off with some of its records read.
BROKEN = {
    "fhir": make_bundle(generate().splitlines())[:-400],
    "fhir xml": generate("fhir-xml-5")[:-400],
    "xml": generate("xml")[:-400],
    "fhir gzip": make_gzip(generate("fhir-5", 40))[:-2000],
    "csv gzip": make_gzip(generate("csv", 40))[:-1500],
}
EXPECTING = """\
name: expecting
version: "7"
format: csv
extends: lrms-csv
expectations: {records: {min: 10, max: 20}, rejected_at_most: 0.1}
"""


@pytest.fixture
def make_line(tmp_path, fresh_database):
    """Opens gateways, each on a home and a database of its own."""
    with ExitStack() as stack:

        def make(name: str, **changes):
            url = stack.enter_context(fresh_database())
            home = tmp_path / name
            (home / "profiles").mkdir(parents=True)
            (home / "profiles" / "expecting.yaml").write_text(EXPECTING)
            line = stack.enter_context(open_line(home, url, commit_records=5, **changes))
            register_everyone(line)
            with line.store.read() as work:
                known = work.sources.get("test-csv")
            add_source(line, msgspec.structs.replace(known, id="expecting", profile="expecting"))
            return line

        yield make


@pytest.fixture
def line(make_line):
    return make_line("home")


def read_audit(line, prefix: str = "batch."):
    engine = make_engine(line.settings.database)
    with engine.connect() as connection:
        rows = connection.execute(select(tables.audit).order_by(tables.audit.c.number)).all()
    engine.dispose()
    return [(row.action, json.loads(row.details)) for row in rows if row.action.startswith(prefix)]


def codes(receipt) -> list[str]:
    return [finding.code for finding in receipt.findings]


@pytest.mark.parametrize("name", BROKEN)
def test_a_feed_that_breaks_off_is_held_and_nothing_of_it_is_loaded(line, name):
    before = read_snapshot(line.settings.database)
    batch = ingest(line, f"test-{name.split()[0]}", BROKEN[name])
    assert (batch.state, batch.verdict, batch.counts.records) == ("held", None, 0)
    after = read_snapshot(line.settings.database)
    changed = {table for table in after if after[table] != before[table]}
    assert changed == {"batches", "findings", "audit"}
    receipt = read_receipt(line, batch.id)
    assert receipt.verdict == "held"
    assert 0 < receipt.counts.created == len(receipt.records) < 40
    assert any(finding.severity == "error" for finding in receipt.findings)
    assert f"lrms-gateway batch release {batch.id} --reason" in receipt.next_action
    assert f"lrms-gateway batch discard {batch.id} --reason" in receipt.next_action
    assert "send it again whole" in receipt.next_action


@pytest.mark.parametrize("name", BROKEN)
def test_checking_a_broken_feed_tells_what_ingesting_it_tells(line, name):
    source = f"test-{name.split()[0]}"
    checked = check_feed(line, source, io.BytesIO(BROKEN[name]), filename="feed")
    batch = ingest(line, source, BROKEN[name])
    assert read_receipt(line, batch.id) == checked
    release_batch(line, batch.id, "told by the vendor that it is all there is")
    process_batch(line, batch.id)
    loaded = read_receipt(line, batch.id)
    assert (loaded.counts, loaded.records, codes(loaded)) == (
        checked.counts,
        checked.records,
        codes(checked),
    )


@pytest.mark.parametrize("name", BROKEN)
def test_released_is_as_loaded_at_once(make_line, name):
    waits, loads = make_line("waits"), make_line("loads")
    source = f"test-{name.split()[0]}"
    loads_id = f"{source}-at-once"
    for line in (waits, loads):
        with line.store.read() as work:
            known = work.sources.get(source)
        on_break = "wait" if line is waits else "load"
        add_source(line, msgspec.structs.replace(known, id=loads_id, on_break=on_break))
    held = ingest(waits, loads_id, BROKEN[name])
    release_batch(waits, held.id, "it is all there is")
    process_batch(waits, held.id)
    loaded = ingest(loads, loads_id, BROKEN[name])
    assert (loaded.state, loaded.verdict) == ("finished", "partly_accepted")
    one, other = (read_snapshot(each.settings.database) for each in (waits, loads))
    assert len(find_differences(one, other)) == 1
    assert {action for action, _ in (one["audit"] - other["audit"])} == {
        "batch.held",
        "batch.released",
    }
    assert {action for action, _ in (other["audit"] - one["audit"])} == {"batch.planned"}
    assert read_receipt(waits, held.id) == read_receipt(loads, loaded.id)


def test_a_discarded_batch_is_rejected_with_its_findings_and_why(line):
    batch = ingest(line, "test-xml", BROKEN["xml"])
    discarded = discard_batch(line, batch.id, "  sent again whole\0 ")
    assert (discarded.state, discarded.verdict) == ("finished", "rejected")
    receipt = read_receipt(line, batch.id)
    assert (receipt.verdict, codes(receipt)) == ("rejected", ["READ-051", "EXP-020"])
    assert receipt.counts.records == len(receipt.records) == 0
    assert process_batch(line, batch.id) == discarded or discarded.marked_at is None
    assert ingest(line, "test-xml", BROKEN["xml"]).state == "finished"
    decided = dict(read_audit(line))["batch.discarded"]
    assert decided == {"reason": "sent again whole\N{SYMBOL FOR NULL}"}
    assert "sent again whole" not in "".join(write_text(ReceiptStream(receipt, iter([]))))


def test_each_change_of_state_has_one_audit_entry(line):
    batch = ingest(line, "test-fhir", BROKEN["fhir"])
    release_batch(line, batch.id, "all there is")
    process_batch(line, batch.id)
    actions = [action for action, _ in read_audit(line)]
    assert actions == [
        "batch.received",
        "batch.held",
        "batch.found",
        "batch.released",
        "batch.finished",
        "batch.marked",
    ]


def test_the_same_bytes_again_are_the_same_batch_and_still_held(line):
    batch = ingest(line, "test-fhir", BROKEN["fhir"])
    stream = io.BytesIO(BROKEN["fhir"])
    assert ingest_feed(line, "test-fhir", stream, filename="again") == (batch, False)
    assert plan_batch(line, batch) == []
    assert [action for action, _ in read_audit(line)].count("batch.held") == 1


def test_only_what_is_held_can_be_decided(line):
    finished = ingest(line, "test-csv", generate("csv"))
    received, _ = receive_feed(line, "test-csv", io.BytesIO(b"x"), filename="feed")
    held = ingest(line, "test-xml", BROKEN["xml"])
    for decide in (release_batch, discard_batch):
        for batch in (finished, received):
            with pytest.raises(WrongUseError, match=r"not held"):
                decide(line, batch.id, "why not")
        with pytest.raises(WrongUseError, match="needs a reason"):
            decide(line, held.id, " ")
    discard_batch(line, held.id, "no")
    with pytest.raises(WrongUseError, match="is finished, not held"):
        release_batch(line, held.id, "yes after all")


def test_held_batches_do_not_hold_up_others_and_are_counted(line, caplog):
    receive_feed(line, "test-xml", io.BytesIO(BROKEN["xml"]), filename="broken")
    good, _ = receive_feed(line, "test-xml", io.BytesIO(generate("xml")), filename="good")
    with caplog.at_level(logging.INFO, "gateway.pipeline.plan"):
        items = plan_waiting(line)
    assert [item["batch_id"] for item in items] == [good.id]
    (record,) = caplog.records
    assert "held: READ-051" in record.getMessage()
    process_batch(line, good.id)
    assert finish_batches(line) == {"finished": 0, "held": 1}
    with line.store.read() as work:
        assert [batch.filename for batch in work.batches.find_all(state="held")] == ["broken"]


def test_planning_twice_at_once_holds_once(line):
    """Two that read the batch as received: the slower one finds it held, and adds nothing."""
    batch, _ = receive_feed(line, "test-xml", io.BytesIO(BROKEN["xml"]), filename="feed")
    assert plan_batch(line, batch) == plan_batch(line, batch) == []
    discard_batch(line, batch.id, "no")
    assert plan_batch(line, batch) == []
    assert codes(read_receipt(line, batch.id)) == ["READ-051", "EXP-020"]
    assert [action for action, _ in read_audit(line)].count("batch.held") == 1


def test_a_break_before_the_first_record_is_rejected(line):
    for source, feed in (("test-xml", BROKEN["xml"][:300]), ("test-fhir", BROKEN["fhir"][:200])):
        batch = ingest(line, source, feed)
        assert (batch.state, batch.verdict) == ("finished", "rejected"), source


@pytest.mark.parametrize(
    ("events", "errors", "expected"),
    [
        (12, 0, []),
        (9, 0, ["EXP-001"]),
        (21, 0, ["EXP-002"]),
        (12, 1.0, ["EXP-003"]),
        (30, 1.0, ["EXP-002", "EXP-003"]),
    ],
)
def test_a_feed_that_is_not_what_its_profile_expects_is_held(line, events, errors, expected):
    feed = generate("csv", events, errors=errors)
    checked = check_feed(line, "expecting", io.BytesIO(feed), filename="feed")
    batch = ingest(line, "expecting", feed)
    receipt = read_receipt(line, batch.id)
    assert receipt == checked
    assert codes(receipt) == expected
    assert (batch.state, receipt.verdict) == (
        ("held", "held") if expected else ("finished", "accepted")
    )
    assert (receipt.profile, receipt.profile_version[:1]) == ("expecting", "7")


def test_a_released_batch_is_not_asked_again_what_is_expected(line):
    batch = ingest(line, "expecting", generate("csv", 9))
    release_batch(line, batch.id, "a quiet week")
    done = process_batch(line, batch.id)
    assert (done.state, done.verdict, done.counts.created) == ("finished", "accepted", 9)
    assert codes(read_receipt(line, batch.id)) == ["EXP-001"]


def test_an_empty_feed_is_rejected_whatever_is_expected(line):
    batch = ingest(line, "expecting", generate("csv", 1).splitlines()[0])
    assert (batch.state, batch.verdict) == ("finished", "rejected")
    assert codes(read_receipt(line, batch.id)) == ["READ-090"]


@pytest.mark.parametrize("form", ["csv", "fhir-5", "xml"])
def test_records_beyond_the_cap_hold_the_feed_and_what_came_before_can_be_loaded(make_line, form):
    line = make_line("home", max_records=8)
    source = f"test-{form.split('-')[0]}"
    assert ingest(line, source, generate(form, 8)).verdict == "accepted"
    feed = generate(form, 20)
    checked = check_feed(line, source, io.BytesIO(feed), filename="feed")
    batch = ingest(line, source, feed)
    receipt = read_receipt(line, batch.id)
    assert receipt == checked
    assert (batch.state, codes(receipt), receipt.counts.records) == ("held", ["EXP-011"], 8)
    release_batch(line, batch.id, "the rest comes tomorrow")
    assert process_batch(line, batch.id).counts.records == 8


def test_a_feed_over_the_cap_on_bytes_is_rejected(make_line):
    feed = generate("csv")
    line = make_line("home", max_feed_bytes=len(feed) - 1)
    batch = ingest(line, "test-csv", feed)
    assert (batch.verdict, codes(read_receipt(line, batch.id))) == ("rejected", ["EXP-010"])
    assert ingest(line, "test-csv", generate("csv", 11)).verdict == "accepted"


def change_version(line, version: str) -> None:
    path = line.settings.home / "profiles" / "expecting.yaml"
    path.write_text(EXPECTING.replace('"7"', f'"{version}"'))


def test_a_profile_changed_before_anything_is_loaded_is_the_one_that_is_named(line):
    batch, _ = receive_feed(line, "expecting", io.BytesIO(generate("csv")), filename="feed")
    plan_batch(line, batch)
    change_version(line, "8, mended")
    done = process_batch(line, batch.id)
    assert (done.verdict, done.profile_version) == ("accepted", "8, mended (lrms-csv 1)")
    changes = [details for action, details in read_audit(line) if action.endswith("_changed")]
    assert changes == [{"profile": "expecting", "profile_version": done.profile_version}]


def test_a_profile_changed_half_way_is_refused_until_it_is_back(line):
    batch, _ = receive_feed(line, "expecting", io.BytesIO(generate("csv")), filename="feed")
    plan_batch(line, batch)
    with line.store.read() as work:
        batch_version = work.batches.get(batch.id).profile_version

    class StoppedError(Exception):
        pass

    def stop(_records: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        process_batch(line, batch.id, progress=stop)
    change_version(line, "8")
    with pytest.raises(WrongUseError, match=r"with profile expecting 7 .*put expecting 7 "):
        process_batch(line, batch.id)
    # Edited under the same version.
    path = line.settings.home / "profiles" / "expecting.yaml"
    path.write_text(f"{EXPECTING}\nseparator: ';'\n")
    with pytest.raises(WrongUseError, match="with other content"):
        process_batch(line, batch.id)
    change_version(line, "7")
    done = process_batch(line, batch.id)
    assert (done.verdict, done.counts.created, done.profile_version) == (
        "accepted",
        12,
        batch_version,
    )


LINES = """\
name: lines
version: "1"
format: json
taxonomy_version: "5"
local_id: /id
event_type: {value: "1"}
narrative: /what
ignored: {/people/*/role: who was there}
"""
LATER_LINES = LINES.replace('"1"\nformat', '"2"\nformat').replace(
    "ignored: {/people/*/role: who was there}",
    "patients: {at: /people, elements: {/role: PatientInformation.ClinicalOutcome}}",
)


def test_a_profile_that_changes_under_a_running_load_changes_nothing_of_it(make_line):
    """Its next part is read and mapped as the one before: never read by one profile and mapped by
    another."""
    line = make_line("home", part_bytes=200)
    profile = line.settings.home / "profiles" / "lines.yaml"
    profile.write_text(LINES)
    with line.store.read() as work:
        known = work.sources.get("test-csv")
    add_source(line, msgspec.structs.replace(known, id="lines", format="json", profile="lines"))
    feed = "".join(
        json.dumps({"id": f"L{n}", "what": "The bell was unplugged.", "people": [{"role": "cook"}]})
        + "\n"
        for n in range(9)
    )
    batch, _ = receive_feed(line, "lines", io.BytesIO(feed.encode()), filename="feed")
    assert len(plan_batch(line, batch)) > 2
    done = process_batch(line, batch.id, progress=lambda _records: profile.write_text(LATER_LINES))
    assert (done.profile_version, done.counts.records) == ("1", 9)
    records = read_receipt(line, batch.id).records
    assert len({str(record.findings) for record in records}) == 1
    assert "MAP-001" not in str(records)
