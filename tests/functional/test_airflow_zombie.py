"""A task that Airflow gives up while it still runs: the real scheduler has it tried again beside
the first try, which then wakes and goes on. What is loaded is loaded once."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from gateway.generator import write_feed
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.receive import receive_feed
from tests.lib.line import open_line, register_everyone
from tests.lib.outcome import assert_undisturbed, read_outcome
from tests.lib.running_airflow import RunningAirflow, run_airflow
from tests.lib.waiting import wait_for

EVENTS = 6_000
# How long a task may be silent before the scheduler has it tried again.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
}
SETTINGS = {"commit_records": 50}
# A try that waits has the process of the one before.
TRY = (
    "SELECT pid, try_number FROM task_instance"
    " WHERE task_id = 'process' AND pid > 0 AND state IN ('running', 'success')"
)
MARKED = (
    "SELECT 1 FROM dag_run WHERE dag_id = 'mark_externally_recorded' AND state = 'success'"
    " AND run_type = 'asset_triggered'"
)

pytestmark = [pytest.mark.airflow, pytest.mark.postgresql]


def count_done(url: str, batch_id: str) -> int:
    with psycopg.connect(url) as connection:
        query = (
            "SELECT sum(p.records_done) FROM parts p JOIN batches b ON b.number = p.batch_number"
            " WHERE b.id = %s"
        )
        (found,) = connection.execute(query, (batch_id,)).fetchone() or (0,)
    return found or 0


def slow_down(url: str) -> None:
    """The first try needs a second for each chunk behind the first, the next one as long as it
    needs: time enough to pause the first before it is done, on any machine."""
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION take_time() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN PERFORM pg_sleep(1); RETURN NEW; END$$"
        )
        connection.execute(
            "CREATE TRIGGER slow BEFORE UPDATE ON parts FOR EACH ROW"
            " WHEN (NEW.token = 1 AND OLD.records_done > 0) EXECUTE FUNCTION take_time()"
        )


def pause(pid: int, url: str) -> tuple[int, ...]:
    """A try and its supervisor, as when their machine stalls, with no lock in their hands; one
    that has some is another test's (test_line_at_once)."""
    supervisor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(supervisor, signal.SIGSTOP)
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    )
    with psycopg.connect(url, autocommit=True) as connection:

        def is_between_transactions() -> bool:
            os.kill(pid, signal.SIGSTOP)
            if connection.execute(busy).fetchone() == (0,):
                return True
            os.kill(pid, signal.SIGCONT)
            return False

        wait_for("it to be between two transactions", is_between_transactions, every=0.003)
    return pid, supervisor


def find_try(airflow: RunningAirflow, number: int) -> int:
    """The process of a try, once it is at work."""
    found = airflow.wait_for(
        f"try {number}", lambda: [row for row in airflow.ask(TRY) if row[1] == number]
    )
    return int(found[0][0])


def is_gone(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_a_task_that_is_tried_again_while_it_runs(fresh_postgresql, tmp_path):
    feed = tmp_path / "feed.ndjson"
    with feed.open("wb") as stream:
        write_feed(stream, events=EVENTS, format="fhir-5", seed=9, errors=0.05, duplicates=0.1)
    calm, rough = fresh_postgresql(), fresh_postgresql()
    homes = {calm: tmp_path / "calm", rough: tmp_path / "rough"}
    for url, home in homes.items():
        with open_line(home, url, **SETTINGS) as gateway:
            register_everyone(gateway, formats=("fhir",))
            with feed.open("rb") as stream:
                if url == calm:
                    ingest_feed(gateway, "test-fhir", stream, filename=feed.name)
                    expected = read_outcome(gateway, url)
                else:
                    batch, _ = receive_feed(gateway, "test-fhir", stream, filename=feed.name)
    slow_down(rough)

    with run_airflow(
        homes[rough], LRMS_DATABASE_URL=rough, LRMS_COMMIT_RECORDS="50", **IMPATIENT
    ) as airflow:
        airflow.call("dags", "trigger", "load_feeds")
        first = find_try(airflow, 1)
        airflow.wait_for("the first records", lambda: count_done(rough, batch.id))
        paused = pause(first, rough)
        done = count_done(rough, batch.id)
        assert 0 < done < EVENTS, "it was done before it could be paused"
        second = find_try(airflow, 2)
        assert second != first
        airflow.wait_for("the second try", lambda: count_done(rough, batch.id) >= EVENTS)
        for pid in paused:
            os.kill(pid, signal.SIGCONT)
        airflow.wait_for("the first try to end", lambda: is_gone(first))
        airflow.wait_for("the run that marks", lambda: airflow.ask(MARKED))
        folder = homes[rough] / "airflow" / "logs"
        logs = "".join(path.read_text() for path in folder.rglob("*.log"))
    assert "LostPartError" in logs

    with open_line(homes[rough], rough) as gateway:
        found = read_outcome(gateway, rough)
    for outcome in (found, expected):
        # Meanwhile mail goes out as well, which is another test's.
        for name in ("messages", "message_alerts", "audit"):
            del outcome[name]
    assert_undisturbed(found, expected, rough)
