"""Real runs of the DAG that collects: each collector a task, red for itself alone; what came in is
loaded by the next DAG."""

import json

import pytest

from tests.functional.test_dags import MARK, Runs, write_marked_feed
from tests.lib.collecting import add, read_collector, read_items
from tests.lib.line import open_line, register_everyone

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A folder with a feed in it, one that is not there, and one that does not run yet."""
    folder = tmp_path_factory.mktemp("collect")
    home, drop = folder / "home", folder / "drop"
    drop.mkdir()
    with open_line(home) as gateway:
        register_everyone(gateway, formats=("fhir",))
        for name, path in (("broken", folder / "nowhere"), ("good", drop)):
            told = {"folder": str(path), "still_seconds": 0}
            add(gateway, "folder", name=name, source="test-fhir", settings=json.dumps(told))
    write_marked_feed(drop / f"{MARK}.ndjson", events=20, errors=0.0)
    return Runs(home, "collect_feeds", "load_feeds", "collect_feeds", LRMS_DIGEST_HOUR="0")


def test_a_collector_that_fails_is_red_for_itself_alone(line):
    assert line.states == ["failed", "success", "success"]
    states = {(name, index): state for name, index, state, _ in line.tasks[0]}
    assert sorted(state for (name, _), state in states.items() if name == "collect") == [
        "failed",
        "success",
    ]
    assert states["announce", -1] == states["answer", -1] == "success"
    tries = [count for name, _, state, count in line.tasks[0] if state == "failed"]
    assert tries[0] == 1, "when it is due again stands in the store"


def test_what_was_received_is_loaded(line):
    with open_line(line.home) as gateway:
        (item,) = read_items(gateway, "good").values()
        with gateway.store.read() as work:
            batch = work.batches.get(item.batch_id)
        assert read_collector(gateway, "broken").reason == "missing"
    assert (batch.state, batch.route, batch.counts.created) == ("finished", "folder", 20)


def test_in_the_next_run_nothing_is_due(line):
    states = {name: state for name, _, state, _ in line.tasks[2]}
    assert states == {
        "find_due": "success",
        "collect": "skipped",
        "announce": "skipped",
        "answer": "success",
        "watch": "skipped",
    }


def test_xcom_and_log_hold_ids_and_counts_only(line):
    found = {task: json.loads(value) for task, key, value in line.read_xcoms() if "return" in key}
    assert found.keys() >= {"find_due", "answer"}
    assert MARK not in json.dumps(found)
    assert all(isinstance(count, int) for count in found["answer"].values())
    assert MARK not in line.output, "not even a file's name"
