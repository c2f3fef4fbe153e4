"""Several processes at the batches that wait load what one would, whoever is killed."""

import dataclasses
import io
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from gateway.generator import write_feed
from gateway.pipeline import workers
from gateway.pipeline.ingest import ingest_feed, process_batch
from gateway.pipeline.receive import receive_feed
from schemas.errors import FaultError, UnavailableError, WrongUseError
from tests.lib import dying_worker
from tests.lib.line import open_line, register_everyone
from tests.lib.snapshot import find_differences, read_snapshot
from tests.lib.waiting import wait_for

SETTINGS = {"part_bytes": 100_000, "commit_records": 20}
FEEDS = (("fhir-5", "test-fhir"), ("csv", "test-csv"), ("xml", "test-xml"))
EVENTS = 150
# For what takes seconds: nothing is measured by it.
PATIENCE = 300


@pytest.fixture
def make_place(tmp_path, fresh_postgresql):
    """Makes homes, each with a PostgreSQL database in which the same feeds were received."""
    with ExitStack() as stack:

        def make(name: str, feeds=FEEDS):
            url = fresh_postgresql()
            gateway = stack.enter_context(open_line(tmp_path / name, url, **SETTINGS))
            register_everyone(gateway)
            ids = []
            for feed_format, source in feeds:
                stream = io.BytesIO()
                write_feed(stream, events=EVENTS, format=feed_format, seed=3, errors=0.1)
                stream.seek(0)
                ids.append(receive_feed(gateway, source, stream, filename=feed_format)[0].id)
            return gateway, url, ids

        yield make


def check_as_one(make_place, url: str, feeds=FEEDS) -> None:
    alone, alone_url, ids = make_place("alone", feeds)
    for batch_id in ids:
        process_batch(alone, batch_id)
    differences = find_differences(read_snapshot(alone_url), read_snapshot(url))
    assert differences == []


def test_two_workers_load_what_one_process_does(make_place):
    gateway, url, ids = make_place("together")
    counted = []
    assert workers.process_together(gateway, ids, 2, progress=counted.append) == {}
    assert sum(counted) == len(FEEDS) * EVENTS
    assert multiprocessing.active_children() == []
    check_as_one(make_place, url)
    # Done is done.
    assert workers.process_together(gateway, ids, 2) == {}


def test_a_killed_worker_s_part_is_taken_over(make_place, monkeypatch):
    gateway, url, ids = make_place("together", FEEDS[:1])
    monkeypatch.setattr(workers, "_work", dying_worker.die_once_within_parts_0_and_2)
    counted = []
    assert workers.process_together(gateway, ids, 2, progress=counted.append) == {}
    killed = sorted(path.name for path in gateway.settings.home.glob("died-within-*"))
    assert killed == ["died-within-0", "died-within-2"]
    # What the killed had committed is not done again.
    assert sum(counted) == EVENTS
    check_as_one(make_place, url, FEEDS[:1])


def test_a_part_that_workers_die_of_is_told_and_holds_up_no_other_batch(make_place, monkeypatch):
    gateway, _, ids = make_place("together", FEEDS[:2])
    monkeypatch.setattr(workers, "_work", dying_worker.die_over_part_1)
    failed = workers.process_together(gateway, ids, 2)
    with gateway.store.read() as work:
        finished = {one for one in ids if work.batches.get(one).state == "finished"}
    assert failed.keys() == set(ids) - finished
    assert isinstance(failed[ids[0]], FaultError)
    told = f"2 workers died over part 1 of batch {ids[0]}, the last one with exit code -9"
    assert str(failed[ids[0]]) == told
    monkeypatch.undo()
    assert workers.process_together(gateway, ids, 2) == {}


def test_a_batch_that_cannot_be_planned_holds_up_no_other(make_place):
    gateway, _, ids = make_place("together", FEEDS[1:2])
    failed = workers.process_together(gateway, ["b-none", *ids], 2)
    assert list(failed) == ["b-none"]
    assert isinstance(failed["b-none"], WrongUseError)
    with gateway.store.read() as work:
        assert work.batches.get(ids[0]).state == "finished"


def test_a_database_that_went_away_ends_it(make_place):
    gateway, _, ids = make_place("together", FEEDS[:1])
    settings = gateway.settings.model_copy(update={"database_url": "postgresql://127.0.0.1:1/x"})
    with pytest.raises(UnavailableError):
        workers.process_together(dataclasses.replace(gateway, settings=settings), ids, 2)
    assert multiprocessing.active_children() == []


def start_command(gateway, url: str, *words: str) -> "subprocess.Popen[str]":
    environment = {
        **os.environ,
        "LRMS_HOME": str(gateway.settings.home),
        "LRMS_DATABASE_URL": url,
        "LRMS_PART_BYTES": "100000",
        "LRMS_COMMIT_RECORDS": "20",
    }
    program = str(Path(sys.executable).with_name("lrms-gateway"))
    return subprocess.Popen(
        # Where the tests run in the background of a script, all they start is born deaf to Ctrl-C.
        ["env", "--default-signal=INT", program, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_commits(gateway) -> None:
    """Until some of it is loaded."""

    def look() -> bool:
        with gateway.store.read() as work:
            return any(
                part.records_done
                for batch in work.batches.find_all()
                for part in work.parts.find(batch.number)
            )

    wait_for("the first commits", look)


@contextmanager
def unfinished(url: str, batch_id: str) -> Iterator[None]:
    """Nobody gets this batch planned meanwhile: not all is done before it can be stopped. Who tries
    waits for no lock, or would give up after a while (LOCK_TIMEOUT)."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION wait_for_leave() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
            " WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.02); END LOOP;"
            " RETURN NEW; END$$"
        )
        connection.execute(
            "CREATE TRIGGER unfinished BEFORE UPDATE ON batches FOR EACH ROW"
            f" WHEN (NEW.id = '{batch_id}') EXECUTE FUNCTION wait_for_leave()"
        )
        connection.execute("SELECT pg_advisory_lock(1)")
        yield


def find_sessions(group: int) -> list[str]:
    """The processes of a session that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == group and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.parametrize("how", ["ctrl-c", "killed"])
def test_stopped_by_hand_or_killed_it_leaves_nobody_behind_and_goes_on_later(make_place, how):
    gateway, url, ids = make_place("together")
    with unfinished(url, ids[-1]):
        command = start_command(gateway, url, "process", "--workers", "2")
        wait_for_commits(gateway)
        if how == "ctrl-c":
            os.killpg(command.pid, signal.SIGINT)
        else:
            command.kill()
    _, told = command.communicate(timeout=PATIENCE)
    if how == "ctrl-c":
        assert command.returncode == 130, told
        assert "stopped: what was committed stays" in told
        assert "Traceback" not in told
    wait_for("all of them to end", lambda: not find_sessions(command.pid))
    with gateway.store.read() as work:
        waiting = [batch.id for batch in work.batches.find_waiting()]
    assert waiting
    again = start_command(gateway, url, "process", "--workers", "2")
    receipts, told = again.communicate(timeout=PATIENCE)
    assert again.returncode == 3, told
    assert receipts.count("Receipt b-") == len(waiting)
    check_as_one(make_place, url)


def test_ingest_with_workers_prints_the_receipt(make_place, tmp_path):
    gateway, url, _ = make_place("together", ())
    feed = tmp_path / "feed"
    with feed.open("wb") as stream:
        write_feed(stream, events=EVENTS, format="fhir-5", seed=3, errors=0.1)
    words = ("ingest", str(feed), "--source", "test-fhir", "--workers", "2")
    command = start_command(gateway, url, *words)
    told, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 3, errors
    assert "Verdict partly accepted" in told
    with gateway.store.read() as work:
        (batch,) = work.batches.find_all()
        assert len(work.parts.find(batch.number)) > 3
    assert batch.counts.records == EVENTS


def test_on_sqlite_it_says_that_one_process_works(tmp_path):
    with open_line(tmp_path / "home", **SETTINGS) as gateway:
        register_everyone(gateway)
        assert workers.count_workers(gateway, 4) == 1
        feed = tmp_path / "feed"
        with feed.open("wb") as stream:
            write_feed(stream, events=20, format="fhir-5", seed=3)
        words = ("ingest", str(feed), "--source", "test-fhir", "--workers", "4")
        command = start_command(gateway, "", *words)
        _, told = command.communicate(timeout=PATIENCE)
        assert "SQLite has one writer: --workers 4 works as 1" in told
        assert command.returncode == 0


def test_what_failed_over_a_batch_is_raised_by_ingest(make_place, monkeypatch):
    gateway, _, _ = make_place("together", ())
    monkeypatch.setattr(workers, "_work", dying_worker.die_over_part_1)
    stream = io.BytesIO()
    write_feed(stream, events=EVENTS, format="fhir-5", seed=3)
    stream.seek(0)
    with pytest.raises(FaultError, match="workers died"):
        ingest_feed(gateway, "test-fhir", stream, filename="feed", workers=2)
    with pytest.raises(WrongUseError):
        ingest_feed(gateway, "nobody", stream, filename="feed", workers=2)
