"""The commands of whoever runs the gateway: status, watch, alarms, what is expected, metrics; and
what is logged."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.cli.operations import _word_parked
from gateway.monitoring.metrics import KEPT_SECONDS, StoreGauges, write_metrics
from gateway.monitoring.status import find_status
from gateway.monitoring.status_text import write_status
from gateway.monitoring.watch import watch
from gateway.notifications.mailer import AddressRefusedError
from gateway.pipeline.notify import deliver_messages
from schemas.errors import UnavailableError
from tests.lib.command_line import CommandLineHere
from tests.lib.outbox import SOURCE, Clock, load_events, make_harmed, open_outbox
from tests.lib.watching import put_batches

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    return Clock(NOON)


@pytest.fixture
def gateway(tmp_path, clock):
    with open_outbox(tmp_path / "home", clock=clock, disk_free_percent=0) as opened:
        yield opened


@pytest.fixture
def late(gateway, clock):
    """A gateway with a batch that is stuck, one that is held, and mail that waits."""
    put_batches(gateway, [(SOURCE, NOON, 120, 4)])
    put_batches(gateway, [(SOURCE, NOON + timedelta(minutes=1), 0, 0)], state="planned")
    put_batches(gateway, [(SOURCE, NOON + timedelta(minutes=2), 0, 0)], state="held")
    load_events(gateway, [make_harmed("1")])
    with gateway.store.begin(actor="test", at=NOON) as work:
        work.steps.note_end("load_feeds.plan")
        work.steps.note_failure("load_feeds.process")
    clock.move(minutes=90)
    return gateway


def test_all_is_well(gateway):
    status = find_status(gateway)
    assert status.is_well
    written = write_status(status)
    assert written.startswith("Fri 27 Nov 12:00  all well\n")
    assert f"{SOURCE}  -" in written


def test_what_is_late_is_told_before_the_watch_ran(late):
    status = find_status(late)
    assert not status.is_well
    assert [(one.code, one.state, one.number) for one in status.alarms] == [
        ("ALARM-004", "new", None),
        ("ALARM-004", "new", None),
        ("ALARM-007", "new", None),
        ("ALARM-018", "new", None),
    ]


def test_status_answers_what_came_what_waits_what_failed_what_is_late(late):
    watch(late)
    written = write_status(find_status(late))
    assert written.splitlines()[0] == "Fri 27 Nov 13:30  4 alarms"
    for words in (
        "!! 2 ALARM-004 b-",
        "!! 3 ALARM-007: alerts are not made into mail",
        "a batch is not loaded (since Fri 27 Nov 13:30, 0 min)",
        "docs/operations/alarms.md#alarm-004",
        "batches planned, to be loaded: 1, the oldest for 89 min",
        "batches held, to be decided: 1, the oldest for 88 min",
        "urgent alerts without mail: 1, the oldest for 90 min",
        "batches of 7 days: 1 accepted",
        "ran Fri 27 Nov 12:00  90 min ago",
        "FAILED 1 times since, last Fri 27 Nov 12:00",
    ):
        assert words in written, written
    assert max(map(len, written.splitlines())) <= 130


def test_an_acknowledged_alarm_troubles_nobody(late, clock):
    watch(late)
    with late.store.begin(actor="test", at=clock()) as work:
        for alarm in work.alarms.find_open():
            work.alarms.acknowledge(alarm.number, "being looked into")
    status = find_status(late)
    assert status.is_well
    written = write_status(status)
    assert "all well (4 acknowledged alarms)" in written
    assert "acknowledged: being looked into" in written


def test_what_is_over_is_not_told_any_more(late):
    watch(late)
    with late.store.begin(actor="test", at=late.now()) as work:
        work.steps.note_end("load_feeds.plan")
    assert "ALARM-018" not in {one.code for one in find_status(late).alarms}


def test_metrics_are_those_of_the_store(late):
    watch(late)
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(write_metrics(late))
        for sample in family.samples
    }
    assert found["lrms_up",] == 1
    assert found["lrms_batches", "held"] == 1
    assert found["lrms_batches", "planned"] == 1
    assert found["lrms_batch_oldest_seconds", "planned"] == 89 * 60
    assert found["lrms_source_records_day", SOURCE] == 120
    assert found["lrms_source_rejected_day", SOURCE] == 4
    assert found["lrms_alerts_waiting", "urgent"] == 1
    assert found["lrms_messages", "waiting"] == 1
    assert found["lrms_step_failures", "load_feeds.process"] == 1
    assert found["lrms_step_last_end_timestamp_seconds", "load_feeds.plan"] == NOON.timestamp()
    assert found["lrms_alarm", "", "ALARM-007", "open", "urgent"] == 1


def test_metrics_are_kept_for_some_seconds(gateway):
    ticks = [0.0]
    object.__setattr__(gateway, "monotonic", lambda: ticks[0])
    gauges = StoreGauges(gateway)
    first = gauges.collect()
    assert gauges.collect() is first
    ticks[0] = KEPT_SECONDS
    assert gauges.collect() is not first


def test_a_store_that_does_not_answer_is_down_and_no_fault(gateway, monkeypatch):
    def fail():
        raise UnavailableError("the database did not answer")

    monkeypatch.setattr(gateway.store, "read", fail)
    assert "lrms_up 0.0" in write_metrics(gateway)


@pytest.fixture
def commands(tmp_path):
    run = CommandLineHere(tmp_path / "home")
    run("organisation", "load", "samples/organisations.csv")
    run("source", "add", "ward", "--organisation", "RZA", "--format", "fhir")
    return run


def test_exit_codes_of_status(commands, monkeypatch):
    assert commands("status").returncode == 0
    monkeypatch.setenv("LRMS_DISK_FREE_PERCENT", "100")
    done = commands("status")
    assert done.returncode == 7
    assert "ALARM-015" in done.stdout.decode()
    assert commands.json("watch", "--json") == {"opened": 1, "closed": 0, "open": 1}
    (alarm,) = commands.json("alarm", "list", "--json")
    assert (alarm["code"], alarm["state"]) == ("ALARM-015", "open")
    number = str(alarm["number"])
    assert commands("alarm", "acknowledge", number).returncode == 2
    assert (
        commands("alarm", "acknowledge", number, "--reason", "it is a small disk").returncode == 0
    )
    assert commands("status").returncode == 0
    assert "it is a small disk" in commands("alarm", "list").stdout.decode()
    monkeypatch.setenv("LRMS_DISK_FREE_PERCENT", "0")
    assert commands.json("watch", "--json")["closed"] == 1
    assert commands.json("alarm", "list", "--json") == []
    assert len(commands.json("alarm", "list", "--days", "1", "--json")) == 1


def test_status_as_json(commands):
    found = commands.json("status", "--json")
    assert found.keys() >= {"at", "alarms", "sources", "batches", "messages", "steps"}
    assert found["sources"][0]["usual"] == "not known yet"


def test_what_is_expected_is_set_shown_and_forgotten(commands):
    assert "nothing is set" in commands("source", "expect", "ward").stdout.decode()
    words = ("--silent-after", "26", "--records-most", "500", "--rejected-most", "0.1")
    told = commands("source", "expect", "ward", *words).stdout.decode()
    assert "something every 26 hours, 500 records a day at most, 10% rejected at most" in told
    assert commands.json("source", "expect", "ward", "--json")["silent_after_minutes"] == 26 * 60
    assert commands.json("status", "--json")["sources"][0]["usual"] == "every 26 hours, as set"
    assert commands.json("source", "expect", "ward", "--learn", "--json") is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nobody", "--silent-after", "1"), "no such source: nobody"),
        (("ward", "--rejected-most", "12"), "a share from 0 to 1"),
        (("ward", "--records-least", "9", "--records-most", "8"), "is more than"),
        (("ward", "--learn", "--records-least", "9"), "no other option"),
    ],
)
def test_wrong_expectations_are_told(commands, words, told):
    done = commands("source", "expect", *words)
    assert done.returncode == 2
    assert told in done.stderr.decode()


def test_metrics_are_printed(commands):
    assert "lrms_up 1.0" in commands("metrics").stdout.decode()


def test_a_line_of_the_log_is_a_json_object(tmp_path):
    program = Path(sys.executable).with_name("lrms-gateway")
    environment = os.environ | {
        "LRMS_HOME": str(tmp_path / "home"),
        "LRMS_LOG": "json",
        "LRMS_LOG_LEVEL": "INFO",
    }
    for words in (
        ("organisation", "load", "samples/organisations.csv"),
        ("source", "add", "ward", "--organisation", "RZA", "--format", "fhir"),
        ("ingest", "samples/fhir/demo/feed.ndjson", "--source", "ward"),
    ):
        done = subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, check=False
        )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (loaded,) = [line for line in lines if "loaded" in line["message"]]
    assert loaded["level"] == "INFO"
    assert loaded["logger"] == "gateway.pipeline.process"
    assert loaded["batch"].startswith("b-")
    assert (loaded["source"], loaded["part"]) == ("ward", 0)
    assert datetime.fromisoformat(loaded["time"]).tzinfo is not None


def test_operators_who_refuse_mail_are_named_as_such(late):
    class Refusing:
        def send(self, message):
            raise AddressRefusedError("550")

    watch(late)
    object.__setattr__(late, "mailer", Refusing())
    deliver_messages(late)
    with late.store.read() as work:
        (parked,) = work.messages.find_parked("leads@national.example")
    assert "for the operators" in _word_parked(parked)
