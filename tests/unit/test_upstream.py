"""What is asked of a FHIR server of others, and how: answers played by ``responses``."""

import pytest
import requests
import responses

from gateway.reference.upstream import (
    ATTEMPTS,
    Clock,
    TooLargeError,
    Upstream,
    UpstreamError,
    UpstreamRefusedError,
)
from schemas.errors import UnknownError, WrongUseError

BASE = "https://ods.example/fhir"
URL = f"{BASE}/Organization"


class Time:
    def __init__(self):
        self.at, self.slept = 0.0, []

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def upstream(time):
    clock = Clock(monotonic=lambda: time.at, sleep=time.sleep, now=lambda: 0.0)
    opened = Upstream(BASE, headers={"apikey": "secret"}, per_second=1000, clock=clock)
    yield opened
    opened.close()


@responses.activate
def test_the_key_and_what_is_wanted_are_sent(upstream):
    responses.get(URL, json={"total": 1})
    assert upstream.get("Organization", [("a", "1"), ("a", "2")]) == {"total": 1}
    (call,) = responses.calls
    assert call.request.headers["apikey"] == "secret"
    assert call.request.headers["Accept"] == "application/fhir+json"
    assert call.request.url == f"{URL}?a=1&a=2"


@responses.activate
def test_no_password_of_the_account_is_sent_along(upstream, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine ods.example login somebody password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    responses.get(URL, json={})
    upstream.get("Organization")
    assert "Authorization" not in responses.calls[0].request.headers


@responses.activate
@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_it_is_asked_so_often_and_no_more(upstream, time, status):
    responses.get(URL, status=status)
    with pytest.raises(UpstreamError, match=f"status {status}") as caught:
        upstream.get("Organization")
    assert caught.value.retryable
    assert len(responses.calls) == ATTEMPTS
    assert [one for one in time.slept if one >= 1] == [1, 2, 4, 8]


@responses.activate
@pytest.mark.parametrize(
    "error", [requests.ConnectionError, requests.Timeout, requests.exceptions.SSLError]
)
def test_a_connection_that_fails_is_tried_again_and_named_by_its_kind(upstream, error):
    responses.get(URL, body=error("https://ods.example/?apikey=secret"))
    with pytest.raises(UpstreamError, match=error.__name__) as caught:
        upstream.get("Organization")
    assert "secret" not in str(caught.value)


@responses.activate
@pytest.mark.parametrize("body", ["", "[]", "null", '"text"', "<html>", '{"resourceType": "Bund'])
def test_what_is_no_resource_is_tried_again(upstream, body):
    responses.get(URL, body=body)
    responses.get(URL, json={"resourceType": "Bundle"})
    assert upstream.get("Organization") == {"resourceType": "Bundle"}


@responses.activate
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, UnknownError),
        (413, TooLargeError),
        (422, TooLargeError),
        (302, UpstreamRefusedError),
        (401, UpstreamRefusedError),
        (403, UpstreamRefusedError),
    ],
)
def test_what_another_try_cannot_mend(upstream, status, error):
    responses.get(URL, status=status, headers={"Location": "https://elsewhere.example"})
    with pytest.raises(error) as caught:
        upstream.get("Organization")
    assert not caught.value.retryable
    assert len(responses.calls) == 1


@responses.activate
def test_more_than_fits_in_memory_is_too_much(upstream, monkeypatch):
    monkeypatch.setattr("gateway.reference.upstream.LARGEST", 100)
    responses.get(URL, json={"long": "x" * 200})
    with pytest.raises(TooLargeError, match="more than 100 bytes"):
        upstream.get("Organization")


@responses.activate
def test_an_http_date_to_come_again_is_understood(upstream, time):
    responses.get(URL, status=429, headers={"Retry-After": "Thu, 01 Jan 1970 00:01:30 GMT"})
    responses.get(URL, json={})
    upstream.get("Organization")
    assert 90 in time.slept


@pytest.mark.parametrize(
    "base",
    [
        "http://ods.example/fhir",
        "ftp://ods.example",
        "https://",
        "https://user@ods.example",
        "https://ods.example/fhir?key=1",
        "ods.example",
    ],
)
def test_what_no_key_is_sent_to(base):
    with pytest.raises(WrongUseError):
        Upstream(base)


@pytest.mark.parametrize("base", ["http://127.0.0.1:8000/fhir", "http://localhost", BASE])
def test_this_machine_and_https_are_fine(base):
    Upstream(base).close()
