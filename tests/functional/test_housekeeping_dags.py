"""The DAGs that sync, prune and make up for what was left behind: real runs of each."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.receive import receive_feed
from tests.functional.test_backfill import make_feed
from tests.functional.test_dags import Runs
from tests.integration.test_pruning_watch import put_days
from tests.lib.line import ingest, open_line, register_everyone
from tests.lib.ods_server import KEY, make_organisation, serve_ods

pytestmark = pytest.mark.airflow

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Feeds of two days that wait, and one that is told of; then each DAG."""
    home = tmp_path_factory.mktemp("housekeeping") / "home"
    with open_line(home) as old:
        register_everyone(old, formats=("fhir",))
        ingest(old, "test-fhir", make_feed(1))
        prepare_messages(old)
        deliver_messages(old)
        put_days(old, (5000,))
    for seed, at in ((2, NOON), (3, NOON + timedelta(days=1))):
        with open_line(home, now=at) as gateway:
            receive_feed(gateway, "test-fhir", io.BytesIO(make_feed(seed)), filename=str(at.date()))
    with serve_ods() as ods:
        ods.put(make_organisation("RX1", "NEW NHS TRUST"))
        return Runs(
            home,
            # Without a key; where nobody knows of any; as it is meant.
            "sync_reference_data",
            f"ODS_API_KEY={KEY}",
            f"LRMS_ODS_URL={ods.url}/none",
            "sync_reference_data",
            f"LRMS_ODS_URL={ods.url}",
            "sync_reference_data",
            "prune_old_data",
            # A run at the end of a day is about that day.
            "backfill_received@2026-11-04T00:00:00+00:00",
            LRMS_KEEP_RAW_DAYS="1",
            LRMS_KEEP_MESSAGE_DAYS="1",
        )


def find_returned(line, task):
    return [
        json.loads(value)
        for name, key, value in line.read_xcoms()
        if (name, key) == (task, "return_value")
    ]


def test_organisations_are_synced_where_there_is_a_key_and_a_failure_is_red(line):
    assert line.states[:3] == ["success", "failed", "success"]
    assert [tasks[0][2] for tasks in line.tasks[:3]] == ["skipped", "failed", "success"]
    # Of runs without a logical date Airflow's test keeps the last.
    assert find_returned(line, "sync") == [{"received": 1, "kept": 1, "added": 1}]
    with open_line(line.home) as gateway, gateway.store.read() as work:
        assert work.organisations.find("RX1") is not None
        last = work.reference_runs.find_last("organisations")
        assert (last.number, last.state) == (2, "done")


def test_what_is_old_is_pruned(line):
    assert line.states[3] == "success"
    (done,) = find_returned(line, "prune")
    assert (done["bytes"], done["files"]) == (1, 1)
    assert done["messages"] > 0
    assert (done["feed_days"], done["items"], done["alarms"], done["edits"]) == (1, 0, 0, 0)


def test_a_day_is_made_up_for_and_no_other(line):
    assert find_returned(line, "backfill") == [{"batches": 1, "held": 0}]
    with open_line(line.home) as gateway, gateway.store.read() as work:
        states = {one.filename: one.state for one in work.batches.find_all()}
    assert (states["2026-11-03"], states["2026-11-04"]) == ("finished", "received")


def test_the_days_they_run_on(line):
    schedules = {name: dag["schedule"]["cron"] for name, dag in line.dags.items()}
    assert schedules["sync_reference_data"] == "40 4 * * *"
    assert schedules["prune_old_data"] == "0 2 * * 0"
    assert schedules["backfill_received"] == "0 0 * * *"
