"""What the line stands on breaks: disks, raw files, databases, our own code. One line, the right
exit code, nothing half done, and the next run completes it."""

import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.generator import write_feed
from gateway.pipeline.finish import finish_batches
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.plan import plan_batch, plan_waiting
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from schemas.errors import UnavailableError
from store.parts import Parts
from store.raw_files import DamagedError
from tests.lib.databases import make_database
from tests.lib.databases import run as run_sql
from tests.lib.line import open_line, register_everyone
from tests.lib.line_child import start_child, tell_to_begin
from tests.lib.snapshot import find_differences, read_snapshot

COMMAND = str(Path(sys.executable).with_name("lrms-gateway"))
# In the narratives and nowhere else.
CONTENT = "Zebrafinch"


def write_marked(path: Path, *, events: int, seed: int) -> Path:
    with path.open("wb") as stream:
        write_feed(stream, events=events, format="fhir-5", seed=seed)
    start = '"description":"'
    path.write_text(path.read_text().replace(start, f"{start}{CONTENT} "))
    assert CONTENT in path.read_text()
    return path


def call(home: Path, *words: str, file_limit: int | None = None, **environment: str):
    def limit() -> None:
        if file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.run(
        [COMMAND, *words],
        capture_output=True,
        text=True,
        env=os.environ | {"LRMS_HOME": str(home)} | environment,
        preexec_fn=limit,
        check=False,
    )


def assert_told_in_one_line(done, code: int, words: str) -> None:
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr
    assert CONTENT not in done.stderr + done.stdout


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    home = tmp_path_factory.mktemp("prepared") / "home"
    with open_line(home) as gateway:
        register_everyone(gateway, formats=("fhir",))
    return home


@pytest.fixture
def home(prepared, tmp_path):
    return Path(shutil.copytree(prepared, tmp_path / "home"))


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'gateway.sqlite'}"


def list_raw(home: Path) -> list[Path]:
    return [path for path in (home / "raw").rglob("*") if path.is_file()]


def test_a_receiver_killed_half_way_leaves_nothing_but_rubbish(home, tmp_path):
    feed = write_marked(tmp_path / "feed", events=10, seed=1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    child = start_child(home, url_of(home), "receive", "test-fhir", str(pipe))
    tell_to_begin(child)
    with pipe.open("wb", buffering=0) as sender:
        # More than one block and a full pipe: some of it is in the file by now.
        sender.write(b"x" * (3 << 20))
        child.kill()
        child.communicate()
    (left,) = list_raw(home)
    assert left.parent.name == "incoming"
    assert call(home, "batch", "list", "--json").stdout.strip() == "[]"
    long_ago = time.time() - 25 * 3600
    os.utime(left, (long_ago, long_ago))
    assert call(home, "ingest", str(feed), "--source", "test-fhir").returncode == 0
    (kept,) = list_raw(home)
    assert kept.read_bytes() == feed.read_bytes()


def test_a_disk_too_full_for_the_raw_file(home, tmp_path):
    feed = write_marked(tmp_path / "feed", events=150, seed=1)
    words = ("ingest", str(feed), "--source", "test-fhir")
    full = call(home, *words, file_limit=feed.stat().st_size - 1)
    assert_told_in_one_line(full, 1, "the raw file could not be stored")
    assert list_raw(home) == []
    assert call(home, "batch", "list", "--json").stdout.strip() == "[]"
    assert call(home, *words).returncode == 0


def test_a_disk_too_full_for_the_database(home, tmp_path):
    feed = write_marked(tmp_path / "feed", events=400, seed=1)
    calm = Path(shutil.copytree(home, tmp_path / "calm"))
    assert call(calm, "ingest", str(feed), "--source", "test-fhir").returncode == 0
    assert call(home, "receive", str(feed), "--source", "test-fhir").returncode == 0
    full = call(home, "process", file_limit=600_000, LRMS_COMMIT_RECORDS="50")
    assert_told_in_one_line(full, 1, "SQLite: SQLITE_")
    assert call(home, "process").returncode == 0
    found, expected = read_snapshot(url_of(home)), read_snapshot(url_of(calm))
    # Smaller chunks have more entries of their own.
    del found["audit"], expected["audit"]
    assert find_differences(found, expected) == []


def test_a_damaged_raw_file_is_not_loaded_and_holds_up_nobody(home, tmp_path):
    damaged, sound = (
        write_marked(tmp_path / f"feed-{seed}", events=10, seed=seed) for seed in (1, 2)
    )
    assert call(home, "receive", str(damaged), "--source", "test-fhir").returncode == 0
    (raw,) = list_raw(home)
    assert call(home, "receive", str(sound), "--source", "test-fhir").returncode == 0
    raw.chmod(0o644)
    raw.write_bytes(raw.read_bytes().replace(b"SYN-1-0000003", b"SYN-1-0000099"))
    done = call(home, "process")
    assert_told_in_one_line(done, 1, "is damaged: receive the same file again")
    assert "10 created" in done.stdout
    again = call(home, "receive", str(damaged), "--source", "test-fhir")
    assert "was here already" in again.stdout
    assert call(home, "process").returncode == 0
    states = [line.split()[3] for line in call(home, "batch", "list").stdout.splitlines()[1:]]
    assert states == ["finished", "finished"]


def test_a_batch_that_cannot_be_planned_has_a_red_task_of_its_own(home, tmp_path):
    gone, sound = (write_marked(tmp_path / f"feed-{seed}", events=3, seed=seed) for seed in (1, 2))
    with open_line(home) as gateway:
        for feed in (gone, sound):
            with feed.open("rb") as stream:
                receive_feed(gateway, "test-fhir", stream, filename="feed")
            if feed is gone:
                list_raw(home)[0].unlink()
        first, second = plan_waiting(gateway)
        assert (first["parts"], second["parts"]) == ([], [0])
        with pytest.raises(DamagedError, match="is gone"):
            process_parts(gateway, first["batch_id"], first["parts"])
        assert process_parts(gateway, second["batch_id"], second["parts"]) == {"records": 3}
        with gone.open("rb") as stream:
            receive_feed(gateway, "test-fhir", stream, filename="feed")
        # The task's next try.
        assert process_parts(gateway, first["batch_id"], first["parts"]) == {"records": 3}
        assert finish_batches(gateway) == {"finished": 2, "held": 0}


def test_a_part_damaged_after_it_was_planned_is_not_loaded(home, tmp_path):
    feed = write_marked(tmp_path / "feed", events=40, seed=1)
    with open_line(home, part_bytes=20_000) as gateway:
        with feed.open("rb") as stream:
            batch, _ = receive_feed(gateway, "test-fhir", stream, filename="feed")
        numbers = plan_batch(gateway, batch)
        assert len(numbers) > 2
        (raw,) = list_raw(home)
        raw.chmod(0o644)
        raw.write_bytes(raw.read_bytes()[:-30] + b" " * 29 + b"\n")
        process_parts(gateway, batch.id, numbers[:-1])
        with pytest.raises(DamagedError):
            process_parts(gateway, batch.id, numbers[-1:])


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("postgresql://nobody:SeCrEt@127.0.0.1:1/none", 1, "PostgreSQL: OperationalError"),
        ("postgresql://nobody:SeCrEt@no-such-host.invalid/none", 1, "PostgreSQL: OperationalErr"),
        ("oracle://nobody:SeCrEt@nowhere", 2, "accepted: sqlite, postgresql"),
        ("SeCrEt", 2, "address cannot be read"),
        ("postgresql://nobody:SeCrEt@127.0.0.1:port/none", 2, "address cannot be read"),
        # A password with characters that an address has for itself.
        ("postgresql://nobody:a@SeCrEt/x@127.0.0.1:1/none", 2, "@ is written %40"),
        ("postgresql://nobody:a@SeCrEt@127.0.0.1:1/none", 2, "@ is written %40"),
        ("sqlite:///{folder}", 1, "SQLite: SQLITE_CANTOPEN"),
        ("sqlite:///{garbage}", 1, "SQLite refused: SQLITE_NOTADB"),
    ],
)
def test_a_database_that_is_not_there(tmp_path, url, code, words):
    (tmp_path / "garbage").write_bytes(b"no database, " * 100)
    url = url.format(folder=tmp_path, garbage=tmp_path / "garbage")
    done = call(tmp_path / "home", "process", LRMS_DATABASE_URL=url)
    assert_told_in_one_line(done, code, words)
    assert "SeCrEt" not in done.stderr


@pytest.mark.parametrize(
    ("environment", "code", "words"),
    [
        ({"LRMS_PART_BYTES": "lots"}, 2, "LRMS_PART_BYTES: Input should be a valid integer"),
        (
            {"LRMS_PART_BYTES": "0"},
            2,
            "LRMS_PART_BYTES: Input should be greater than or equal to 1",
        ),
        ({"LRMS_COMMIT_RECORDS": "-5"}, 2, "LRMS_COMMIT_RECORDS: Input should be greater than"),
        ({"LRMS_DATABSE_URL": "SeCrEt"}, 2, "LRMS_DATABSE_URL: no such setting; LRMS_DATABASE_URL"),
        ({"LRMS_HOME": "/dev/null/home"}, 1, "Not a directory"),
    ],
)
def test_settings_that_cannot_be(tmp_path, environment, code, words):
    assert_told_in_one_line(call(tmp_path, "process", **environment), code, words)


@pytest.mark.postgresql
def test_a_database_that_goes_away_half_way(
    postgresql_server, postgresql_template, tmp_path, monkeypatch
):
    feed = write_marked(tmp_path / "feed", events=60, seed=1)
    kept, chunks = Parts.advance, []

    def advance_and_lose(self, part, records_done, *, loaded):
        after = kept(self, part, records_done, loaded=loaded)
        chunks.append(records_done)
        if len(chunks) == 3:
            run_sql(
                url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
        return after

    with make_database(postgresql_server, postgresql_template) as url:
        with open_line(tmp_path / "home", url, commit_records=10) as gateway:
            register_everyone(gateway, formats=("fhir",))
            monkeypatch.setattr(Parts, "advance", advance_and_lose)
            with pytest.raises(UnavailableError) as failed, feed.open("rb") as stream:
                ingest_feed(gateway, "test-fhir", stream, filename="feed")
            assert failed.value.retryable
            assert CONTENT not in repr(failed.value)
            with feed.open("rb") as stream:
                batch, _ = ingest_feed(gateway, "test-fhir", stream, filename="feed")
        assert batch.counts.created == batch.counts.records == 60
        # The chunk that was lost was done again, and no other.
        assert chunks == [10, 20, 30, 30, 40, 50, 60]
