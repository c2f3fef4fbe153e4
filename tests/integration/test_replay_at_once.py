"""A replay and a vendor's correction of one record, and two replays, that meet: each waits for the
other, and the record is settled once."""

import io
import json

import pytest

from gateway.pipeline.correct import correct_record
from gateway.pipeline.replay import replay_records
from schemas.errors import WrongUseError
from schemas.quarantine import UnloadedFilter
from store.tables import corrections, replays
from tests.functional.test_quarantine import generate
from tests.integration.test_store_concurrency import at_once
from tests.lib.databases import read_rows
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.oracle import read_told
from tests.lib.poison import poison_mapper

ROUNDS = 6


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path, database_url) as opened:
        register_everyone(opened)
        yield opened


def ingest_one(gateway, monkeypatch, seed):
    feed = generate(seed=seed, count=1)
    with monkeypatch.context() as patch:
        poison_mapper(patch, lambda _: True)
        return ingest(gateway, "test-fhir", feed), feed


def replay(gateway):
    return list(replay_records(gateway, UnloadedFilter(), for_real=True))


def test_a_replay_and_a_correction_of_one_record(gateway, monkeypatch):
    for seed in range(1, ROUNDS + 1):
        batch, feed = ingest_one(gateway, monkeypatch, seed)
        event = json.loads(feed)
        corrected = json.dumps(event, indent=1).encode()
        name = event["identifier"]["value"]

        def correct(batch=batch, corrected=corrected):
            try:
                correct_record(gateway, "test-fhir", batch.id, 1, io.BytesIO(corrected))
            except WrongUseError:
                return "refused"
            return "corrected"

        def replay_all():
            return replay(gateway)

        done = at_once(lambda number: correct() if number else replay_all(), 2)
        assert "refused" in done or "corrected" in done
        replay(gateway)
        told = read_told(gateway.settings.database)
        assert len(told.revisions[name]) == 1, "one content is one revision"
    settled = len(read_rows(gateway.settings.database, replays))
    settled += len(read_rows(gateway.settings.database, corrections))
    assert settled >= ROUNDS


def test_two_replays_of_one_record(gateway, monkeypatch):
    for seed in range(1, ROUNDS + 1):
        ingest_one(gateway, monkeypatch, seed)
        done = at_once(lambda _: replay(gateway), 2)
        changed = [one for told in done for one in told if one.is_changed]
        assert len(changed) == 1
    assert len(read_rows(gateway.settings.database, replays)) == ROUNDS
