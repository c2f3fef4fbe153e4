"""A feed whose records have several rows each, in any order, stopped again and again: what is
numbered by its first row is found again at the same number."""

import csv
import io
import random
from pathlib import Path

import msgspec
import pytest

from gateway.bootstrap import Gateway
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_source
from tests.lib.line import open_line, register_everyone
from tests.lib.snapshot import find_differences, read_snapshot

EXPORT = Path("samples/profiles/datix-like-csv/feed.csv")


class StoppedError(Exception):
    pass


def shuffle_rows() -> bytes:
    """The contacts of an incident stand anywhere; without the line of totals."""
    text = EXPORT.read_bytes().decode("windows-1252")
    header, *rows, _totals = csv.reader(io.StringIO(text, newline=""))
    random.Random(3).shuffle(rows)
    shuffled = io.StringIO(newline="")
    csv.writer(shuffled).writerows([header, *rows])
    return shuffled.getvalue().encode("windows-1252")


def load(line: Gateway, feed: bytes, *, stop_at: frozenset[int]) -> int:
    """How often it was stopped; each time behind a transaction."""
    register_everyone(line)
    with line.store.read() as work:
        known = work.sources.get("test-csv")
    add_source(line, msgspec.structs.replace(known, id="export", profile="datix-like-csv"))
    batch, _ = receive_feed(line, "export", io.BytesIO(feed), filename="feed.csv")
    chunks = stops = 0

    def count(_records: int) -> None:
        nonlocal chunks
        chunks += 1
        if chunks in stop_at:
            raise StoppedError

    while True:
        try:
            done = process_batch(line, batch.id, progress=count)
        except StoppedError:
            stops += 1
        else:
            assert done.counts.created > 100
            return stops


@pytest.mark.parametrize("stop_at", [{1}, {1, 2, 5, 9, 17, 28}])
def test_records_of_scattered_rows_are_loaded_once_however_often_it_is_stopped(tmp_path, stop_at):
    feed = shuffle_rows()
    with open_line(tmp_path / "calm", commit_records=7) as calm:
        assert load(calm, feed, stop_at=frozenset()) == 0
        expected = read_snapshot(calm.settings.database)
    with open_line(tmp_path / "rough", commit_records=7) as rough:
        assert load(rough, feed, stop_at=frozenset(stop_at)) == len(stop_at)
        assert find_differences(expected, read_snapshot(rough.settings.database)) == []
