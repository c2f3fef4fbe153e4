"""An API that is pulled from, and the run that pulls dies behind each of its transactions in turn:
what changes meanwhile, or does not, is loaded once."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from gateway.generator import write_feed
from gateway.pipeline.ingest import process_batch
from store.engine import Store
from store.tables import events, revisions
from tests.lib.collecting import Killed, run
from tests.lib.databases import read_rows
from tests.lib.pulling import BUNDLE, read_cursor


def generate(count):
    stream = io.BytesIO()
    write_feed(stream, events=count, format="fhir-5", seed=3, errors=0.0, duplicates=0.0)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@contextmanager
def dying_behind(number):
    """Every transaction from this one on is the last thing that is done."""
    begun, count = Store.begin, 0

    @contextmanager
    def begin(self, **given) -> Iterator[object]:
        nonlocal count
        count += 1
        if count > number:
            raise Killed
        with begun(self, **given) as work:
            yield work
        if count == number:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "begin", begin)
        yield


@pytest.mark.parametrize("grows", [False, True])
def test_killed_behind_each_transaction_nothing_is_lost_and_nothing_doubled(
    gateway, make, api, clock, grows
):
    given = generate(60)
    for place in range(5):
        api.add(given.pop(), api.now - timedelta(hours=5 - place))
    make(**BUNDLE)
    kills = 0
    while True:
        try:
            with dying_behind(kills + 1):
                run(gateway)
        except Killed:
            kills += 1
        else:
            break
        for each in (clock, api):
            each.now += timedelta(minutes=20)
        if grows:
            api.add(given.pop())
    assert kills > 5, "three pages are more transactions than that"
    clock.go(minutes=20)
    run(gateway)
    assert "next" not in read_cursor(gateway)
    with gateway.store.read() as work:
        batches = sorted(work.batches.find_all(100), key=lambda one: one.number)
    for one in batches:
        process_batch(gateway, one.id)
    stored = read_rows(gateway.settings.database, events)
    assert len(stored) == len(api.records)
    assert len(read_rows(gateway.settings.database, revisions)) == len(api.records)


def test_an_item_and_where_the_next_run_begins_are_one_transaction(gateway, make, api):
    """Killed behind it, the page is not asked for again."""
    for one in generate(2):
        api.add(one, api.now - timedelta(hours=1))
    make(**BUNDLE)
    # Claimed, listed, batch, item.
    with pytest.raises(Killed), dying_behind(4):
        run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}
