"""Pruning on both databases: what is old goes, what is needed stays, wherever a run is killed and
whoever receives meanwhile; events are never touched."""

import gzip
import io
import json
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.generator import write_feed
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.prune import count_old_data, prune_old_data
from gateway.pipeline.receive import receive_feed, receive_raw_file
from gateway.pipeline.record_content import find_content
from gateway.pipeline.trial import check_trial, promote_trial, receive_trial
from gateway.receipts.build import ReceiptStream
from gateway.receipts.write import WRITERS
from schemas.errors import UnavailableError, UnknownError
from store import tables
from store.raw_files import RawFiles
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, read_receipt, register_everyone
from tests.lib.records import SOURCE
from tests.lib.singles import load, make_single
from tests.lib.snapshot import find_differences, read_snapshot

NOTHING = dict.fromkeys(
    (
        *("bytes", "unpacked", "findings", "edits", "items", "trials", "messages", "reports"),
        *("refused", "alarms", "feed_days", "files"),
    ),
    0,
)


def make_feed(seed=1, *, events=5, errors=0.0, feed_format="fhir-5"):
    out = io.BytesIO()
    write_feed(out, events=events, format=feed_format, seed=seed, errors=errors, duplicates=0.0)
    return out.getvalue()


GOOD, BAD = make_feed(1), make_feed(2, errors=1.0)


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url) as opened:
        register_everyone(opened)
        yield opened


def settle(gateway):
    """Everybody is told of everything."""
    prepare_messages(gateway)
    deliver_messages(gateway)


def later(gateway, days):
    now = gateway.now() + timedelta(days=days)
    return replace(gateway, now=lambda: now)


def list_files(gateway):
    folder = gateway.settings.raw_folder
    return {path.name for path in folder.rglob("*") if path.is_file()}


def list_pruned(url):
    return [row.action for row in read_rows(url, tables.audit) if row.action.startswith("pruned.")]


def test_bytes_go_when_their_time_is_over_and_not_before(gateway, database_url):
    good, bad = ingest(gateway, "test-fhir", GOOD), ingest(gateway, "test-fhir", BAD)
    settle(gateway)
    assert prune_old_data(later(gateway, 364)) == NOTHING
    done = prune_old_data(later(gateway, 366))
    assert (done["bytes"], done["files"]) == (1, 1)
    # Where records were rejected somebody may still want to see what was sent.
    assert list_files(gateway) == {bad.sha256}
    assert prune_old_data(later(gateway, 1094))["bytes"] == 0
    assert prune_old_data(later(gateway, 1096))["bytes"] == 1
    assert list_files(gateway) == set()
    entries = [r for r in read_rows(database_url, tables.audit) if r.action == "pruned.bytes"]
    told = [json.loads(row.details) for row in entries]
    assert told == [
        {"batches": [one.id], "files": 1, "counts": {"feeds": 1}} for one in (good, bad)
    ]


def test_zero_days_is_for_ever(tmp_path, database_url):
    kept = {f"keep_{name}_days": 0 for name in ("raw", "finding", "message", "trial", "unpacked")}
    with open_line(tmp_path / "home", database_url, **kept) as gateway:
        register_everyone(gateway)
        ingest(gateway, "test-fhir", BAD)
        settle(gateway)
        assert prune_old_data(later(gateway, 100 * 365)) == NOTHING


def test_what_was_rejected_may_be_kept_for_ever(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url, keep_rejected_days=0) as gateway:
        register_everyone(gateway)
        ingest(gateway, "test-fhir", BAD)
        ingest(gateway, "test-fhir", GOOD)
        settle(gateway)
        assert prune_old_data(later(gateway, 50 * 365))["bytes"] == 1


def test_nothing_of_a_batch_that_is_not_settled(gateway, database_url):
    receive_feed(gateway, "test-fhir", io.BytesIO(GOOD), filename="waits")
    broken_off = b'{"resourceType": "Bundle", "type": "batch", "entry": [{"resource": '
    record = GOOD.splitlines()[0]
    held = ingest(gateway, "test-fhir", broken_off + record + b'}, {"resource": {')
    assert held.state == "held"
    told_of = ingest(gateway, "test-fhir", make_feed(3))
    assert any(row.announced_at is None for row in read_rows(database_url, tables.alerts))
    much_later = later(gateway, 20 * 365)
    assert prune_old_data(much_later) == NOTHING
    assert len(list_files(gateway)) == 3
    # Once everybody is told, it may go; the others still may not.
    settle(gateway)
    done = prune_old_data(much_later)
    assert (done["bytes"], done["files"]) == (1, 1)
    assert told_of.sha256 not in list_files(gateway)
    assert len(list_files(gateway)) == 2


def test_events_and_their_history_are_never_pruned(gateway, database_url):
    ingest(gateway, "test-fhir", GOOD)
    ingest(gateway, "test-csv", make_feed(4, errors=0.5, feed_format="csv"))
    settle(gateway)
    before = read_snapshot(database_url)
    assert prune_old_data(later(gateway, 50 * 365))["findings"] == 1
    after = read_snapshot(database_url)
    changed = {line.partition(":")[0] for line in find_differences(before, after)}
    assert changed == {"findings", "messages", "message_alerts", "audit"}
    assert not Counter(before["audit"]) - Counter(after["audit"])


def test_the_receipt_says_what_was_pruned_and_when(gateway):
    batch = ingest(gateway, "test-fhir", BAD)
    settle(gateway)
    before = read_receipt(gateway, batch.id)
    prune_old_data(later(gateway, 4000))
    after = read_receipt(gateway, batch.id)
    day = (gateway.now() + timedelta(days=4000)).date().isoformat()
    assert [one.code for one in after.findings] == ["KEPT-001", "KEPT-002"]
    assert all(day in one.message for one in after.findings)
    codes = Counter(one.code for record in before.records for one in record.findings)
    assert all(f"{times} × {code}" in after.findings[1].message for code, times in codes.items())
    assert (after.verdict, after.counts) == (before.verdict, before.counts)
    assert after.next_action == before.next_action
    assert [one.disposition for one in after.records] == [x.disposition for x in before.records]
    for write in WRITERS.values():
        assert "KEPT-001" in "".join(write(ReceiptStream(after, iter(after.records))))


def test_a_feed_that_could_not_be_read_still_says_so_when_all_is_pruned(gateway):
    batch = ingest(gateway, "test-fhir", b"\x00no feed")
    before = read_receipt(gateway, batch.id)
    prune_old_data(later(gateway, 4000))
    after = read_receipt(gateway, batch.id)
    assert after.next_action == before.next_action
    assert after.findings[: len(before.findings)] == before.findings


def test_what_was_sent_cannot_be_shown_any_more(gateway):
    batch = ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    assert find_content(gateway, batch, 1).content == GOOD.splitlines()[0]
    prune_old_data(later(gateway, 400))
    with pytest.raises(UnknownError, match="were deleted on 2027-12-27"):
        find_content(gateway, batch, 1)


def test_the_same_bytes_again_are_the_same_batch(gateway, database_url):
    batch = ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    then = later(gateway, 400)
    prune_old_data(then)
    events = len(read_rows(database_url, tables.events))
    again, is_new = receive_feed(then, "test-fhir", io.BytesIO(GOOD), filename="again")
    assert (again.id, is_new) == (batch.id, False)
    assert len(read_rows(database_url, tables.events)) == events
    # They are kept again, so that they can be shown, and are pruned again.
    assert find_content(gateway, batch, 1).content == GOOD.splitlines()[0]
    assert [one.code for one in read_receipt(gateway, batch.id).findings] == []
    assert prune_old_data(then)["files"] == 1
    assert list_files(gateway) == set()


def test_a_file_that_another_batch_needs_stays(gateway):
    ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    then = later(gateway, 400)
    other = ingest(then, "test-xml", GOOD)
    assert other.sha256 == ingest(gateway, "test-fhir", GOOD).sha256
    settle(then)
    done = prune_old_data(then)
    assert (done["bytes"], done["files"]) == (1, 0)
    assert list_files(gateway) == {other.sha256}
    assert prune_old_data(later(then, 1100))["files"] == 1


def test_unpacked_files_go_early_and_the_feed_can_still_be_shown(gateway, database_url):
    batch = ingest(gateway, "test-fhir", gzip.compress(GOOD, mtime=0))
    settle(gateway)
    assert len(list_files(gateway)) == 2
    then = later(gateway, 8)
    assert {name: n for name, n in prune_old_data(then).items() if n} == {"unpacked": 1, "files": 1}
    assert list_files(gateway) == {batch.sha256}
    assert find_content(gateway, batch, 1).content == GOOD.splitlines()[0]
    # Looking at it unpacked it again; the next run sees to that.
    assert len(list_files(gateway)) == 2
    assert prune_old_data(then)["files"] == 1
    assert list_files(gateway) == {batch.sha256}
    assert list_pruned(database_url) == ["pruned.unpacked"] * 2


def test_dry_runs_and_their_receipts(gateway):
    waiting = receive_trial(gateway, "test-fhir", io.BytesIO(GOOD), filename="waits")
    checked = receive_trial(gateway, "test-fhir", io.BytesIO(BAD), filename="checked")
    check_trial(gateway, checked)
    assert len(list_files(gateway)) == 3
    done = prune_old_data(later(gateway, 31))
    assert (done["trials"], done["files"]) == (1, 2)
    assert list_files(gateway) == {waiting.sha256}
    promoted = promote_trial(gateway, waiting)
    assert promoted.state == "received"


def test_mails_that_were_sent(gateway, database_url):
    ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    sent = len(read_rows(database_url, tables.messages))
    ingest(later(gateway, 729), "test-fhir", make_feed(5))
    prepare_messages(later(gateway, 729))
    assert prune_old_data(later(gateway, 731))["messages"] == sent > 0
    left = read_rows(database_url, tables.messages)
    assert left
    assert {row.state for row in left} == {"waiting"}
    assert all(row.announced_at for row in read_rows(database_url, tables.alerts))
    # Nobody is told of anything again.
    assert prepare_messages(later(gateway, 731))["urgent"] == 0


def test_a_dry_run_counts_what_pruning_then_does(gateway):
    ingest(gateway, "test-fhir", GOOD)
    ingest(gateway, "test-csv", make_feed(4, errors=0.5, feed_format="csv"))
    settle(gateway)
    check_trial(gateway, receive_trial(gateway, "test-xml", io.BytesIO(BAD), filename="dry"))
    then = later(gateway, 5000)
    files = list_files(gateway)
    counted = count_old_data(then)
    assert list_files(gateway) == files
    done = prune_old_data(then)
    assert {name: counted[name] for name in counted if name != "files"} == {
        name: done[name] for name in done if name != "files"
    }
    assert done["files"] == len(files)
    assert count_old_data(then) == NOTHING


class KilledRaw(RawFiles):
    """Stops where a kill would: before the file is gone, or after it is, before the commit."""

    def __init__(self, folder, *, removes):
        super().__init__(folder)
        self._removes = removes

    def remove(self, sha256):
        if self._removes:
            super().remove(sha256)
        raise KeyboardInterrupt


@pytest.mark.parametrize("removes", [False, True])
def test_a_run_that_is_killed_is_gone_on_with(gateway, database_url, removes):
    for seed in (1, 2, 3):
        ingest(gateway, "test-fhir", make_feed(seed))
    settle(gateway)
    then = later(gateway, 400)
    killed = replace(then, raw=KilledRaw(gateway.settings.raw_folder, removes=removes))
    with pytest.raises(KeyboardInterrupt):
        prune_old_data(killed)
    assert count_old_data(then)["files"] == 3
    done = prune_old_data(then)
    assert (done["bytes"], done["files"]) == (0, 3)
    assert list_files(gateway) == set()
    assert list_pruned(database_url) == ["pruned.bytes"]


def test_received_between_the_mark_and_the_deletion_it_stays(gateway):
    batch = ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    then = later(gateway, 400)
    with pytest.raises(KeyboardInterrupt):
        prune_old_data(replace(then, raw=KilledRaw(gateway.settings.raw_folder, removes=False)))
    receive_feed(then, "test-csv", io.BytesIO(GOOD), filename="the same by another")
    assert prune_old_data(then)["files"] == 0
    assert list_files(gateway) == {batch.sha256}


def test_deleted_between_being_written_and_being_received_it_is_to_be_sent_again(gateway):
    ingest(gateway, "test-fhir", GOOD)
    settle(gateway)
    then = later(gateway, 400)
    raw = then.raw.write(io.BytesIO(GOOD))
    assert prune_old_data(then)["files"] == 1
    with pytest.raises(UnavailableError, match="send it again"):
        receive_raw_file(then, "test-csv", raw, filename="feed", route="file")
    with then.store.read() as work:
        assert [one.source_id for one in work.batches.find_all()] == ["test-fhir"]
    received, is_new = receive_feed(then, "test-csv", io.BytesIO(GOOD), filename="feed")
    assert is_new
    assert list_files(gateway) == {received.sha256}


def test_many_prune_and_receive_at_once(gateway, database_url):
    """Whatever the order: a batch that was not pruned has its bytes."""
    feeds = [make_feed(seed, events=1) for seed in range(10)]
    for feed in feeds:
        ingest(gateway, "test-fhir", feed)
    settle(gateway)
    then = later(gateway, 400)

    def receive(feed):
        for _ in range(20):
            try:
                return receive_feed(then, "test-csv", io.BytesIO(feed), filename="feed")[0].id
            except UnavailableError:
                continue
        raise AssertionError("it was pruned again and again")

    with ThreadPoolExecutor(6) as pool:
        pruned = [pool.submit(prune_old_data, then) for _ in range(3)]
        received = [pool.submit(receive, feed) for feed in feeds]
        ids = {one.result() for one in received}
        done = [one.result() for one in pruned]
    assert sum(one["bytes"] for one in done) == 10
    assert len(ids) == 10
    for sha256 in {row.sha256 for row in read_rows(database_url, tables.batches)}:
        with gateway.raw.open_verified(sha256):
            pass
    assert mark_externally_recorded(then) == {"marked": 0}


def test_unpacked_again_by_another_feed_between_the_mark_and_the_deletion_it_stays(gateway):
    ingest(gateway, "test-fhir", gzip.compress(GOOD, mtime=0))
    settle(gateway)
    then = later(gateway, 8)
    with pytest.raises(KeyboardInterrupt):
        prune_old_data(replace(then, raw=KilledRaw(gateway.settings.raw_folder, removes=False)))
    ingest(then, "test-xml", gzip.compress(GOOD, mtime=1))
    files = list_files(gateway)
    assert prune_old_data(then)["files"] == 0
    assert list_files(gateway) == files


def test_the_body_of_a_request_goes_and_its_event_stays(gateway, database_url):
    single = make_single("body of a request", "0" * 8, "IN-1")
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.sources.add(SOURCE)
    (outcome,) = load(gateway.store, single)
    settle(gateway)
    with gateway.store.read() as work:
        assert work.singles.find_body(outcome.batch_number) == b"body of a request"
    done = prune_old_data(later(gateway, 400))
    assert (done["bytes"], done["files"]) == (1, 0)
    assert read_rows(database_url, tables.bodies) == []
    assert [row.id for row in read_rows(database_url, tables.events)] == [outcome.event_id]
    with gateway.store.read() as work:
        assert work.singles.find_outcome(outcome.batch_number).event_id == outcome.event_id


def test_more_than_one_transaction_takes_at_a_time(gateway, database_url, monkeypatch):
    monkeypatch.setattr("gateway.pipeline.prune.CHUNK", 2)
    for seed in range(5):
        ingest(gateway, "test-fhir", make_feed(seed, events=1))
        receive_trial(gateway, "test-csv", io.BytesIO(make_feed(seed, events=1)), filename="dry")
    with gateway.store.read() as work:
        waiting = work.trials.find_waiting()
    for one in waiting:
        check_trial(gateway, one)
    settle(gateway)
    done = prune_old_data(later(gateway, 400))
    assert (done["bytes"], done["trials"]) == (5, 5)
    assert list_files(gateway) == set()
    assert list_pruned(database_url) == ["pruned.bytes"] * 3 + ["pruned.trials"] * 3


def test_killed_again_and_again_it_ends_as_undisturbed(gateway, database_url, tmp_path):
    """Real kills, at any place: every batch is pruned once, every file is gone, no event is."""
    batches = [ingest(gateway, "test-fhir", make_feed(seed, events=1)) for seed in range(24)]
    settle(gateway)
    events = len(read_rows(database_url, tables.events))
    then = later(gateway, 400)
    words = [str(tmp_path / "home"), database_url, then.now().isoformat()]
    chance = random.Random(5)
    for _ in range(5):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.lib.killed_prune", *words],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0, 0.15))
        child.kill()
        child.wait()
        child.stdout.close()
    prune_old_data(then)
    assert list_files(gateway) == set()
    assert count_old_data(then) == NOTHING
    pruned = [row.batch_number for row in read_rows(database_url, tables.batch_prunings)]
    assert sorted(pruned) == [one.number for one in batches]
    told = [
        batch_id
        for row in read_rows(database_url, tables.audit)
        if row.action == "pruned.bytes"
        for batch_id in json.loads(row.details)["batches"]
    ]
    assert sorted(told) == sorted(one.id for one in batches)
    assert len(read_rows(database_url, tables.events)) == events
