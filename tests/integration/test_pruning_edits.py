"""Copies of what was sent go with it: what an edit changed with the bytes of its record, what a
replay took out of a receipt with the findings. Who did it when and why stays."""

import io
import json

import pytest
from sqlalchemy import update

from gateway.generator import write_feed
from gateway.pipeline import prune
from gateway.pipeline.edit import edit_record
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.prune import count_old_data, prune_old_data
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_organisations
from gateway.pipeline.replay import replay_records
from schemas.quarantine import UnloadedFilter
from schemas.submission import Organisation
from store import tables
from tests.functional.test_quarantine import generate
from tests.integration.test_pruning import later, settle
from tests.lib.databases import make_engine, read_rows
from tests.lib.line import ingest, open_line, register_everyone

SECRET = "Zebrafinch"


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url) as opened:
        register_everyone(opened)
        yield opened


def make_records(seed=1):
    """A sound record, and one without a day that can be."""
    out = io.BytesIO()
    write_feed(out, events=2, format="fhir-5", seed=seed, errors=0.0, duplicates=0.0)
    sound, other = out.getvalue().splitlines()
    return sound, json.dumps(json.loads(other) | {"date": SECRET}).encode(), other


def edit(gateway, batch, corrected):
    done = edit_record(gateway, batch.id, 2, io.BytesIO(corrected), reason="the ward told us")
    mark_externally_recorded(gateway)
    # A digest a day.
    settle(later(gateway, 1))
    return done


@pytest.fixture
def edited(gateway):
    """A batch, the second record of which was rejected and corrected by an operator."""
    sound, bad, corrected = make_records()
    batch = ingest(gateway, "test-fhir", b"\n".join([sound, bad]))
    settle(gateway)
    edit(gateway, batch, corrected)
    return batch


def read_edits(url):
    return [(row.actor, row.reason, row.diff) for row in read_rows(url, tables.edits)]


def list_entries(url, action):
    rows = read_rows(url, tables.audit)
    return [json.loads(row.details) for row in rows if row.action == action]


def test_an_edit_lives_as_long_as_what_it_was_made_on(gateway, database_url, edited):
    ((_, _, diff),) = read_edits(database_url)
    assert SECRET in diff
    # The correction, of which nothing was rejected, goes first; it is no reason.
    done = prune_old_data(later(gateway, 1094))
    assert (done["bytes"], done["edits"]) == (1, 0)
    assert read_edits(database_url) == [("test", "the ward told us", diff)]
    then = later(gateway, 1096)
    counted = count_old_data(then)
    done = prune_old_data(then)
    assert (counted["edits"], done["bytes"], done["edits"]) == (1, 1, 1)
    assert read_edits(database_url) == [("test", "the ward told us", "null")]
    assert count_old_data(then)["edits"] == 0
    # In the transaction of the bytes, and in numbers alone.
    assert list_entries(database_url, "pruned.bytes")[-1] == {
        "batches": [edited.id],
        "files": 1,
        "counts": {"feeds": 1, "edits": 1},
    }
    with gateway.store.read() as work:
        ((known, text),) = work.unloaded.find_edits(edited.number, 2)
    assert (known.reason, json.loads(text)) == ("the ward told us", None)


def test_a_kill_leaves_no_edit_of_bytes_that_are_pruned(gateway, database_url, edited, monkeypatch):
    def die(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(prune, "_prune_rows", die)
    with pytest.raises(KeyboardInterrupt):
        prune_old_data(later(gateway, 1096))
    pruned = [row.batch_number for row in read_rows(database_url, tables.batch_prunings)]
    assert edited.number in pruned
    assert [diff for *_, diff in read_edits(database_url)] == ["null"]


def test_where_rejected_records_are_kept_for_ever_so_are_their_edits(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url, keep_rejected_days=0) as gateway:
        register_everyone(gateway)
        sound, bad, corrected = make_records()
        batch = ingest(gateway, "test-fhir", b"\n".join([sound, bad]))
        edit(gateway, batch, corrected)
        assert prune_old_data(later(gateway, 50 * 365))["edits"] == 0
        assert SECRET in str(read_edits(database_url))


def test_an_edit_that_was_left_behind_goes_with_the_next_run(gateway, database_url, edited):
    """Made while the bytes were pruned, or by a gateway that did not prune edits yet."""
    then = later(gateway, 1096)
    prune_old_data(then)
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(update(tables.edits).values(diff=json.dumps([{"before": SECRET}])))
    engine.dispose()
    assert count_old_data(then)["edits"] == 1
    assert prune_old_data(then)["edits"] == 1
    assert [diff for *_, diff in read_edits(database_url)] == ["null"]
    assert list_entries(database_url, "pruned.edits") == [
        {"count": 1, "first": edited.number, "last": edited.number, "files": 0}
    ]
    assert prune_old_data(then)["edits"] == 0


def test_the_edit_of_bytes_that_came_again_stays(gateway, database_url, edited):
    then = later(gateway, 1096)
    prune_old_data(then)
    sound, bad, _ = make_records()
    receive_feed(then, "test-fhir", io.BytesIO(b"\n".join([sound, bad])), filename="again")
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(update(tables.edits).values(diff=json.dumps([SECRET])))
    engine.dispose()
    with gateway.store.read() as work:
        assert work.kept_rows.count("edits", then.now()) == 0


def test_what_a_replay_took_out_of_a_receipt_goes_with_the_findings(gateway, database_url):
    feed = generate().replace(b'"RZ7"', b'"RQ9"')
    batch = ingest(gateway, "test-fhir", feed)
    assert batch.counts.rejected == 1
    add_organisations(gateway, [Organisation("RQ9", "Westmoor Hospitals")])
    list(replay_records(gateway, UnloadedFilter(), for_real=True))
    settle(gateway)
    (before,) = read_rows(database_url, tables.replays)
    assert json.loads(before.findings)
    prune_old_data(later(gateway, 3649))
    assert read_rows(database_url, tables.replays) == [before]
    prune_old_data(later(gateway, 3651))
    (after,) = read_rows(database_url, tables.replays)
    assert (after.findings, after.before, after.actor) == ("[]", before.before, before.actor)
    assert list_entries(database_url, "pruned.findings")[-1]["counts"]["replays"] == 1
    assert count_old_data(later(gateway, 3651))["findings"] == 0
