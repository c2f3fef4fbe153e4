"""What is answered at ``/uploads``: tus 1.0.0, and who may do what to which upload."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from httpx import Response

from gateway.pipeline import upload as uploading
from gateway.pipeline.upload import MOST_UNFINISHED, prune_uploads
from tests.lib.api import SOURCE
from tests.lib.uploads import BYTES, Bench, at, begin, digest, open_bench, tell

FEED = b'{"resourceType": "AdverseEvent"}\n' * 10


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.fixture
def bench(served: Bench) -> Bench:
    """Days later, when the uploads of the test before are gone."""
    served.wait(days=4)
    prune_uploads(served.gateway)
    return served


def check_problem(answer: Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["tus-resumable"] == "1.0.0"


def test_options_tell_what_is_spoken(bench: Bench) -> None:
    answer = bench.client.options("/uploads")
    assert answer.status_code == 204
    told = {name: answer.headers[f"tus-{name}"] for name in ("version", "extension", "max-size")}
    assert told == {
        "version": "1.0.0",
        "extension": "creation,creation-with-upload,termination,expiration,checksum",
        "max-size": str(bench.gateway.settings.max_feed_bytes),
    }
    assert "sha1" in answer.headers["tus-checksum-algorithm"].split(",")


def test_a_feed_in_three_pieces_becomes_a_batch(bench: Bench) -> None:
    url = begin(bench.client, len(FEED), filename="Northmoor März.ndjson", filetype="text/plain")
    for start, end in ((0, 100), (100, 101), (101, len(FEED))):
        asked = bench.client.head(url)
        assert (asked.status_code, asked.headers["upload-offset"]) == (200, str(start))
        assert asked.headers["cache-control"] == "no-store"
        assert "content-location" not in asked.headers
        answer = bench.client.patch(url, content=FEED[start:end], headers=at(start))
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["upload-offset"] == str(end)
        assert answer.headers["tus-resumable"] == "1.0.0"
    asked = bench.client.head(url)
    assert asked.headers["upload-offset"] == asked.headers["upload-length"] == str(len(FEED))
    assert asked.headers["content-location"] == answer.headers["content-location"]
    batch_id = asked.headers["content-location"].removeprefix("/feeds/")
    with bench.gateway.store.read() as work:
        batch = work.batches.get(batch_id)
    assert batch.sha256 == hashlib.sha256(FEED).hexdigest()
    assert (batch.source_id, batch.route) == (SOURCE.id, "http")
    assert batch.filename == "Northmoor März.ndjson"
    with bench.gateway.raw.open_verified(batch.sha256) as stream:
        assert stream.read() == FEED
    assert list(bench.gateway.settings.uploads_folder.iterdir()) == []


def test_the_same_bytes_another_way_are_the_same_batch(bench: Bench) -> None:
    found = set()
    for size in (len(FEED), 50):
        url = begin(bench.client, len(FEED))
        for start in range(0, len(FEED), size):
            answer = bench.client.patch(url, content=FEED[start : start + size], headers=at(start))
        found.add(answer.headers["content-location"])
    assert len(found) == 1


def test_what_a_client_said_of_it_is_told_again(bench: Bench) -> None:
    said = tell(filename="a.csv", relativePath="x/y", empty="") | {"Upload-Length": "7"}
    url = bench.client.post("/uploads", headers=said).headers["location"]
    assert bench.client.head(url).headers["upload-metadata"] == said["Upload-Metadata"]
    url = bench.client.post("/uploads", headers={"Upload-Length": "7"}).headers["location"]
    assert "upload-metadata" not in bench.client.head(url).headers


def test_it_can_be_begun_with_its_first_bytes_or_all(bench: Bench) -> None:
    headers = {"Upload-Length": str(len(FEED)), "Content-Type": BYTES}
    answer = bench.client.post("/uploads", content=FEED[:50], headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, "50")
    rest = bench.client.patch(answer.headers["location"], content=FEED[50:], headers=at(50))
    whole = bench.client.post("/uploads", content=FEED, headers=headers)
    assert whole.status_code == 201
    assert whole.headers["content-location"] == rest.headers["content-location"]


def test_nothing_is_left_of_one_whose_first_bytes_are_refused(bench: Bench) -> None:
    headers = {"Upload-Length": "9", "Content-Type": BYTES, "Upload-Checksum": digest(b"other")}
    check_problem(
        bench.client.post("/uploads", content=b"some", headers=headers), 460, "checksum-mismatch"
    )
    with bench.gateway.store.read() as work:
        assert work.uploads.find_expired(bench.now.replace(year=2999)) == []
    assert list(bench.gateway.settings.uploads_folder.iterdir()) == []


def test_an_empty_feed_is_whole_when_it_begins(bench: Bench) -> None:
    answer = bench.client.post("/uploads", headers={"Upload-Length": "0"})
    assert answer.headers["upload-offset"] == "0"
    assert answer.headers["content-location"].startswith("/feeds/b-")


@pytest.mark.parametrize("told", [None, "0.2.2", "1.0"])
def test_another_version_is_refused(bench: Bench, told: str | None) -> None:
    url = begin(bench.client, 9)
    for method, path in (("POST", "/uploads"), ("HEAD", url), ("PATCH", url), ("DELETE", url)):
        asked = bench.client.build_request(method, path, headers=at(0))
        del asked.headers["Tus-Resumable"]
        if told is not None:
            asked.headers["Tus-Resumable"] = told
        answer = bench.client.send(asked)
        assert (answer.status_code, answer.headers["tus-version"]) == (412, "1.0.0")


@pytest.mark.parametrize("told", ["", "-1", "1.5", "٣", "1e3", "9" * 19, "0x10"])
def test_a_length_that_is_none(bench: Bench, told: str) -> None:
    answer = bench.client.post("/uploads", headers={"Upload-Length": told.encode()})
    check_problem(answer, 400, "tus-header")


def test_a_length_that_is_not_known_yet(bench: Bench) -> None:
    answer = bench.client.post("/uploads", headers={"Upload-Defer-Length": "1"})
    check_problem(answer, 400, "tus-header")


def test_a_feed_may_be_so_long_and_no_longer(tmp_path: Path) -> None:
    with open_bench(tmp_path, max_feed_bytes=1_000) as bench:
        begin(bench.client, 1_000)
        answer = bench.client.post("/uploads", headers={"Upload-Length": "1001"})
        check_problem(answer, 413, "body-too-large")


@pytest.mark.parametrize(
    "told",
    [
        "filename",
        "filename YQ==,filename Yg==",
        "filename !!!",
        "filename YQ==,",
        ",",
        "file name YQ==",
        "filename YQ",
        "filename //79",
        "dry-run eWVz",
        "filename " + "YWFh" * 86,
        "x YQ==," * 600,
    ],
)
def test_metadata_that_cannot_be_read(bench: Bench, told: str) -> None:
    answer = bench.client.post("/uploads", headers={"Upload-Length": "9", "Upload-Metadata": told})
    if told == "filename":
        assert answer.status_code == 201
    else:
        check_problem(answer, 400, "tus-header")


@pytest.mark.parametrize("offset", ["0", "3", "5", "999999999999999999"])
def test_bytes_for_elsewhere(bench: Bench, offset: str) -> None:
    url = begin(bench.client, 9)
    bench.client.patch(url, content=b"abcd", headers=at(0))
    answer = bench.client.patch(url, content=b"x", headers=at(int(offset)))
    check_problem(answer, 409, "upload-offset")
    assert answer.headers["upload-offset"] == bench.client.head(url).headers["upload-offset"] == "4"


@pytest.mark.parametrize("offset", [None, "", "-1", "four"])
def test_an_offset_that_is_none(bench: Bench, offset: str | None) -> None:
    url = begin(bench.client, 9)
    headers = at(0) | {"Upload-Offset": offset or ""}
    if offset is None:
        del headers["Upload-Offset"]
    check_problem(bench.client.patch(url, content=b"x", headers=headers), 400, "tus-header")


@pytest.mark.parametrize("told", [None, "application/octet-stream", "application/json"])
def test_bytes_of_another_type(bench: Bench, told: str | None) -> None:
    url = begin(bench.client, 9)
    headers = {"Upload-Offset": "0"} | ({"Content-Type": told} if told else {})
    answer = bench.client.patch(url, content=b"x", headers=headers)
    check_problem(answer, 415, "unsupported-media-type")
    headers["Upload-Length"] = "9"
    answer = bench.client.post("/uploads", content=b"x", headers=headers)
    check_problem(answer, 415, "unsupported-media-type")


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    """A body that does not say how long it is."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("is_told", [True, False])
def test_more_bytes_than_it_has_are_refused(bench: Bench, is_told: bool) -> None:
    url = begin(bench.client, len(FEED))
    body = FEED + b"and more"
    content = body if is_told else pieces(body, 7)
    answer = bench.client.patch(url, content=content, headers=at(0))
    check_problem(answer, 413, "body-too-large")
    asked = bench.client.head(url)
    assert asked.headers["upload-offset"] == "0"
    answer = bench.client.patch(url, content=pieces(FEED, 7), headers=at(0))
    assert "content-location" in answer.headers


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_checksum_that_fits(bench: Bench, algorithm: str) -> None:
    url = begin(bench.client, len(FEED))
    for start in range(0, len(FEED), 100):
        piece = FEED[start : start + 100]
        headers = at(start, Upload_Checksum=digest(piece, algorithm))
        answer = bench.client.patch(url, content=piece, headers=headers)
        assert answer.status_code == 204
    assert answer.headers["content-location"].startswith("/feeds/b-")


def test_a_checksum_that_does_not_fit(bench: Bench) -> None:
    url = begin(bench.client, len(FEED))
    bench.client.patch(url, content=FEED[:9], headers=at(0))
    wrong = at(9, Upload_Checksum=digest(b"something else"))
    answer = bench.client.patch(url, content=FEED[9:], headers=wrong)
    check_problem(answer, 460, "checksum-mismatch")
    assert bench.client.head(url).headers["upload-offset"] == "9"
    right = at(9, Upload_Checksum=digest(FEED[9:]))
    assert bench.client.patch(url, content=FEED[9:], headers=right).status_code == 204


@pytest.mark.parametrize("told", ["", "md5 XUFAKrxLKna5cZ2REBfFkg==", "sha256", "sha256 !!!"])
def test_a_checksum_that_cannot_be_read(bench: Bench, told: str) -> None:
    url = begin(bench.client, 9)
    answer = bench.client.patch(url, content=b"x", headers=at(0, Upload_Checksum=told))
    if told == "sha256":
        check_problem(answer, 460, "checksum-mismatch")
    else:
        check_problem(answer, 400, "tus-header")


def test_an_upload_is_its_source_s_alone(bench: Bench) -> None:
    url = begin(bench.client, 9)
    for method in ("HEAD", "PATCH", "DELETE"):
        answer = bench.other.request(method, url, content=b"x", headers=at(0))
        assert answer.status_code == 404
        assert "upload-offset" not in answer.headers
    assert bench.client.head(url).headers["upload-offset"] == "0"


@pytest.mark.parametrize("way", ["none", "wrong"])
def test_nobody_does_anything_without_a_key(bench: Bench, way: str) -> None:
    url = begin(bench.client, 9)
    name = "Ocp-Apim-Subscription-Key"
    url = f"{bench.client.base_url}{url}"
    headers = {"Tus-Resumable": "1.0.0", **at(0)} | ({name: "lrms_wrong"} if way == "wrong" else {})
    every = url.rsplit("/", 1)[0]
    for method, path in (("POST", every), ("HEAD", url), ("PATCH", url), ("DELETE", url)):
        answer = httpx.request(method, path, content=b"x", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["tus-resumable"] == "1.0.0"
    part = next(bench.gateway.settings.uploads_folder.glob("*.part"))
    assert part.stat().st_size == 0


@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "x", "0" * 32, "%00", "..%5c.."])
def test_an_id_that_is_none(bench: Bench, name: str) -> None:
    for method in ("HEAD", "PATCH", "DELETE"):
        answer = bench.client.request(method, f"/uploads/{name}", content=b"x", headers=at(0))
        assert answer.status_code == 404


def test_a_dry_run_is_kept_and_not_loaded(bench: Bench) -> None:
    feed = FEED + b"\n" * 7
    url = begin(bench.client, len(feed), dry_run="true", filename="try.ndjson")
    answer = bench.client.patch(url, content=feed, headers=at(0))
    trial_id = answer.headers["content-location"].removeprefix("/feeds/")
    with bench.gateway.store.read() as work:
        trial = work.trials.get(trial_id)
        assert trial.sha256 == hashlib.sha256(feed).hexdigest()
        assert trial.filename == "try.ndjson"
        assert trial_id not in {batch.id for batch in work.batches.find_all()}


def test_a_dry_run_may_be_so_long_and_no_longer(bench: Bench) -> None:
    most = bench.gateway.settings.max_trial_bytes
    begin(bench.client, most, dry_run="true")
    begin(bench.client, most + 1, dry_run="false")
    told = {"Upload-Length": str(most + 1), **tell(dry_run="true")}
    check_problem(bench.client.post("/uploads", headers=told), 413, "body-too-large")


def test_it_can_be_ended(bench: Bench) -> None:
    url = begin(bench.client, 9)
    bench.client.patch(url, content=b"abc", headers=at(0))
    answer = bench.client.delete(url)
    assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0")
    assert bench.client.head(url).status_code == 404
    assert bench.client.delete(url).status_code == 404
    assert list(bench.gateway.settings.uploads_folder.iterdir()) == []


def test_a_batch_outlives_the_upload_it_came_by(bench: Bench) -> None:
    url = begin(bench.client, len(FEED))
    answer = bench.client.patch(url, content=FEED, headers=at(0))
    assert bench.client.delete(url).status_code == 204
    with bench.gateway.store.read() as work:
        batch = work.batches.get(answer.headers["content-location"].removeprefix("/feeds/"))
    with bench.gateway.raw.open_verified(batch.sha256) as stream:
        assert stream.read() == FEED


def test_it_expires(bench: Bench) -> None:
    answer = bench.client.post("/uploads", headers={"Upload-Length": "9"})
    url = answer.headers["location"]
    until = format_datetime(bench.now + timedelta(days=3), usegmt=True)
    assert answer.headers["upload-expires"] == until
    bench.wait(days=3, seconds=-1)
    answer = bench.client.patch(url, content=b"abc", headers=at(0))
    assert answer.headers["upload-expires"] == until
    bench.wait(seconds=1)
    answer = bench.client.patch(url, content=b"def", headers=at(3))
    check_problem(answer, 410, "upload-expired")
    answer = bench.client.head(url)
    assert answer.status_code == 410
    assert "upload-offset" not in answer.headers


def test_a_source_has_so_many_unfinished_at_a_time(bench: Bench) -> None:
    first = begin(bench.client, 9)
    bench.wait(hours=1)
    for _ in range(MOST_UNFINISHED - 1):
        begin(bench.client, 9)
    answer = bench.client.post("/uploads", headers={"Upload-Length": "9"})
    check_problem(answer, 429, "too-many-uploads")
    # Until the first of them expires.
    assert answer.headers["retry-after"] == str(71 * 3600)
    begin(bench.other, 9)
    bench.client.patch(first, content=b"x" * 9, headers=at(0))
    begin(bench.client, 9)
    bench.wait(days=4)
    begin(bench.client, 9)


def test_methods_that_a_network_lets_not_through(bench: Bench) -> None:
    url = begin(bench.client, len(FEED))
    headers = at(0, X_HTTP_Method_Override="PATCH")
    answer = bench.client.post(url, content=FEED[:9], headers=headers)
    assert (answer.status_code, answer.headers["upload-offset"]) == (204, "9")
    answer = bench.client.post(url, headers={"X-HTTP-Method-Override": "HEAD"})
    assert (answer.status_code, answer.headers["upload-offset"]) == (200, "9")
    check_problem(bench.client.post(url), 400, "tus-header")
    answer = bench.other.post(url, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 404
    answer = bench.client.post(url, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 204
    assert bench.client.head(url).status_code == 404


def test_whole_and_never_received_is_received_by_asking(bench: Bench) -> None:
    """Its process was killed after the last byte; some clients ask by HEAD and are content."""
    url = begin(bench.client, len(FEED))
    upload, _ = uploading.get_upload(bench.gateway, SOURCE.id, url.rsplit("/", 1)[1])
    uploading.append_to_upload(bench.gateway, upload, 0, [FEED])
    answer = bench.client.head(url)
    assert answer.headers["upload-offset"] == str(len(FEED))
    assert answer.headers["content-location"].startswith("/feeds/b-")


def test_one_that_somebody_else_writes_to(bench: Bench) -> None:
    url = begin(bench.client, 9)
    with bench.gateway.partial.lock(url.rsplit("/", 1)[1]):
        answer = bench.client.patch(url, content=b"abc", headers=at(0))
        check_problem(answer, 409, "upload-busy")
        assert bench.client.head(url).headers["upload-offset"] == "0"
