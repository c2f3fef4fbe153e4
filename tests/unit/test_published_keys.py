"""Keys that a client publishes: when they are fetched, and what is not taken for them."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
import responses

from gateway.identity.published_keys import (
    LARGEST,
    KeysUnavailableError,
    PublishedKeys,
    check_jwks_url,
)
from schemas.errors import WrongUseError
from tests.lib.identity import Clock, make_ec, make_jwks, make_rsa

URL = "https://vendor.example/jwks.json"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def published(clock: Clock) -> PublishedKeys:
    return PublishedKeys(clock.monotonic)


@responses.activate
def test_they_are_fetched_once_in_five_minutes(clock, published):
    answer = responses.get(URL, make_jwks(make_rsa("one"), make_ec("two")))
    for kid in ("one", "two", "one"):
        assert published.find(URL, kid).kid == kid
    clock.forward(299)
    assert published.find(URL, "one")
    assert answer.call_count == 1
    clock.forward(1)
    assert published.find(URL, "one")
    assert answer.call_count == 2


@responses.activate
def test_for_an_unknown_kid_they_are_fetched_again_once_a_minute(clock, published):
    old = responses.get(URL, make_jwks(make_rsa("one")))
    for _ in range(3):
        assert published.find(URL, "new") is None
    assert old.call_count == 1
    responses.replace(responses.GET, URL, make_jwks(make_rsa("one"), make_ec("new")))
    clock.forward(59)
    assert published.find(URL, "new") is None
    clock.forward(1)
    assert published.find(URL, "new").kid == "new"


@responses.activate
def test_a_key_that_is_withdrawn_is_gone_five_minutes_later(clock, published):
    responses.get(URL, make_jwks(make_rsa("one"), make_ec("two")))
    assert published.find(URL, "one")
    responses.replace(responses.GET, URL, make_jwks(make_ec("two")))
    clock.forward(300)
    assert published.find(URL, "one") is None
    assert published.find(URL, "two")


BAD = [
    ({"status": 404}, "status 404"),
    ({"status": 500}, "status 500"),
    ({"status": 301, "headers": {"Location": "https://else.example/"}}, "status 301"),
    ({"status": 204}, "status 204"),
    ({"body": b"not json"}, "no JWKS"),
    ({"body": b'{"keys": []}'}, "no JWKS"),
    ({"body": b'{"keys": ["' + b"x" * LARGEST + b'"]}'}, "more than 65536 bytes"),
    ({"body": b"x", "headers": {"Content-Encoding": "gzip"}}, "packed"),
    ({"body": requests.ConnectionError("to vendor.example")}, "ConnectionError"),
    ({"body": requests.ReadTimeout("to vendor.example")}, "ReadTimeout"),
]


@pytest.mark.parametrize(("answer", "told"), BAD)
@responses.activate
def test_what_cannot_be_read_is_told_in_a_word_and_left_alone_for_a_moment(
    clock, published, answer, told
):
    elsewhere = responses.get("https://else.example/", make_jwks(make_rsa("one")))
    broken = responses.get(URL, **answer)
    for _ in range(3):
        with pytest.raises(KeysUnavailableError) as failure:
            published.find(URL, "one")
        assert "vendor.example" not in str(failure.value)
    assert (broken.call_count, elsewhere.call_count) == (1, 0)
    clock.forward(5)
    with pytest.raises(KeysUnavailableError, match=told):
        published.find(URL, "one")
    responses.replace(responses.GET, URL, make_jwks(make_rsa("one")))
    clock.forward(5)
    assert published.find(URL, "one")


@responses.activate
def test_old_keys_are_not_good_any_longer_where_no_new_ones_can_be_read(clock, published):
    responses.get(URL, make_jwks(make_rsa("one")))
    assert published.find(URL, "one")
    responses.replace(responses.GET, URL, status=503)
    clock.forward(300)
    with pytest.raises(KeysUnavailableError):
        published.find(URL, "one")


class _Site(BaseHTTPRequestHandler):
    """Publishes one key; what was asked of it is on the server."""

    def do_GET(self) -> None:
        self.server.asked.append(dict(self.headers))
        content = make_jwks(make_rsa("one"))
        if self.path == "/chunked":
            self.protocol_version = "HTTP/1.1"
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (content[:100], content[100:]):
                self.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            self.close_connection = True
            return
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Location", "/jwks.json")
        cut = 10 if self.path == "/cut" else 0
        self.send_header("Content-Length", str(len(content) + cut))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serve() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_a_real_server_is_asked_once_by_many_at_once(clock, published):
    with serve() as server:
        url = f"http://127.0.0.1:{server.server_port}/jwks.json"
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: published.find(url, "one").kid, range(8)))
    assert found == ["one"] * 8
    (headers,) = server.asked
    assert (headers["Accept-Encoding"], "Authorization" in headers) == ("identity", False)


def test_chunks_are_read_and_what_breaks_off_or_moves_is_not(clock, published):
    with serve() as server:
        start = f"http://127.0.0.1:{server.server_port}"
        assert published.find(f"{start}/chunked", "one")
        for path, told in (("/moved", "status 302"), ("/cut", "IncompleteRead|ProtocolError")):
            with pytest.raises(KeysUnavailableError, match=told):
                published.find(start + path, "one")
    with pytest.raises(KeysUnavailableError, match="ConnectionError"):
        published.find(f"{start}/gone", "one")


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "https://vendor.example:8443/a/b?set=1",
        "http://localhost:8000/jwks.json",
        "http://127.0.0.1/jwks.json",
        "http://[::1]:80/jwks.json",
    ],
)
def test_addresses_that_are_taken(url):
    check_jwks_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://vendor.example/jwks.json",
        "http://127.0.0.1.vendor.example/",
        "http://10.0.0.1/",
        "ftp://vendor.example/",
        "file:///etc/passwd",
        "https://user:secret@vendor.example/",
        "https://vendor.example/#x",
        "https:///x",
        "vendor.example",
        "",
    ],
)
def test_addresses_that_are_refused(url):
    with pytest.raises(WrongUseError) as refusal:
        check_jwks_url(url)
    assert "secret" not in str(refusal.value)
