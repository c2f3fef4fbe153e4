"""Raw files in an S3-compatible object store: as in a folder, from several machines."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pytest

from gateway.generator import write_feed
from gateway.pipeline.ingest import ingest_feed
from schemas.batch import Part
from schemas.errors import UnavailableError, UnknownError, WrongUseError
from store.object_files import ObjectFiles
from store.raw_files import DamagedError, hash_range
from store.raw_store import open_raw_store
from tests.lib.line import open_line, register_everyone
from tests.lib.object_store import run_object_store
from tests.lib.ports import hold_port

CONTENT = b"synthetic feed\n" * 800_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PLACE = f"raw/{SHA256[:2]}/{SHA256[2:4]}/{SHA256}"


@pytest.fixture(scope="module")
def server():
    with run_object_store() as one:
        yield one


@pytest.fixture
def bucket(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").clear_instance_cache()
    for name in server.list_objects():
        ObjectFiles(server.url)._files.rm_file(f"feeds/{name}")
    return server


@pytest.fixture
def files(bucket):
    return ObjectFiles(bucket.url)


def test_bytes_come_back_from_under_their_hash(files, bucket):
    stored = files.write(io.BytesIO(CONTENT))
    assert (stored.sha256, stored.size) == (SHA256, len(CONTENT))
    assert bucket.list_objects() == [PLACE]
    with files.open_verified(SHA256) as stream:
        assert stream.read() == CONTENT
        stream.seek(15)
        assert stream.readline() == b"synthetic feed\n"
    assert files.holds(SHA256)
    assert files.holds_any()


def test_a_part_is_verified_and_read_apart(files):
    files.write(io.BytesIO(CONTENT))
    start, end = 6_000_000, 9_000_000
    part = Part(
        batch_number=1,
        number=0,
        start=start,
        end=end,
        sha256=hash_range(io.BytesIO(CONTENT), start, end),
    )
    with files.open_verified(SHA256, part) as stream:
        stream.seek(start)
        assert stream.read(end - start) == CONTENT[start:end]


def test_an_upload_is_taken_over(files, tmp_path):
    (tmp_path / "upload").write_bytes(CONTENT)
    stored = files.adopt(tmp_path / "upload")
    assert (stored.sha256, stored.size) == (SHA256, len(CONTENT))
    with files.open(SHA256) as stream:
        assert stream.read() == CONTENT


def test_the_same_bytes_from_several_at_once(bucket):
    with ThreadPoolExecutor(4) as pool:
        stored = list(
            pool.map(lambda _: ObjectFiles(bucket.url).write(io.BytesIO(CONTENT)), range(4))
        )
    assert {one.sha256 for one in stored} == {SHA256}
    assert bucket.list_objects() == [PLACE]


def test_what_is_damaged_is_seen_and_mended_by_the_same_bytes(files, bucket):
    files.write(io.BytesIO(CONTENT))
    fsspec.filesystem("s3").pipe_file(f"feeds/{PLACE}", CONTENT[:-1] + b"!")
    with pytest.raises(DamagedError, match="is damaged"), files.open_verified(SHA256):
        pass
    files.write(io.BytesIO(CONTENT))
    with files.open_verified(SHA256) as stream:
        assert stream.read(5) == b"synth"


def test_what_is_not_there(files):
    with pytest.raises(DamagedError, match="is gone"):
        files.open("0" * 64)
    assert not files.holds("0" * 64)
    assert not files.holds_any()
    with pytest.raises(UnknownError):
        files.open("../" + "0" * 61)


def test_what_is_removed_is_gone_and_may_be_removed_again(files):
    files.write(io.BytesIO(CONTENT))
    files.remove(SHA256)
    files.remove(SHA256)
    assert not files.holds(SHA256)


def test_a_store_that_does_not_answer_may_answer_later(files, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{hold_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(UnavailableError, match="could not be stored") as refused:
        ObjectFiles("s3://feeds/raw").write(io.BytesIO(CONTENT))
    assert refused.value.retryable
    assert "127.0.0.1" not in str(refused.value)


@pytest.mark.parametrize("url", ["s3://", "file:///tmp", "feeds", "http://somewhere/feeds"])
def test_an_address_that_is_none(url, tmp_path):
    with pytest.raises(WrongUseError, match="s3://bucket/folder"):
        open_raw_store(url, tmp_path)


def test_a_feed_is_loaded_from_it(bucket, tmp_path):
    feed = io.BytesIO()
    write_feed(feed, events=40, format="fhir-5", seed=3)
    feed.seek(0)
    with open_line(tmp_path, raw_url=bucket.url, part_bytes=50_000) as gateway:
        register_everyone(gateway, formats=("fhir",))
        batch, _ = ingest_feed(gateway, "test-fhir", feed, filename="feed")
    assert batch.counts.created == 40
    assert len(bucket.list_objects()) == 1
    assert not (tmp_path / "raw").exists()
