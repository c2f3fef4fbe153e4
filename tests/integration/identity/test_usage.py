"""Limits of a source over several processes: what one counted, the others learn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap import Gateway
from gateway.identity.limits import KEPT_SECONDS, Meter
from schemas.errors import UnavailableError
from schemas.identity import Usage
from store.tables import usage
from store.usage import UsageCounts
from tests.integration.test_store_concurrency import at_once
from tests.lib.databases import read_rows
from tests.lib.identity import OTHER, SOURCE, Clock, open_identity


@pytest.fixture
def gateway(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    limits = {"max_requests_per_minute": 10, "max_records_per_minute": 0, "max_bytes_per_minute": 0}
    with open_identity(tmp_path, database_url, clock, **limits) as opened:
        yield opened


def make_meter(gateway: Gateway) -> Meter:
    return Meter(gateway.settings, gateway.now)


def take(meter: Meter, times: int, **used: Any) -> list[bool]:
    return [meter.take(SOURCE, **used).allowed for _ in range(times)]


def read_usage(gateway: Gateway) -> dict[tuple[str, int], tuple[int, ...]]:
    return {
        (row.source_id, row.window): (row.requests, row.records, row.bytes, row.refused)
        for row in read_rows(gateway.settings.database, usage)
    }


def test_what_one_process_counted_the_others_learn(gateway: Gateway, clock: Clock) -> None:
    here, there = make_meter(gateway), make_meter(gateway)
    assert all(take(here, 6, records=2, bytes=30))
    assert all(take(there, 1))
    here.flush(gateway)
    there.flush(gateway)
    # It knows of seven; and the other one of six, until it has something to tell.
    assert take(there, 4) == [True, True, True, False]
    there.flush(gateway)
    assert take(here, 1) == [True]
    here.flush(gateway)
    assert take(here, 1) == [False]
    here.refuse(SOURCE)
    here.flush(gateway)
    window = int(clock.at.timestamp()) // 60 * 60
    assert read_usage(gateway) == {(SOURCE, window): (11, 12, 180, 3)}


def test_a_flush_counts_everything_once(gateway: Gateway, clock: Clock) -> None:
    meter = make_meter(gateway)
    meter.flush(gateway)
    assert read_usage(gateway) == {}
    first = int(clock.at.timestamp()) // 60 * 60
    take(meter, 3)
    meter.take(OTHER, bytes=7)
    meter.flush(gateway)
    meter.flush(gateway)
    take(meter, 2)
    clock.forward(60)
    take(meter, 4)
    meter.flush(gateway)
    meter.flush(gateway)
    assert read_usage(gateway) == {
        (SOURCE, first): (5, 0, 0, 0),
        (OTHER, first): (1, 0, 7, 0),
        (SOURCE, first + 60): (4, 0, 0, 0),
    }
    assert take(meter, 7) == [True] * 6 + [False]


def test_what_could_not_be_told_is_told_the_next_time(
    gateway: Gateway, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = make_meter(gateway)
    take(meter, 4)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> list[Usage]:
            raise UnavailableError("gone for a moment")

        patch.setattr(UsageCounts, "add", fail)
        for _ in range(2):
            with pytest.raises(UnavailableError):
                meter.flush(gateway)
        # It is still counted here, whatever the others know.
        assert take(meter, 7) == [True] * 6 + [False]
        clock.forward(60)
        take(meter, 2)
        with pytest.raises(UnavailableError):
            meter.flush(gateway)
        take(meter, 1)
    meter.flush(gateway)
    first = int(clock.at.timestamp()) // 60 * 60 - 60
    assert read_usage(gateway) == {
        (SOURCE, first): (10, 0, 0, 1),
        (SOURCE, first + 60): (3, 0, 0, 0),
    }


def test_many_processes_at_once_lose_no_count(gateway: Gateway, clock: Clock) -> None:
    meters = [make_meter(gateway) for _ in range(8)]

    def work(number: int) -> None:
        for _ in range(5):
            for name in (SOURCE, OTHER, "third") if number % 2 else ("third", OTHER, SOURCE):
                meters[number].take(name, requests=0, records=1)
            meters[number].flush(gateway)

    at_once(work)
    window = int(clock.at.timestamp()) // 60 * 60
    counts = (0, 40, 0, 0)
    assert read_usage(gateway) == {(name, window): counts for name in (SOURCE, OTHER, "third")}


def test_counts_of_yesterday_are_taken_away(gateway: Gateway, clock: Clock) -> None:
    meter = make_meter(gateway)
    take(meter, 1)
    meter.flush(gateway)
    clock.forward(KEPT_SECONDS)
    take(meter, 1)
    meter.flush(gateway)
    assert len(read_usage(gateway)) == 2
    clock.forward(60)
    take(meter, 1)
    meter.flush(gateway)
    windows = sorted(window for _, window in read_usage(gateway))
    assert windows[0] == int(clock.at.timestamp()) // 60 * 60 - 60
