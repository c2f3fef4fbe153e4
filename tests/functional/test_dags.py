"""Real DAG runs: the three DAGs over real batches, in an Airflow of their own."""

import io
import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.generator import write_feed
from gateway.pipeline.receive import receive_feed
from samples.airflow_home import make_environment
from tests.lib.line import open_line, register_everyone

pytestmark = pytest.mark.airflow

DAGS = ("load_feeds", "mark_externally_recorded", "notify_admin_users")
WATCH = "watch_feeds"
# With tests of their own.
OTHER_DAGS = (
    "backfill_received",
    "collect_feeds",
    "forward_events",
    "prune_old_data",
    "replay_records",
    "sync_reference_data",
    WATCH,
)
MARK = "Zebrafinch"
# Nobody listens there: connections are refused at once.
NO_DATABASE = "postgresql://127.0.0.1:1/none"


class Runs:
    """What a child process that ran DAGs left behind."""

    def __init__(self, home, *steps, **environment):
        self.home = home
        results = home / "results.json"
        small = {"LRMS_PART_BYTES": "200000", "LRMS_TASK_SECONDS": "0.03"}
        settings = {**make_environment(home), **small, **environment}
        Path(settings["AIRFLOW_HOME"]).mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests.lib.dag_child", str(results), *steps],
            env=settings,
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output[-3000:]
        found = json.loads(results.read_text())
        self.dags = found["dags"]
        self.states = [run["state"] for run in found["runs"]]
        self.tasks = [run["tasks"] for run in found["runs"]]

    def read_xcoms(self):
        with sqlite3.connect(self.home / "airflow" / "airflow.db") as database:
            return list(database.execute("SELECT task_id, key, value FROM xcom"))


def write_marked_feed(path, *, events, errors):
    """A generated feed in which every free text of ten words or more carries the mark."""
    with path.open("wb") as stream:
        write_feed(stream, events=events, format="fhir-5", seed=11, errors=errors, duplicates=0.0)
    text = path.read_text(encoding="utf-8")
    marked, count = re.subn(r'"((?:[^" \\]+ ){9})', rf'"{MARK} \1', text)
    assert count >= events
    path.write_text(marked, encoding="utf-8")


def _one(feed: Path) -> bytes:
    """The first record of a feed as an entry of a Bundle, and the start of another."""
    record = feed.read_bytes().splitlines()[0]
    return b'{"resource": ' + record + b'}, {"resource": {'


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A good and a bad feed, received; then each DAG run, and all of them once more; then the
    watch."""
    folder = tmp_path_factory.mktemp("line")
    home = folder / "home"
    with open_line(home) as gateway:
        register_everyone(gateway, formats=("fhir",))
        for name, errors in (("good", 0.0), ("bad", 1.0)):
            feed = folder / f"{name}.ndjson"
            write_marked_feed(feed, events=150, errors=errors)
            with feed.open("rb") as stream:
                receive_feed(gateway, "test-fhir", stream, filename=feed.name)
        bundle = io.BytesIO(b'{"resourceType": "Bundle", "type": "batch", "entry": [' + _one(feed))
        receive_feed(gateway, "test-fhir", bundle, filename="broken off")
    return Runs(home, *DAGS, *DAGS, WATCH, LRMS_DIGEST_HOUR="0")


@pytest.fixture(scope="module")
def batches(line):
    with open_line(line.home) as gateway, gateway.store.read() as work:
        return {batch.filename: batch for batch in work.batches.find_all(10)}


def test_every_run_is_green(line):
    assert line.states == ["success"] * 7


def test_a_large_batch_is_processed_in_several_tasks(line):
    processed = [one for one in line.tasks[0] if one[0] == "process"]
    assert len(processed) > 2


def test_a_second_run_has_nothing_to_do(line):
    states = {name: state for name, _, state, _ in line.tasks[3]}
    assert states == {
        "plan": "success",
        "look": "skipped",
        "share": "success",
        "process": "skipped",
        "finish": "skipped",
        "watch": "skipped",
    }


def test_batches_are_finished_and_marked(batches):
    assert batches["good.ndjson"].verdict == "accepted"
    assert batches["good.ndjson"].counts.created == 150
    finished = [batches[name] for name in ("good.ndjson", "bad.ndjson")]
    assert all(batch.state == "finished" and batch.marked_at for batch in finished)


def test_a_held_batch_is_a_green_run_that_says_so(line, batches):
    held = batches["broken off"]
    assert held.state == "held"
    assert f"batch {held.id} held: READ-010" in line.output
    found = line.read_xcoms()
    counts = [
        json.loads(value) for task, key, value in found if (task, key[:6]) == ("finish", "return")
    ]
    assert {"finished": 2, "held": 1} in counts


def test_bad_records_are_a_receipt_and_not_a_red_run(batches):
    assert batches["bad.ndjson"].verdict in ("rejected", "partly_accepted")
    assert batches["bad.ndjson"].counts.rejected > 0


def test_every_step_noted_that_it_ran(line):
    with open_line(line.home) as gateway, gateway.store.read() as work:
        steps = work.steps.find_all()
    assert {one.name for one in steps} == {
        *(f"load_feeds.{name}" for name in ("plan", "look", "share", "process", "finish")),
        "mark_externally_recorded.mark",
        *("notify_admin_users.prepare", "notify_admin_users.deliver"),
        *("watch_feeds.look", "watch_feeds.deliver"),
    }
    assert all(one.ran_at and not one.failures for one in steps)


def test_every_alert_is_announced_and_delivered(line):
    with sqlite3.connect(line.home / "gateway.sqlite") as database:
        waiting = "SELECT count(*) FROM alerts WHERE announced_at IS NULL"
        assert database.execute(waiting).fetchone() == (0,)
        (sent,) = database.execute("SELECT count(*) FROM messages WHERE state = 'sent'").fetchone()
        assert database.execute("SELECT count(*) FROM messages").fetchone() == (sent,)
    assert len(list((line.home / "mailbox").glob("*.eml"))) == sent > 0


def test_xcom_holds_ids_and_counts_only(line, batches):
    ids = {batch.id for batch in batches.values()}
    names = {"planned", "records", "finished", "held", "marked", "urgent", "digest", "no_admin"}
    names |= {"sent", "failed", "waiting", "parked", "opened", "closed", "open"}
    found = [(task, json.loads(value)) for task, key, value in line.read_xcoms() if "return" in key]
    assert {task for task, _ in found} >= {
        *("plan", "look", "share", "process", "finish", "mark", "prepare")
    }
    for task, value in found:
        if task == "plan":
            assert ids.issuperset(batch_id for share in value for batch_id in share)
        elif task == "share":
            for item in (item for share in value for item in share):
                assert item.keys() == {"batch_id", "parts"}
                assert item["batch_id"] in ids
                assert all(isinstance(number, int) for number in item["parts"])
        else:
            assert value.keys() <= names
            assert all(isinstance(count, int) for count in value.values())


def test_no_content_of_an_event_is_logged_or_mailed(line):
    with sqlite3.connect(line.home / "gateway.sqlite") as database:
        stored = database.execute("SELECT payload FROM revisions").fetchall()
    assert sum(MARK in payload for (payload,) in stored) > 100, "the mark never got in"
    assert MARK not in line.output
    kept = [line.home / "airflow", line.home / "mailbox"]
    for path in (path for folder in kept for path in folder.rglob("*") if path.is_file()):
        assert MARK.encode() not in path.read_bytes(), path


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    home = tmp_path_factory.mktemp("broken") / "home"
    steps = (f"LRMS_DATABASE_URL={NO_DATABASE}", "load_feeds", "mark_externally_recorded")
    return Runs(home, *steps, "LRMS_DATABASE_URL=oracle://nowhere", "notify_admin_users")


def test_a_broken_database_is_a_red_run(broken):
    assert broken.states == ["failed"] * 3


def test_what_may_pass_is_tried_again_and_nothing_else(broken):
    tries = [{name: count for name, _, _, count in tasks} for tasks in broken.tasks]
    assert tries[0]["plan"] == tries[0]["finish"] == tries[1]["mark"] == 4
    # A database address that cannot be is wrong for ever.
    assert tries[2]["prepare"] == tries[2]["deliver"] == 1
    states = {name: state for name, _, state, _ in broken.tasks[0]}
    assert states["process"] == "upstream_failed"
    assert states["watch"] == "failed"


def test_a_dag_is_its_file_and_its_function(broken):
    assert sorted(broken.dags) == sorted((*DAGS, *OTHER_DAGS))
    for name, dag in broken.dags.items():
        assert dag["file"] == f"{name}.py"
        source = (Path("dags") / dag["file"]).read_text(encoding="utf-8")
        assert f"\ndef {name}() -> None:" in source
        assert len(source.splitlines()) <= 60


def test_the_dags_are_chained_by_assets_and_run_by_the_clock_too(broken):
    load, mark, notify, watch = (broken.dags[name] for name in (*DAGS, WATCH))
    assert broken.dags["collect_feeds"]["schedule"] == {"cron": "* * * * *"}
    collected = broken.dags["collect_feeds"]["outlets"]
    assert collected == load["schedule"]["assets"] == ["lrms://feeds/received"]
    assert load["schedule"]["cron"]
    assert load["outlets"] == mark["schedule"]["assets"] == ["lrms://events/loaded"]
    assert mark["outlets"] == notify["schedule"]["assets"] == ["lrms://events/marked"]
    assert mark["schedule"]["cron"]
    assert notify["schedule"]["cron"]
    assert watch["schedule"]["cron"] == "*/10 * * * *"


def test_no_task_is_left_to_airflows_defaults(broken):
    for dag in broken.dags.values():
        assert dag["max_active_runs"] == 1
        assert dag["catchup"] is False
        for name, task in dag["tasks"].items():
            assert 0 < task["timeout"] <= 3600
            assert task["policy"] == "RetryWhatMayPass"
            assert task["retries"] == (0 if name == "watch" else 3)
