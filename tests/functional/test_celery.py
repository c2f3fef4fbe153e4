"""Airflow as it runs on several machines: two Celery workers, a real Redis, and nothing shared but
PostgreSQL and an object store, take the parts of one batch. It is loaded as by one process."""

import pytest

from gateway.generator import write_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.receive import receive_feed
from tests.lib.celery_cluster import run_cluster
from tests.lib.line import open_line, register_everyone
from tests.lib.object_store import run_object_store
from tests.lib.outcome import assert_undisturbed, read_outcome
from tests.lib.waiting import wait_for

pytestmark = [pytest.mark.airflow, pytest.mark.postgresql]

EVENTS = 2_000
WORKERS = ("first", "second")
# Many small shares, so that both workers get some.
SETTINGS = {"part_bytes": 500_000, "task_seconds": 0.01}
LOADED = (
    "SELECT hostname, state FROM task_instance WHERE dag_id = 'load_feeds' AND task_id = 'process'"
)
DONE = (
    "SELECT 1 FROM dag_run WHERE dag_id = 'mark_externally_recorded' AND state = 'success'"
    " AND run_type = 'asset_triggered'"
)


@pytest.fixture
def store(monkeypatch):
    with run_object_store() as one:
        for name, value in one.environment.items():
            monkeypatch.setenv(name, value)
        yield one


def test_two_workers_take_the_parts_of_one_batch(
    postgresql_server, fresh_postgresql, store, tmp_path
):
    feed = tmp_path / "feed.ndjson"
    with feed.open("wb") as stream:
        write_feed(stream, events=EVENTS, format="fhir-5", seed=13, errors=0.05, duplicates=0.1)
    calm, shared = fresh_postgresql(), fresh_postgresql()
    with open_line(tmp_path / "calm", calm, **SETTINGS) as gateway, feed.open("rb") as stream:
        register_everyone(gateway, formats=("fhir",))
        ingest_feed(gateway, "test-fhir", stream, filename=feed.name)
        expected = read_outcome(gateway, calm)
    opened = open_line(tmp_path / "home", shared, raw_url=store.url, **SETTINGS)
    with opened as gateway, feed.open("rb") as stream:
        register_everyone(gateway, formats=("fhir",))
        receive_feed(gateway, "test-fhir", stream, filename=feed.name)

    told = {
        "LRMS_DATABASE_URL": shared,
        "LRMS_RAW_URL": store.url,
        **{f"LRMS_{name.upper()}": str(value) for name, value in SETTINGS.items()},
        **store.environment,
    }
    with run_cluster(tmp_path / "cluster", postgresql_server, WORKERS, told) as cluster:
        wait_for(
            "the run that marks", lambda: cluster.ask(DONE), seconds=900, explain=cluster.read_logs
        )
        loaded, logs = cluster.ask(LOADED), cluster.read_logs()
    # A run by the clock that found nothing to do is skipped.
    assert {state for _, state in loaded} <= {"success", "skipped"}, logs
    assert {host for host, state in loaded if state == "success"} == set(WORKERS)
    # Nothing of the feed lies on a machine.
    assert not list((tmp_path / "cluster").glob("*/raw"))

    with open_line(tmp_path / "home", shared, raw_url=store.url) as gateway:
        found = read_outcome(gateway, shared)
    for outcome in (found, expected):
        for name in ("messages", "message_alerts", "audit"):
            del outcome[name]
    assert_undisturbed(found, expected, shared)
