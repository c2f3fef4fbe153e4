"""What bounds a request: how much of everything in a minute, how large, how deep, how slow; all of
it before anything is parsed, and nothing of it stored."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests

from gateway.api import loading
from gateway.api.wire import MOST_HEAD_BYTES, Wire
from gateway.pipeline import judge_single
from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import (
    EVENTS,
    PATIENCE,
    Api,
    count_rows,
    encode,
    get_code,
    get_issue,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.raw_http import (
    RawAnswer,
    check_raw_answer,
    chunk,
    connect,
    make_head,
    read_answer,
    send,
)
from tests.lib.waiting import wait_for as wait_until

MIB = 2**20
DEEP = 100_000
Open = Callable[..., Api]


@pytest.fixture
def open_with(tmp_path: Path) -> Iterator[Open]:
    """Opens an API with settings of the test's own."""
    with ExitStack() as stack:

        def open_one(**settings: object) -> Api:
            return stack.enter_context(open_api(tmp_path / "home", **settings))

        yield open_one


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(
        tmp_path_factory.mktemp("limits"),
        max_record_bytes=MIB,
        max_feed_bytes=2 * MIB,
        max_trial_bytes=MIB,
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """For what never comes: a machine that stalls could make anything else late as well."""
    home = tmp_path_factory.mktemp("hasty")
    with open_api(home, body_seconds=0.4, idle_seconds=0.4) as opened:
        yield opened


@pytest.fixture
def unchanged(api: Api) -> Iterator[None]:
    with kept_unchanged(api):
        yield


@contextmanager
def kept_unchanged(api: Api) -> Iterator[None]:
    """Nothing is stored."""
    before = count_rows(api.database)
    yield
    assert count_rows(api.database) == before
    # The thread of a feed that broke off takes its file away, a moment later.
    incoming = api.gateway.settings.raw_folder / "incoming"
    wait_until("the file to be gone", lambda: not list(incoming.glob("*")))


def keyed(api: Api, **more: str) -> dict[str, str]:
    return {"Ocp_Apim_Subscription_Key": api.keys[SOURCE.id], **more}


# --- So much a minute ---


def test_requests_a_minute(open_with: Open) -> None:
    api = open_with(max_requests_per_minute=5)
    # NOW is 20 seconds into its minute.
    for left in (4, 3, 2, 1, 0):
        answer = api.call("GET", "/feeds")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"].split(", ")[0] == '"requests";q=5;w=60'
        assert answer.headers["RateLimit"].split(", ")[0] == f'"requests";r={left};t=40'
        assert "Retry-After" not in answer.headers
    before = count_rows(api.database)
    for path in ("/feeds", f"{EVENTS}?identifier=x"):
        refused = api.call("GET", path)
        assert (refused.status_code, get_code(refused)) == (429, "too-many-requests")
        assert refused.headers["Retry-After"] == "40"
        assert refused.headers["RateLimit"].split(", ")[0] == '"requests";r=0;t=40'
    assert get_issue(refused)["code"] == "throttled"
    assert api.create(write_event(name=make_name())).status_code == 429
    assert count_rows(api.database) == before
    assert api.call("GET", "/feeds", source=OTHER.id).status_code == 200
    assert api.call("GET", "/health", source="").status_code == 200
    assert "RateLimit" not in api.call("GET", "/health", source="").headers
    api.clock.forward(40)
    assert api.call("GET", "/feeds").status_code == 200


def test_records_a_minute(open_with: Open) -> None:
    api = open_with(max_records_per_minute=3)
    for _ in range(2):
        assert api.create(write_event(name=make_name())).status_code == 201
    answer = api.call("GET", "/feeds")
    assert '"records";r=1;t=40' in answer.headers["RateLimit"]
    assert '"records";q=3;qu="records";w=60' in answer.headers["RateLimit-Policy"]
    assert api.call("POST", f"{EVENTS}/$validate", write_event()).status_code == 200
    refused = api.create(write_event(name=make_name()))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "40")
    assert "records" in get_issue(refused)["diagnostics"]
    # Reading is no sending.
    assert api.call("GET", "/feeds").status_code == 200
    api.clock.forward(40)
    assert api.create(write_event(name=make_name())).status_code == 201


def test_records_of_feeds_count(open_with: Open) -> None:
    api = open_with(max_records_per_minute=3)
    feed = b"\n".join(encode(write_event(name=make_name())) for _ in range(4))
    wait_for(api, api.call("POST", "/feeds", feed).json()["id"])
    # The worker tells it right after the feed is finished.
    wait_until(
        "the feed to be counted",
        lambda: '"records";r=0;' in api.call("GET", "/feeds").headers["RateLimit"],
        every=0.2,
    )
    assert api.create(write_event(name=make_name())).status_code == 429


def test_bytes_a_minute(open_with: Open) -> None:
    api = open_with(max_bytes_per_minute=10_000)
    body = encode(write_event(name=make_name()))
    assert 3_000 < len(body) < 10_000
    assert api.create(body).status_code == 201
    left = api.call("GET", "/feeds").headers["RateLimit"]
    assert f'"bytes";r={10_000 - len(body)};t=40' in left
    # Bytes that come without having been announced count as well.
    for _ in range(3):
        answer = api.create(iter([body[:100], body[100:]]))
        if answer.status_code == 429:
            break
    left = api.call("GET", "/feeds").headers["RateLimit"]
    assert '"bytes";r=0;t=40' in left
    refused = api.call("POST", "/feeds", body)
    assert (refused.status_code, get_code(refused)) == (429, "too-many-requests")
    assert "bytes" in refused.json()["detail"]
    api.clock.forward(40)
    assert api.create(body).status_code == 200


def test_no_limits_no_headers(open_with: Open) -> None:
    names = ("requests", "records", "bytes")
    api = open_with(**{f"max_{name}_per_minute": 0 for name in names})
    answer = api.create(write_event(name=make_name()))
    assert answer.status_code == 201
    assert not [name for name in answer.headers if name.lower().startswith("ratelimit")]


# --- Size ---

# Where a body is taken, its limit there, and whether FHIR is answered.
TAKEN = {
    "create": ("POST", EVENTS, MIB),
    "update": ("PUT", f"{EVENTS}/0000-0000-0000-0", MIB),
    "validate": ("POST", f"{EVENTS}/$validate", MIB),
    "bundle": ("POST", "/adverse-event/fhir", 2 * MIB),
    "feed": ("POST", "/feeds", 2 * MIB),
    "trial": ("POST", "/feeds?dry-run=true", MIB),
    "token": ("POST", "/oauth2/token", 128 * 1024),
}


def call_raw(api: Api, name: str, *pieces: bytes, **headers: str) -> RawAnswer:
    method, path, _ = TAKEN[name]
    kind = "application/x-www-form-urlencoded" if name == "token" else "application/fhir+json"
    head = make_head(method, path, **keyed(api, Content_Type=kind, **headers))
    answer = send(api.url, head + b"".join(pieces))
    check_raw_answer(answer)
    return answer


def send_in_time(url: str, *pieces: bytes) -> RawAnswer:
    """Sent again where a machine that stalls did not send even the beginning in time: then the
    connection ends without an answer."""
    for _ in range(20):
        answer = send(url, b"".join(pieces))
        if answer.status:
            break
    return answer


def read_code(answer: RawAnswer) -> str:
    told = answer.json()
    if "issue" in told:
        return str(told["issue"][0]["details"]["coding"][0]["code"])
    return str(told.get("code") or told["error_description"])


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_says_it_is_too_large_is_not_waited_for(api: Api, name: str) -> None:
    limit = TAKEN[name][2]
    answer = call_raw(api, name, Content_Length=str(limit + 1))
    assert answer.status == 413
    assert "too large" in read_code(answer).replace("-", " ")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_grows_too_large_is_cut_off(api: Api, name: str) -> None:
    limit = TAKEN[name][2]
    # No end of it: what is answered is answered before.
    pieces = [b"%x\r\n%s\r\n" % (4096, b" " * 4096)] * (limit // 4096 + 1)
    answer = call_raw(api, name, *pieces, Transfer_Encoding="chunked")
    assert answer.status == 413
    assert "too large" in read_code(answer).replace("-", " ")


def test_a_body_of_the_largest_size_is_taken(api: Api) -> None:
    body = encode(write_event(name=make_name()))
    padded = body + b" " * (MIB - len(body))
    assert api.create(padded).status_code == 201
    refused = api.create(padded + b" ")
    assert (refused.status_code, get_code(refused)) == (413, "body-too-large")
    assert "1,048,576" in get_issue(refused)["diagnostics"]


def test_a_library_that_sends_on_hears_the_answer(api: Api) -> None:
    """requests writes all of a body before it reads: a connection closed on it would be all it
    hears."""
    heard = []
    for _ in range(10):
        try:
            heard.append(api.create(b" " * (20 * MIB)).status_code)
        except requests.ConnectionError:
            heard.append(0)
    assert heard == [413] * 10


def test_a_correction_that_is_too_large(api: Api) -> None:
    feed = api.call("POST", "/feeds", write_event(name=make_name(), narrative="Fell.")).json()["id"]
    wait_for(api, feed)
    answer = api.call("PUT", f"/feeds/{feed}/records/1", b" " * (2 * MIB + 1))
    assert (answer.status_code, get_code(answer)) == (413, "body-too-large")
    told = api.call("GET", f"/feeds/{feed}/records/1").json()
    assert told["corrections"] == []


# --- Depth ---


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b'{"resourceType": "AdverseEvent", "extension": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"resourceType": "Parameters", "parameter": ' + b"[" * DEEP,
    ],
)
def test_too_deep_is_refused_before_it_is_parsed(
    api: Api, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> object:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(judge_single, "read_event", never)
    created = api.create(body)
    assert (created.status_code, get_code(created)) == (400, "READ-004")
    assert get_issue(created)["code"] == "too-costly"
    validated = api.call("POST", f"{EVENTS}/$validate", body)
    assert (validated.status_code, get_code(validated)) == (200, "READ-004")


def test_too_deep_in_a_feed_costs_its_record(api: Api) -> None:
    good = encode(write_event(name=make_name()))
    feed = b"\n".join([b'{"resourceType": "AdverseEvent", "x": ' + b"[" * DEEP, good])
    feed_id = api.call("POST", "/feeds", feed).json()["id"]
    assert wait_for(api, feed_id)["counts"] == {
        "records": 2, "created": 1, "revised": 0, "unchanged": 0, "rejected": 1, "quarantined": 0,
    }  # fmt: skip


# --- Time ---


@pytest.mark.parametrize("name", [name for name in TAKEN if name != "token"])
def test_a_body_that_does_not_come(hasty: Api, name: str) -> None:
    with kept_unchanged(hasty):
        answer = call_raw(hasty, name, b'{"resourceType": ', Content_Length="1000")
    assert (answer.status, read_code(answer)) == (408, "body-too-slow")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("name", [name for name in TAKEN if name != "token"])
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_breaks_off(api: Api, name: str) -> None:
    method, path, _ = TAKEN[name]
    head = make_head(method, path, **keyed(api, Content_Length="1000"))
    with connect(api.url) as line:
        line.sendall(head + encode(write_event(name=make_name()))[:500])
    # The next request is answered after it.
    assert api.call("GET", "/health", source="").status_code == 200


def test_a_feed_may_take_its_time(open_with: Open) -> None:
    """So long as something of it comes: the limit is on the silence."""
    api = open_with(body_seconds=0.4, idle_seconds=1)
    body = encode(write_event(name=make_name()))
    pieces = [body[at : at + 200] for at in range(0, len(body), 200)]
    assert len(pieces) * 0.1 > 1

    def slowly() -> Iterator[bytes]:
        for piece in pieces:
            time.sleep(0.1)
            yield piece

    # Again where it is the machine that stalled for a second, and not we.
    for _ in range(20):
        answer = api.call("POST", "/feeds", slowly())
        if answer.status_code != 408:
            break
    assert answer.status_code == 202
    assert wait_for(api, answer.json()["id"])["verdict"] == "accepted"


# --- The head of a request ---


def test_a_head_of_the_largest_size(api: Api) -> None:
    fill = MOST_HEAD_BYTES - len("/health") - 200
    good = send(api.url, make_head("GET", "/health", Connection="close", X_Fill="x" * fill))
    assert good.status == 200
    for bad in (
        make_head("GET", "/health", Connection="close", X_Fill="x" * MOST_HEAD_BYTES),
        make_head("GET", "/health?" + "x" * MOST_HEAD_BYTES, Connection="close"),
        make_head("GET", "/health", **{f"X{number}": "y" * 100 for number in range(1000)}),
        # Without an end.
        b"GET /health HTTP/1.1\r\nX-Fill: " + b"x" * MOST_HEAD_BYTES,
        b"GET /" + b"x" * (MOST_HEAD_BYTES + 1),
        b"GET / HTTP/1.1\r\n" + b"x" * (MOST_HEAD_BYTES + 1),
    ):
        answer = send(api.url, bad)
        check_raw_answer(answer)
        assert (answer.status, read_code(answer)) == (431, "head-too-large")


def test_a_head_that_never_ends_is_not_collected(api: Api) -> None:
    sent = 0
    with connect(api.url) as line:
        line.sendall(b"GET /health HTTP/1.1\r\n")
        with suppress(BrokenPipeError, ConnectionResetError):
            while sent < 100 * MIB:
                line.sendall(b"X-Fill: " + b"x" * 100_000 + b"\r\n")
                sent += 100_000
    assert sent < 20 * MIB, "what the buffers between the two take, and no more"


def test_a_head_that_does_not_come(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wire, "head_seconds", 0.3)
    slow = send_in_time(api.url, b"GET /health HTTP/1.1\r\nX-A: b\r\n")
    check_raw_answer(slow)
    assert (slow.status, read_code(slow)) == (408, "head-too-slow")
    with connect(api.url) as line:
        assert read_answer(line).status == 0
    # The second request on a connection is held to it too.
    first, second = make_head("GET", "/health"), b"GET /health HTTP/1.1\r\n"
    told = send_in_time(api.url, first, second)
    assert told.status == 200
    assert b"head-too-slow" in told.body


def test_one_connection_serves_many_requests(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is of a head: an answer that takes long, and a pause between two, are no concern
    of it."""
    with requests.Session() as session:
        session.headers["Ocp-Apim-Subscription-Key"] = api.keys[SOURCE.id]
        assert session.get(f"{api.url}/health", timeout=PATIENCE).status_code == 200
        # Not before: the first head is waited for from the moment that the connection stands.
        with monkeypatch.context() as patch:
            patch.setattr(Wire, "head_seconds", 0.2)
            for _ in range(3):
                time.sleep(0.3)
                body = encode(write_event(name=make_name()))
                answer = session.post(f"{api.url}{EVENTS}", data=body, timeout=PATIENCE)
                assert answer.status_code == 201
                time.sleep(0.3)
                assert session.get(f"{api.url}/health", timeout=PATIENCE).status_code == 200
    pipelined = make_head("GET", "/health") * 3 + make_head("GET", "/health", Connection="close")
    answer = send(api.url, pipelined)
    assert answer.body.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    "bad",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"garbage\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /health HTTP/1.1\r\nContent-Length: " + b"9" * 400 + b"\r\n\r\n",
        b"POST /feeds HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /feeds HTTP/1.1\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nX-A: b\rc\r\n\r\n",
    ],
)
def test_what_is_no_http(api: Api, bad: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answer = send(api.url, bad)
    check_raw_answer(answer)
    assert (answer.status, read_code(answer)) == (400, "http-malformed")
    told = f"request {answer.headers['x-request-id']}"
    # Maybe a moment after it is answered.
    wait_until("a line of the log", lambda: told in caplog.text)


def test_a_body_whose_chunks_are_broken_is_not_stored(api: Api) -> None:
    before = count_rows(api.database)
    head = make_head("POST", EVENTS, **keyed(api, Transfer_Encoding="chunked"))
    answer = send(api.url, head, b"5\r\n{    \r\nxyz\r\n")
    assert answer.status in (0, 400)
    assert count_rows(api.database) == before


# --- Kind of body ---


@pytest.mark.usefixtures("unchanged")
def test_media_types_that_are_not_taken(api: Api) -> None:
    for name in ("create", "update", "validate"):
        method, path, _ = TAKEN[name]
        for kind in ("application/fhir+xml", "text/xml", "text/plain", "multipart/form-data", "x"):
            answer = api.call(method, path, write_event(), Content_Type=kind)
            assert (answer.status_code, get_code(answer)) == (415, "unsupported-media-type")
            assert get_issue(answer)["code"] == "not-supported"
        packed = api.call(method, path, b"\x1f\x8b", Content_Encoding="gzip")
        assert (packed.status_code, get_code(packed)) == (415, "unsupported-encoding")


def test_media_types_that_are_taken(api: Api) -> None:
    for kind in (
        "application/fhir+json",
        "application/fhir+json; charset=utf-8; fhirVersion=4.0",
        "Application/JSON",
        "application/json+fhir",
        "",
    ):
        body = write_event(name=make_name())
        assert api.call("POST", EVENTS, body, Content_Type=kind).status_code == 201, kind


# --- Too many at once ---


@pytest.mark.usefixtures("unchanged")
def test_a_queue_that_is_too_long(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MOST_WAITING", 0)
    answer = api.create(write_event(name=make_name()))
    assert (answer.status_code, get_code(answer)) == (503, "unavailable")
    assert get_issue(answer)["code"] == "transient"


def test_the_chunks_of_a_body_are_put_together(api: Api) -> None:
    body = json.dumps(write_event(name=make_name())).encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    answer = call_raw(api, "create", chunk(pieces), Transfer_Encoding="chunked", Connection="close")
    assert answer.status == 201
