"""The DAG that replays records, run by hand with its parameters."""

import json

import pytest

from tests.functional.test_dags import Runs
from tests.functional.test_quarantine import generate
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.poison import poison_mapper

pytestmark = pytest.mark.airflow


def test_a_replay_is_first_said_then_done_and_told_in_counts(tmp_path, monkeypatch):
    home = tmp_path / "home"
    with open_line(home) as gateway:
        register_everyone(gateway, formats=("fhir",))
        with monkeypatch.context() as patch:
            poison_mapper(patch, lambda number: number in (3, 13, 14))
            batch = ingest(gateway, "test-fhir", generate())
    asked = {"batch_id": batch.id, "disposition": "quarantined", "most": 2}
    runs = Runs(
        home,
        "replay_records " + json.dumps(asked),
        "replay_records " + json.dumps(asked | {"for_real": True}),
        "replay_records " + json.dumps({"batch_id": batch.id, "number": 14, "for_real": True}),
        "replay_records " + json.dumps({"for_real": True}),
    )
    assert runs.states == ["success"] * 4
    told = [json.loads(value) for task, key, value in runs.read_xcoms() if key == "return_value"]
    assert told == [
        {"records": 2, "changed": 2, "created": 2},
        {"records": 2, "changed": 2, "created": 2},
        {"records": 1, "changed": 1, "created": 1},
        {"records": 0, "changed": 0},
    ]
    with open_line(home) as gateway, gateway.store.read() as work:
        assert work.batches.get(batch.id).counts.quarantined == 0
