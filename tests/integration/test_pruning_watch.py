"""What the watch left goes once it is old, and never what it still goes by; and what has an end of
its own is gone behind it. On both databases."""

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from gateway.config import LEAST_KEPT_DAYS, read_settings
from gateway.monitoring.watch import raise_alarm
from gateway.pipeline.prune import count_old_data, prune_expired, prune_old_data
from schemas.alarm import Seen
from schemas.alarm_codes import DISK_FILLING
from schemas.errors import WrongUseError
from store import tables
from store.feed_days import KEPT_DAYS, LONDON
from tests.lib.command_line import CommandLineHere
from tests.lib.databases import make_engine, read_rows
from tests.lib.line import open_line, register_everyone

PARAMS = {"free_mib": 1, "least": 10}


@pytest.fixture
def gateway(tmp_path, database_url):
    with open_line(tmp_path / "home", database_url, operators="") as opened:
        register_everyone(opened)
        yield opened


def later(gateway, days):
    now = gateway.now() + timedelta(days=days)
    return replace(gateway, now=lambda: now)


def raise_three(gateway):
    """One that is closed, one that is acknowledged, one that is open."""
    for subject in ("closed", "acknowledged", "open"):
        raise_alarm(gateway, Seen(code=DISK_FILLING.code, subject=subject, params=PARAMS))
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        closed, acknowledged, _ = work.alarms.find_open()
        work.alarms.close([closed.number])
        work.alarms.acknowledge(acknowledged.number, "the disk is ordered")


def put_days(gateway, ages, source="test-fhir"):
    """Days so long ago on which something came."""
    today = gateway.now().astimezone(LONDON).date()
    rows = [
        {
            "source_id": source,
            "day": today - timedelta(days=age),
            **dict.fromkeys(("batches", "records", "rejected", "hours"), 1),
            **dict.fromkeys(("first_at", "last_at"), gateway.now() - timedelta(days=age)),
        }
        for age in ages
    ]
    engine = make_engine(gateway.settings.database)
    with engine.begin() as connection:
        connection.execute(insert(tables.feed_days), rows)
    engine.dispose()
    return today


def list_entries(gateway, action):
    rows = read_rows(gateway.settings.database, tables.audit)
    return [json.loads(row.details) for row in rows if row.action == action]


def test_alarms_go_when_they_are_closed_long_enough_and_open_ones_never(gateway):
    raise_three(gateway)
    assert prune_old_data(later(gateway, 729))["alarms"] == 0
    then = later(gateway, 50 * 365)
    assert count_old_data(then)["alarms"] == 1
    assert prune_old_data(then)["alarms"] == 1
    left = read_rows(gateway.settings.database, tables.alarms)
    assert sorted((row.subject, row.state) for row in left) == [
        ("acknowledged", "acknowledged"),
        ("open", "open"),
    ]
    (told,) = list_entries(gateway, "pruned.alarms")
    assert told == {"count": 1, "first": told["first"], "last": told["first"], "files": 0}
    # That it was there stays known.
    assert len(list_entries(gateway, "alarm.opened")) == 3


def test_the_days_that_are_learned_from_are_never_pruned(gateway):
    today = put_days(gateway, (731, 730, 400, KEPT_DAYS, 4))
    put_days(gateway, (731, 4), source="test-csv")
    known = read_learned(gateway, today)
    assert count_old_data(gateway)["feed_days"] == 2
    assert prune_old_data(gateway)["feed_days"] == 2
    assert read_learned(gateway, today) == known
    left = {
        (today - row.day).days for row in read_rows(gateway.settings.database, tables.feed_days)
    }
    assert left == {730, 400, KEPT_DAYS, 4}
    first = (today - timedelta(days=731)).isoformat()
    assert list_entries(gateway, "pruned.feed_days") == [
        {"count": 2, "first": first, "last": first, "files": 0}
    ]


def read_learned(gateway, today: date):
    with gateway.store.read() as work:
        return work.feed_days.find(today)


def test_the_command_says_what_would_go_and_what_went(tmp_path):
    with open_line(tmp_path, operators="") as gateway:
        put_days(gateway, (5000, 5001))
        command = CommandLineHere(tmp_path)
        told = command.json("prune", "--dry-run", "--json")
        assert (told["dry_run"], told["feed_days"]) == (True, 2)
        done = command("prune").stdout.decode()
        assert "        2  counts of what came, by source and day\n" in done
        assert len(done.splitlines()) == len(told), "a line for each, and the first"
        assert command.json("prune", "--json")["feed_days"] == 0


def test_by_the_shortest_time_too_what_is_learned_stays(tmp_path, database_url):
    assert LEAST_KEPT_DAYS > KEPT_DAYS
    settings = {"keep_volume_days": LEAST_KEPT_DAYS}
    with open_line(tmp_path / "home", database_url, **settings) as gateway:
        today = put_days(gateway, range(4, 200))
        known = read_learned(gateway, today)
        assert prune_old_data(gateway)["feed_days"] == 199 - LEAST_KEPT_DAYS
        assert read_learned(gateway, today) == known


def test_some_at_a_time(gateway, monkeypatch):
    monkeypatch.setattr("gateway.pipeline.prune.CHUNK", 2)
    put_days(gateway, range(800, 805))
    assert prune_old_data(gateway)["feed_days"] == 5
    assert [one["count"] for one in list_entries(gateway, "pruned.feed_days")] == [2, 2, 1]


def test_zero_days_is_for_ever(tmp_path, database_url):
    settings = {"keep_alarm_days": 0, "keep_volume_days": 0}
    with open_line(tmp_path / "home", database_url, operators="", **settings) as gateway:
        raise_three(gateway)
        put_days(gateway, (5000,))
        done = prune_old_data(later(gateway, 50 * 365))
        assert (done["alarms"], done["feed_days"]) == (0, 0)


@pytest.mark.parametrize("name", ["LRMS_KEEP_ITEM_DAYS", "LRMS_KEEP_VOLUME_DAYS"])
def test_what_is_still_needed_cannot_be_set_to_go(name, monkeypatch):
    for days in ("0", "92"):
        monkeypatch.setenv(name, days)
        read_settings()
    monkeypatch.setenv(name, "91")
    with pytest.raises(WrongUseError, match=f"{name}.*0, or 92 at least"):
        read_settings()


def test_what_has_an_end_of_its_own_is_gone_behind_it(gateway):
    now = gateway.now()
    short = {"source_id": "test-fhir", "expires_at": now}
    rows = {
        tables.access_tokens: {**short, "token_hash": b"t" * 32, "scopes": ""},
        tables.assertions: {**short, "jti_hash": b"j" * 32},
        tables.usage: {"source_id": "test-fhir", "window": int(now.timestamp())},
        tables.idempotency_keys: {
            "source_id": "test-fhir",
            "key": "k",
            "fingerprint": b"f" * 32,
            "reserved_until": now,
            "created_at": now,
        },
        tables.uploads: {**short, "id": "u", "length": 1, "filename": "", "created_at": now},
        tables.pruned_files: {
            "sha256": "a" * 64,
            "state": "deleted",
            "marked_at": now,
            "deleted_at": now,
        },
    }
    engine = make_engine(gateway.settings.database)
    with engine.begin() as connection:
        for table, row in rows.items():
            connection.execute(insert(table).values(row))
    engine.dispose()
    prune_expired(gateway)
    url = gateway.settings.database
    known = {table.name for table in rows if read_rows(url, table)}
    assert known >= {"access_tokens", "assertions", "usage", "idempotency_keys", "pruned_files"}
    prune_expired(later(gateway, 8))
    assert [table.name for table in rows if read_rows(url, table)] == []
