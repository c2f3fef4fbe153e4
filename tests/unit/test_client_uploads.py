"""Large feeds go in pieces, and go on where the line was cut: every byte once, in order."""

import io
from base64 import b64decode
from collections.abc import Callable

import pytest
import requests
import responses
from requests import PreparedRequest

from gateway.client import (
    BadAnswerError,
    NotAllowedError,
    NotFoundError,
    NotNowError,
    Patience,
    RefusedError,
    ServerError,
    UploadCutError,
)
from tests.lib.vendor import BASE, FakeTime, make_client, make_problem

UPLOADS = f"{BASE}/uploads"
ONE = f"{UPLOADS}/u-1"
FEED = bytes(range(256)) * 4
Answer = tuple[int, dict[str, str], str]


class FakeUploads:
    """One upload as the gateway keeps it. ``trouble``: what happens to the next pieces, one after
    the other: None, or a function that gives the answer or raises."""

    def __init__(self, mock: responses.RequestsMock) -> None:
        self.kept, self.length = b"", -1
        self.metadata: dict[str, str] = {}
        self.trouble: list[Callable[[], Answer] | None] = []
        self.asked: list[str] = []
        # How often it answers that it is still being taken in, once it is whole.
        self.busy = 0
        mock.add_callback("POST", UPLOADS, self._begin)
        mock.add_callback("HEAD", ONE, self._tell)
        mock.add_callback("PATCH", ONE, self._append)
        mock.add("GET", f"{BASE}/feeds/b-1", json={"id": "b-1", "state": "received"})

    def _begin(self, request: PreparedRequest) -> Answer:
        assert request.headers["Tus-Resumable"] == "1.0.0"
        self.length = int(request.headers["Upload-Length"])
        pairs = (pair.split(" ") for pair in request.headers["Upload-Metadata"].split(","))
        self.metadata = {name: b64decode(value).decode() for name, value in pairs}
        return 201, {"Location": "/uploads/u-1"} | self._headers(), ""

    def _tell(self, request: PreparedRequest) -> Answer:
        self.asked.append("HEAD")
        self.busy -= len(self.kept) == self.length
        return 200, {"Upload-Length": str(self.length)} | self._headers(), ""

    def _append(self, request: PreparedRequest) -> Answer:
        self.asked.append(f"PATCH {request.headers['Upload-Offset']}")
        assert request.headers["Content-Type"] == "application/offset+octet-stream"
        piece = request.body
        assert int(request.headers["Content-Length"]) == len(piece)
        trouble = self.trouble.pop(0) if self.trouble else None
        if trouble is not None:
            return trouble(self, piece)
        self.keep(request, piece)
        return 204, self._headers(), ""

    def keep(self, request: PreparedRequest, piece: bytes) -> None:
        assert int(request.headers["Upload-Offset"]) == len(self.kept)
        self.kept += piece

    def _headers(self) -> dict[str, str]:
        headers = {"Upload-Offset": str(len(self.kept))}
        if len(self.kept) == self.length and self.busy <= 0:
            headers["Content-Location"] = "/feeds/b-1"
        return headers


def cut_after(count: int):
    """The line is cut; ``count`` bytes of the piece were kept."""

    def cut(uploads: FakeUploads, piece: bytes) -> Answer:
        uploads.kept += piece[:count]
        raise requests.ConnectionError(ConnectionResetError())

    return cut


def answer(status: int, code: str, keep: int = 0, **headers: str):
    def give(uploads: FakeUploads, piece: bytes) -> Answer:
        uploads.kept += piece[:keep]
        problem = make_problem(status, code)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return status, told, requests.compat.json.dumps(problem)

    return give


@pytest.fixture
def mocked():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def uploads(mocked):
    return FakeUploads(mocked)


@pytest.fixture
def time():
    return FakeTime()


def make_uploader(time, **options):
    return make_client(time, **{"upload_over_bytes": 1000, "upload_chunk_bytes": 400} | options)


def test_a_large_feed_goes_in_pieces(uploads, time, tmp_path):
    path = tmp_path / "nächtlich.ndjson"
    path.write_bytes(FEED)
    feed = make_uploader(time).send_feed(path)
    assert (feed.id, feed.state) == ("b-1", "received")
    assert uploads.kept == FEED
    assert uploads.asked == ["PATCH 0", "PATCH 400", "PATCH 800"]
    assert uploads.metadata == {"filename": "nächtlich.ndjson", "dry-run": "false"}


def test_who_may_send_but_not_look_is_told_its_id(mocked, uploads, time):
    problem = make_problem(403, "scope-missing")
    mocked.replace("GET", f"{BASE}/feeds/b-1", status=403, json=problem)
    feed = make_uploader(time).send_feed(io.BytesIO(FEED), filename="a")
    assert (feed.id, feed.state, feed.filename) == ("b-1", "received", "a")


def test_a_dry_run_in_pieces(uploads, time):
    make_uploader(time).send_feed(io.BytesIO(FEED), filename="a.csv", dry_run=True)
    assert uploads.metadata == {"filename": "a.csv", "dry-run": "true"}


def test_from_where_the_stream_stands(uploads, time):
    stream = io.BytesIO(b"head" + FEED)
    stream.seek(4)
    make_uploader(time).send_feed(stream)
    assert uploads.kept == FEED


TROUBLE = {
    "cut before anything": [None, cut_after(0)],
    "cut in the middle": [cut_after(123)],
    "cut after everything": [None, cut_after(400)],
    "cut after the last byte": [None, None, cut_after(224)],
    "cut again and again": [cut_after(7), cut_after(0), cut_after(0), cut_after(11), cut_after(0)],
    "an earlier piece is being written": [answer(409, "upload-busy", 400, Retry_After="1")],
    "it stands elsewhere": [answer(409, "upload-offset", 50, Upload_Offset="50")],
    "too slow": [answer(408, "body-too-slow", 20)],
    "cut on the way": [answer(400, "body-cut-off", 20)],
    "too many requests": [answer(429, "limit", Retry_After="3")],
    "not now": [None, answer(503, "unavailable", 10, Retry_After="3")],
    "a proxy that failed": [answer(502, "", 10), answer(504, "", 10)],
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_it_goes_on_where_it_was_cut(uploads, time, trouble):
    uploads.trouble = list(trouble)
    assert make_uploader(time).send_feed(io.BytesIO(FEED)).id == "b-1"
    assert uploads.kept == FEED
    assert "HEAD" in uploads.asked


def test_bytes_that_arrived_begin_patience_anew(uploads, time):
    uploads.trouble = [cut_after(10)] * 50
    make_uploader(time).send_feed(io.BytesIO(FEED))
    assert uploads.kept == FEED


def test_it_waits_while_it_is_taken_in(uploads, time):
    uploads.busy = 3
    assert make_uploader(time).send_feed(io.BytesIO(FEED)).id == "b-1"
    assert uploads.asked[3:] == ["HEAD"] * 3


def test_when_patience_ends_it_can_be_gone_on_with(uploads, time):
    uploads.trouble = [None, *[cut_after(0)] * 4]
    stream = io.BytesIO(FEED)
    with pytest.raises(UploadCutError) as raised:
        make_uploader(time).send_feed(stream)
    assert raised.value.upload_id == "u-1"
    assert len(uploads.kept) == 400
    stream.seek(0)
    make_uploader(time).send_feed(stream, upload_id="u-1")
    assert uploads.kept == FEED
    assert uploads.asked[-3:] == ["HEAD", "PATCH 400", "PATCH 800"]


def test_going_on_with_one_that_is_whole_sends_nothing(uploads, time):
    uploads.kept, uploads.length = FEED, len(FEED)
    make_uploader(time).send_feed(io.BytesIO(FEED), upload_id="u-1")
    assert uploads.asked == ["HEAD"]


def test_going_on_with_another_feed_is_refused(uploads, time):
    uploads.length = 3
    with pytest.raises(ValueError, match="another length"):
        make_uploader(time).send_feed(io.BytesIO(FEED), upload_id="u-1")


@pytest.mark.parametrize("upload_id", ["../feeds", "a/b", "", "a?b"])
def test_an_upload_id_that_cannot_be(uploads, time, upload_id):
    with pytest.raises(ValueError, match="upload"):
        make_uploader(time).send_feed(io.BytesIO(FEED), upload_id=upload_id)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "credentials-refused", NotAllowedError),
        (404, "not-found", NotFoundError),
        (410, "upload-expired", NotFoundError),
        (413, "body-too-large", RefusedError),
        (400, "tus-header", RefusedError),
        (500, "fault", ServerError),
    ],
)
def test_what_is_final_ends_it(uploads, time, status, code, error):
    uploads.trouble = [answer(status, code)]
    with pytest.raises(error) as raised:
        make_uploader(time).send_feed(io.BytesIO(FEED))
    assert raised.value.code == code
    assert time.sleeps == []


def test_too_many_uploads_are_told_at_once(mocked, time):
    problem = make_problem(429, "too-many-uploads")
    mocked.add("POST", UPLOADS, status=429, json=problem, headers={"Retry-After": "90000"})
    with pytest.raises(NotNowError):
        make_uploader(time).send_feed(io.BytesIO(FEED))
    assert time.sleeps == []


@pytest.mark.parametrize("place", [None, "", "/", "/uploads/a b"])
def test_a_beginning_without_an_address(mocked, time, place):
    mocked.add("POST", UPLOADS, status=201, headers={"Location": place} if place else {})
    with pytest.raises(BadAnswerError):
        make_uploader(time).send_feed(io.BytesIO(FEED))


@pytest.mark.parametrize("offset", [None, "", "-1", "x", "0", "99999"])
def test_an_offset_that_cannot_be(mocked, time, offset):
    mocked.add("POST", UPLOADS, status=201, headers={"Location": "/uploads/u-1"})
    headers = {"Upload-Offset": offset} if offset else {}
    mocked.add("PATCH", ONE, status=204, headers=headers)
    with pytest.raises(BadAnswerError):
        make_uploader(time).send_feed(io.BytesIO(FEED))


def test_the_keys_never_follow_an_address_that_is_answered(mocked, time):
    uploads = FakeUploads(mocked)
    place = {"Location": "https://elsewhere.example/uploads/u-1", "Upload-Offset": "0"}
    uploads.length = len(FEED)
    mocked.replace("POST", UPLOADS, status=201, headers=place)
    make_uploader(time).send_feed(io.BytesIO(FEED))
    assert all(call.request.url.startswith(BASE) for call in mocked.calls)
    assert uploads.kept == FEED


def test_a_stream_that_cannot_be_wound_back(time):
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(ValueError, match="wound back"):
        make_uploader(time).send_feed(Pipe(FEED))


def test_patience_is_that_of_a_call(uploads, time):
    uploads.trouble = [cut_after(0)] * 99
    with pytest.raises(UploadCutError):
        make_uploader(time, patience=Patience(attempts=7, total_seconds=1000)).send_feed(
            io.BytesIO(FEED)
        )
    assert len(time.sleeps) == 6
