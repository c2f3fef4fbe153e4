"""Making up for what was left behind, and loading history quietly: on both databases."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gateway.generator import write_feed
from gateway.pipeline.backfill import backfill_window, load_history, make_window
from gateway.pipeline.correct import correct_record
from gateway.pipeline.finish import finish_batch
from gateway.pipeline.notify import prepare_messages
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.show import show_event
from schemas.errors import WrongUseError
from schemas.submission import Quiet
from store import tables
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import read_rows
from tests.lib.line import NOW, ingest, open_line, register_everyone
from tests.lib.snapshot import find_differences, read_snapshot

TODAY = NOW.date()
HISTORY = Quiet(TODAY, "three years of history, told of when they happened")


def make_feed(seed=1, *, events=8, errors=0.0, dated=True):
    """Of events whose day is known; or of those whose day is not."""
    out = io.BytesIO()
    write_feed(out, events=400, format="fhir-5", seed=seed, errors=errors, duplicates=0.0)
    lines = [line for line in out.getvalue().splitlines() if ("date" in json.loads(line)) == dated]
    return b"\n".join(lines[:events]) + b"\n"


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url) as opened:
        register_everyone(opened)
        yield opened


@pytest.fixture
def history(tmp_path):
    """Files of three months, in a folder, with what may lie about in one."""
    folder = tmp_path / "history"
    folder.mkdir()
    for month in (1, 2, 3):
        (folder / f"2025-0{month}.ndjson").write_bytes(make_feed(month))
    (folder / ".listing").write_bytes(b"no feed")
    (folder / "old").mkdir()
    return folder


def list_alerts(url):
    return read_rows(url, tables.alerts)


def find_quiet(url):
    return [row for row in read_rows(url, tables.audit) if row.action == "batch.quietened"]


def load(gateway, folder, quiet=HISTORY, **how):
    return list(
        load_history(gateway, "test-fhir", sorted(folder.glob("*.ndjson")), quiet=quiet, **how)
    )


def test_of_history_nobody_is_told_now_or_later(gateway, history, database_url):
    told = load(gateway, history)
    assert [one.batch.verdict for one in told] == ["accepted"] * 3
    alerts = list_alerts(database_url)
    assert len(alerts) == sum(one.quiet for one in told) > 20
    assert all(row.quiet and row.announced_at for row in alerts)
    assert not any(prepare_messages(gateway).values())
    assert read_rows(database_url, tables.messages) == []
    entries = find_quiet(database_url)
    assert [row.subject for row in entries] == [one.batch.id for one in told]
    assert json.loads(entries[0].details) == {
        "before": TODAY.isoformat(), "reason": HISTORY.reason
    }  # fmt: skip


def test_quiet_or_not_the_events_are_the_same(
    gateway, history, fresh_database, tmp_path, database_url
):
    load(gateway, history)
    with fresh_database() as url, open_line(tmp_path / "loud", url) as loud:
        register_everyone(loud)
        load(loud, history, quiet=None)
        assert all(not row.quiet for row in list_alerts(url))
        differ = find_differences(read_snapshot(url), read_snapshot(database_url))
        assert {line.partition(":")[0] for line in differ} == {"audit"}


def test_an_event_that_occurred_since_is_told_as_ever(gateway, history, database_url):
    file = history / "all.ndjson"
    feed = make_feed(77, events=40)
    file.write_bytes(feed)
    days = sorted(json.loads(line)["date"][:10] for line in feed.splitlines())
    edge = date.fromisoformat(days[len(days) // 2])
    (told,) = load_history(gateway, "test-fhir", [file], quiet=Quiet(edge, "why"))
    by_event = {
        row.event_id: row.occurred_on for row in read_rows(database_url, tables.event_search)
    }
    alerts = list_alerts(database_url)
    assert 0 < told.quiet < len(alerts)
    for row in alerts:
        assert row.quiet == (by_event[row.event_id] < edge)
        assert (row.announced_at is not None) == row.quiet
    assert prepare_messages(gateway)["urgent"]
    announced = {row.event_id for row in read_rows(database_url, tables.message_alerts)}
    assert announced == {row.event_id for row in alerts if not row.quiet}


def test_an_event_whose_day_is_not_known_is_told(gateway, history, database_url):
    file = history / "undated.ndjson"
    file.write_bytes(make_feed(5, dated=False))
    list(load_history(gateway, "test-fhir", [file], quiet=HISTORY))
    assert len(list_alerts(database_url)) > 0
    assert not any(row.quiet for row in list_alerts(database_url))


def test_what_history_settled_a_later_feed_does_not_stir_up(gateway, history, database_url):
    """The daily feed sends what changed of old events too."""
    load(gateway, history)
    lines = [json.loads(line) for line in make_feed(1).splitlines()]
    for one in lines:
        one["description"] = f"{one['description']} The investigation is closed."
    batch = ingest(gateway, "test-fhir", b"\n".join(json.dumps(one).encode() for one in lines))
    assert batch.counts.revised == len(lines)
    assert not any(prepare_messages(gateway).values())


def test_an_event_shows_that_nobody_was_told(gateway, history, database_url):
    load(gateway, history)
    reference = read_rows(database_url, tables.events)[0].reference
    assert all(one.quiet for one in show_event(gateway, reference)["alerts"])


def test_loaded_again_it_is_as_it_was(gateway, history, database_url):
    load(gateway, history)
    before = read_snapshot(database_url)
    again = load(gateway, history)
    assert [one.is_new for one in again] == [False] * 3
    assert find_differences(before, read_snapshot(database_url)) == []


def test_what_was_told_already_cannot_be_made_quiet(gateway, history, database_url):
    load(gateway, history, quiet=None)
    again = load(gateway, history)
    assert all("its alerts are as they are" in one.error for one in again)
    assert find_quiet(database_url) == []
    assert not any(row.quiet for row in list_alerts(database_url))


def test_what_only_waits_can(gateway, history, database_url):
    load(gateway, history, quiet=None, receive_only=True)
    assert [one.batch.state for one in load(gateway, history)] == ["finished"] * 3
    assert all(row.quiet for row in list_alerts(database_url))


def test_another_day_for_the_same_batch_is_refused(gateway, history):
    load(gateway, history, receive_only=True)
    (first, *_) = load(gateway, history, quiet=Quiet(date(2024, 1, 1), "another"))
    assert "is quiet before" in first.error


def test_airflow_loads_it_as_quietly(gateway, history, database_url):
    load(gateway, history, receive_only=True)
    for path in sorted(history.glob("*.ndjson")):
        with path.open("rb") as stream:
            batch, _ = receive_feed(gateway, "test-fhir", stream, filename=path.name)
        process_parts(gateway, batch.id, plan_batch(gateway, batch))
    assert all(row.quiet for row in list_alerts(database_url))


def test_a_correction_of_a_record_of_history_is_quiet_too(gateway, history, database_url):
    bad = history / "bad.ndjson"
    bad.write_bytes(make_feed(9, events=20, errors=1.0))
    (told,) = load_history(gateway, "test-fhir", [bad], quiet=HISTORY)
    with gateway.store.read() as work:
        lines = list(work.receipts.read_lines(told.batch))
    line = next(one for one in lines if one.disposition == "rejected")
    before = len(list_alerts(database_url))
    good = json.loads(make_feed(10, events=1))
    if line.local_id is not None:
        good["identifier"] = {"value": line.local_id}
    corrected = correct_record(
        gateway, "test-fhir", told.batch.id, line.number, io.BytesIO(json.dumps(good).encode())
    )
    assert corrected.counts.created == 1
    alerts = list_alerts(database_url)
    assert len(alerts) > before
    assert all(row.quiet for row in alerts if row.batch_number == corrected.number)


@pytest.mark.parametrize(
    ("quiet", "problem"),
    [
        (Quiet(TODAY + timedelta(days=1), "why"), "a day to come"),
        (Quiet(date(2024, 1, 1), "  "), "needs a reason"),
    ],
)
def test_quiet_has_its_limits(gateway, history, quiet, problem):
    with pytest.raises(WrongUseError, match=problem):
        load(gateway, history, quiet=quiet)


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(gateway, history):
    gone = history / "2025-00.ndjson"
    told = list(
        load_history(gateway, "test-fhir", [gone, *sorted(history.glob("2025*"))], quiet=HISTORY)
    )
    assert told[0].error == "No such file or directory"
    assert [one.batch.state for one in told[1:]] == ["finished"] * 3


WINDOW = make_window(TODAY, TODAY)


def leave_behind(gateway):
    """A batch in each state that a killed process leaves one in; and one that is done."""

    def receive(seed):
        return receive_feed(gateway, "test-fhir", io.BytesIO(make_feed(seed)), filename=str(seed))[
            0
        ]

    received, planned, loaded, unmarked = (receive(seed) for seed in (1, 2, 3, 4))
    plan_batch(gateway, planned)
    process_parts(gateway, loaded.id, plan_batch(gateway, loaded))
    process_parts(gateway, unmarked.id, plan_batch(gateway, unmarked))
    with gateway.store.read() as work:
        unmarked = work.batches.get(unmarked.id)
    finish_batch(gateway, unmarked)
    broken_off = b'{"resourceType": "Bundle", "type": "batch", "entry": [{"resource": '
    held = ingest(gateway, "test-fhir", broken_off + make_feed(5).splitlines()[0] + b'}, {"res')
    return received, planned, loaded, unmarked, held


def test_a_window_is_made_up_for(gateway, database_url):
    received, planned, loaded, unmarked, held = leave_behind(gateway)
    dry = backfill_window(gateway, *WINDOW, dry_run=True)
    done = backfill_window(gateway, *WINDOW)
    assert [one.batch.id for one in done] == [one.batch.id for one in dry]
    assert {one.batch.id: (one.before, one.batch.state) for one in done} == {
        received.id: ("received", "finished"),
        planned.id: ("planned", "finished"),
        loaded.id: ("planned", "finished"),
        unmarked.id: ("finished", "finished"),
        held.id: ("held", "held"),
    }
    assert all(one.batch.marked_at for one in done if one.batch.id != held.id)
    assert all(row.announced_at for row in list_alerts(database_url))
    (left,) = backfill_window(gateway, *WINDOW)
    assert left.batch.id == held.id


def test_a_window_is_no_wider_than_it_is(gateway):
    batches = []
    for hours in (0, 24, 48):
        then = replace(gateway, now=lambda h=hours: NOW + timedelta(hours=h))
        feed = io.BytesIO(make_feed(hours + 1))
        batches.append(receive_feed(then, "test-fhir", feed, filename="feed")[0])
    day = TODAY + timedelta(days=1)
    done = backfill_window(gateway, *make_window(day, day))
    assert [one.batch.id for one in done] == [batches[1].id]
    assert backfill_window(gateway, *WINDOW, source_id="test-csv") == []
    with gateway.store.read() as work:
        assert {one.id for one in work.batches.find_waiting()} == {batches[0].id, batches[2].id}


def test_days_are_those_of_london():
    first, behind = make_window(date(2026, 6, 1), date(2026, 6, 30))
    assert first.astimezone(UTC) == datetime(2026, 5, 31, 23, tzinfo=UTC)
    assert behind.astimezone(UTC) == datetime(2026, 6, 30, 23, tzinfo=UTC)
    with pytest.raises(WrongUseError, match="before it begins"):
        make_window(date(2026, 6, 2), date(2026, 6, 1))


def test_one_that_cannot_be_loaded_does_not_hold_up_the_others(gateway):
    bad, good = (
        receive_feed(gateway, "test-fhir", io.BytesIO(make_feed(seed)), filename="feed")[0]
        for seed in (1, 2)
    )
    gateway.raw.remove(bad.sha256)
    done = {one.batch.id: one for one in backfill_window(gateway, *WINDOW)}
    assert "is gone" in done[bad.id].error
    assert done[good.id].batch.state == "finished"


@pytest.fixture
def typed(tmp_path):
    home = tmp_path / "typed"
    with open_line(home) as opened:
        register_everyone(opened)
    return CommandLineHere(home)


def test_the_command_loads_a_folder_in_the_order_of_its_names(typed, history):
    words = ("backfill", str(history), "--source", "test-fhir")
    dry = typed.json(*words, "--dry-run", "--json")
    assert [one["file"].rpartition("/")[2] for one in dry] == [
        "2025-01.ndjson", "2025-02.ndjson", "2025-03.ndjson"
    ]  # fmt: skip
    quiet = ("--quiet-before", "2026-01-01", "--reason", "history")
    done = typed.json(*words, *quiet, "--json")
    assert [one["batch"]["number"] for one in done] == [1, 2, 3]
    assert all(one["quiet"] for one in done)
    assert typed(*words, *quiet).returncode == 0


def test_the_command_takes_a_list_of_files(typed, history):
    listed = history / "list.txt"
    listed.write_text("# the oldest first\n2025-03.ndjson\n\n2025-01.ndjson\n", encoding="utf-8")
    words = ("backfill", "--file-list", str(listed), "--source", "test-fhir", "--receive-only")
    done = typed.json(*words, "--json")
    assert [one["batch"]["filename"] for one in done] == ["2025-03.ndjson", "2025-01.ndjson"]
    assert {one["batch"]["state"] for one in done} == {"received"}
    # It is received today, by the clock of the machine and of London.
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
    window = ("backfill", "--since", "2026-01-01", "--until", tomorrow)
    assert len(typed.json(*window, "--json")) == 2
    assert b"nothing is left to do" in typed(*window).stderr


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--since", "2026-01-01"),
        ("--since", "2026-01-01", "--until", "2026-01-02", "--quiet-before", "2026-01-01"),
        ("nothing.ndjson", "--source", "test-fhir"),
        ("pyproject.toml",),
        ("pyproject.toml", "--source", "test-fhir", "--since", "2026-01-01"),
    ],
    ids=["nothing", "half a window", "a window is not quiet", "no file", "no source", "both"],
)
def test_wrong_use_is_said_so(typed, words):
    assert typed("backfill", *words).returncode == 2
