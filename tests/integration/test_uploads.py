"""Uploads on both databases: once a batch, whoever asks and wherever it was killed; limits that
hold when many begin at once; and an audit entry for each thing that became of one."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from gateway.pipeline.upload import (
    MOST_UNFINISHED,
    ExpiredError,
    append_to_upload,
    begin_upload,
    end_upload,
    finish_upload,
    get_upload,
    prune_uploads,
)
from schemas.errors import UnavailableError, UnknownError
from schemas.upload import Upload
from store.raw_files import RawFiles
from store.tables import audit, batches, uploads
from store.uploads import TooManyUploadsError, Uploads
from tests.lib.api import OTHER, SOURCE, register_sources
from tests.lib.databases import read_rows
from tests.lib.line import open_line

FEED = b"synthetic feed\n" * 10_000


@pytest.fixture
def gateway(tmp_path: Path, database_url: str) -> Iterator[Gateway]:
    with open_line(tmp_path, database_url) as opened:
        register_sources(opened)
        yield opened


def upload(gateway: Gateway, feed: bytes = FEED) -> Upload:
    """All of its bytes came, and it is not received."""
    begun = begin_upload(gateway, SOURCE.id, length=len(feed), filename="feed")
    assert append_to_upload(gateway, begun, 0, [feed]) == len(feed)
    return begun


def later(gateway: Gateway, **how_long: float) -> Gateway:
    now = gateway.now() + timedelta(**how_long)
    return replace(gateway, now=lambda: now)


def list_actions(url: str, begun: Upload) -> list[str]:
    return [row.action for row in read_rows(url, audit) if row.subject == begun.id]


def list_files(gateway: Gateway) -> list[Path]:
    return list(gateway.settings.uploads_folder.iterdir())


def test_many_that_finish_at_once_make_one_batch(gateway: Gateway, database_url: str) -> None:
    begun = upload(gateway)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: finish_upload(gateway, begun), range(8)))
    assert len({one.batch_id for one in done}) == 1
    (batch,) = read_rows(database_url, batches)
    assert (batch.id, batch.sha256) == (done[0].batch_id, hashlib.sha256(FEED).hexdigest())
    assert list_actions(database_url, begun) == ["upload.begun", "upload.finished"]
    assert list_files(gateway) == []


@pytest.mark.parametrize(
    ("owner", "name"), [(RawFiles, "adopt"), (RawFiles, "_link"), (Uploads, "finish")]
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_that_breaks_off_while_it_is_received_is_received_again(
    gateway: Gateway,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    when: str,
) -> None:
    begun, kept = upload(gateway), getattr(owner, name)

    def break_off(*given: object) -> object:
        if when == "after":
            kept(*given)
        raise UnavailableError("broken off")

    monkeypatch.setattr(owner, name, break_off)
    with pytest.raises(UnavailableError):
        finish_upload(gateway, begun)
    monkeypatch.undo()
    stored, offset = get_upload(gateway, SOURCE.id, begun.id)
    assert (stored.batch_id, offset) == (None, len(FEED))
    done = finish_upload(gateway, begun)
    (batch,) = read_rows(database_url, batches)
    assert done.batch_id == batch.id
    with gateway.raw.open_verified(batch.sha256) as stream:
        assert stream.read() == FEED
    assert list_files(gateway) == []


def test_bytes_that_were_received_before_are_not_kept_twice(gateway: Gateway) -> None:
    first = finish_upload(gateway, upload(gateway))
    second = finish_upload(gateway, upload(gateway))
    assert (first.id != second.id, first.batch_id == second.batch_id) == (True, True)
    kept = [path for path in gateway.settings.raw_folder.rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [FEED]
    assert kept[0].stat().st_nlink == 1
    assert kept[0].stat().st_mode & 0o222 == 0


def test_where_uploads_lie_on_another_disk_they_are_copied(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, calls = RawFiles._link, 0

    def link(self: RawFiles, written: Path, path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError(18, "Invalid cross-device link")
        kept(self, written, path)

    monkeypatch.setattr(RawFiles, "_link", link)
    done = finish_upload(gateway, upload(gateway))
    with gateway.store.read() as work:
        sha256 = work.batches.get(done.batch_id or "").sha256
    with gateway.raw.open_verified(sha256) as stream:
        assert stream.read() == FEED


def test_of_many_that_begin_at_once_so_many_are_let_in(gateway: Gateway) -> None:
    def begin(_: int) -> str:
        try:
            begin_upload(gateway, SOURCE.id, length=9, filename="")
        except TooManyUploadsError:
            return "refused"
        return "begun"

    with ThreadPoolExecutor(8) as pool:
        told = Counter(pool.map(begin, range(MOST_UNFINISHED + 8)))
    assert told == {"begun": MOST_UNFINISHED, "refused": 8}
    begin_upload(gateway, OTHER.id, length=9, filename="")


def test_an_unknown_source_begins_nothing(gateway: Gateway) -> None:
    with pytest.raises(UnknownError):
        begin_upload(gateway, "nobody", length=9, filename="")


def test_another_source_s_is_not_there(gateway: Gateway) -> None:
    begun = upload(gateway)
    with pytest.raises(UnknownError):
        get_upload(gateway, OTHER.id, begun.id)


def test_what_expired_is_removed_and_the_rest_stays(gateway: Gateway, database_url: str) -> None:
    old = begin_upload(gateway, SOURCE.id, length=9, filename="")
    append_to_upload(gateway, old, 0, [b"half"])
    done = finish_upload(gateway, upload(gateway))
    young = begin_upload(later(gateway, days=2), SOURCE.id, length=9, filename="")
    then = later(gateway, days=3)
    with pytest.raises(ExpiredError):
        get_upload(then, SOURCE.id, old.id)
    assert get_upload(then, SOURCE.id, done.id)[0].batch_id == done.batch_id
    assert prune_uploads(gateway) == {"removed": 0, "received": 0}
    assert prune_uploads(then) == {"removed": 2, "received": 0}
    assert [row.id for row in read_rows(database_url, uploads)] == [young.id]
    assert {path.stem for path in list_files(gateway)} == {young.id}
    assert list_actions(database_url, old) == ["upload.begun", "upload.expired"]
    assert prune_uploads(then) == {"removed": 0, "received": 0}


def test_what_is_whole_when_it_expires_is_received(gateway: Gateway, database_url: str) -> None:
    begun = upload(gateway)
    then = later(gateway, days=4)
    assert prune_uploads(then) == {"removed": 0, "received": 1}
    (batch,) = read_rows(database_url, batches)
    assert get_upload(then, SOURCE.id, begun.id)[0].batch_id == batch.id
    assert prune_uploads(then) == {"removed": 1, "received": 0}


def test_what_somebody_writes_to_is_left_for_the_next_time(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.pipeline.upload._WAIT_SECONDS", 0)
    begun = begin_upload(gateway, SOURCE.id, length=9, filename="")
    then = later(gateway, days=4)
    with gateway.partial.lock(begun.id):
        assert prune_uploads(then) == {"removed": 0, "received": 0}
    assert prune_uploads(then) == {"removed": 1, "received": 0}


def test_one_whose_files_are_gone_is_removed_all_the_same(
    gateway: Gateway, database_url: str
) -> None:
    """Killed between the row and the files, or by hand."""
    begun = begin_upload(gateway, SOURCE.id, length=9, filename="")
    for path in list_files(gateway):
        path.unlink()
    with pytest.raises(UnknownError):
        get_upload(gateway, SOURCE.id, begun.id)
    assert prune_uploads(later(gateway, days=4)) == {"removed": 1, "received": 0}
    assert read_rows(database_url, uploads) == []


def test_ending_one_that_is_being_received_leaves_the_batch(
    gateway: Gateway, database_url: str
) -> None:
    begun = upload(gateway)
    with ThreadPoolExecutor(2) as pool:
        finishing = pool.submit(finish_upload, gateway, begun)
        ending = pool.submit(end_upload, gateway, begun)
    ending.result()
    # Whichever came first: received and forgotten, or ended and gone.
    error = finishing.exception()
    assert error is None or isinstance(error, UnknownError)
    assert read_rows(database_url, uploads) == []
    assert list_files(gateway) == []
    assert len(read_rows(database_url, batches)) == (
        1 if "upload.finished" in list_actions(database_url, begun) else 0
    )


def test_no_word_of_a_feed_is_in_the_audit_log(gateway: Gateway, database_url: str) -> None:
    begun = begin_upload(
        gateway, SOURCE.id, length=4, filename="marked-name", metadata="filename bWFya2Vk"
    )
    append_to_upload(gateway, begun, 0, [b"word"])
    finish_upload(gateway, begun)
    told = " ".join(str(row) for row in read_rows(database_url, audit))
    assert begun.id in told
    assert "marked" not in told
    assert "bWFya2Vk" not in told
