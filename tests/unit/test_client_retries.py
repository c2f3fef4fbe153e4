"""What the client sends again, when, and how often. It never sleeps in earnest."""

import random
import ssl

import pytest
import requests
import responses
from responses.registries import OrderedRegistry
from urllib3.exceptions import MaxRetryError, SSLError

from gateway.client import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
    NotNowError,
    Patience,
    RefusedError,
    RejectedError,
    ServerError,
    UnreachableError,
)
from gateway.client.patience import parse_retry_after
from tests.lib.vendor import (
    EVENTS,
    REFERENCE,
    STARTED,
    FakeTime,
    make_client,
    make_event,
    make_outcome,
    make_stored,
)

ONE = f"{EVENTS}/{REFERENCE}"
CUT = requests.ConnectionError(ConnectionResetError())
LATE = requests.ReadTimeout()
NO_CONNECTION = requests.ConnectTimeout()


def fail(status: int, **headers: str):
    return {
        "status": status,
        "json": make_outcome(f"P-{status}"),
        "headers": {name.replace("_", "-"): value for name, value in headers.items()},
    }


def silence(error: Exception):
    return {"body": error}


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def mocked():
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


CALLS = {
    "get": lambda client: client.get(REFERENCE),
    "create": lambda client: client.create(make_event()),
    "update": lambda client: client.update(REFERENCE, make_event(), if_match=1),
}
METHODS = {"get": ("GET", ONE), "create": ("POST", EVENTS), "update": ("PUT", ONE)}

AGAIN = [
    pytest.param(fail(429, Retry_After="1"), id="429"),
    pytest.param(fail(503), id="503"),
    pytest.param(fail(502), id="502"),
    pytest.param(fail(504), id="504"),
    pytest.param(silence(CUT), id="cut"),
    pytest.param(silence(LATE), id="late"),
    pytest.param(silence(NO_CONNECTION), id="no connection"),
]


@pytest.mark.parametrize("failure", AGAIN)
@pytest.mark.parametrize("name", CALLS)
def test_what_may_pass_is_asked_again(mocked, time, name, failure):
    method, url = METHODS[name]
    mocked.add(method, url, **failure)
    mocked.add(method, url, json=make_stored(2))
    assert CALLS[name](make_client(time)).revision == 2
    assert len(time.sleeps) == 1


NEVER = [
    (400, RejectedError),
    (401, NotAllowedError),
    (403, NotAllowedError),
    (404, NotFoundError),
    (405, RefusedError),
    (409, ConflictError),
    (410, NotFoundError),
    (412, ConflictError),
    (413, RefusedError),
    (415, RefusedError),
    (418, RefusedError),
    (422, RejectedError),
]


@pytest.mark.parametrize(("status", "error"), NEVER)
@pytest.mark.parametrize("name", CALLS)
def test_a_refusal_is_final(mocked, time, name, status, error):
    method, url = METHODS[name]
    mocked.add(method, url, **fail(status))
    with pytest.raises(error) as raised:
        CALLS[name](make_client(time))
    assert (raised.value.status, raised.value.code) == (status, f"P-{status}")
    assert time.sleeps == []


def test_a_fault_of_the_gateway_is_not_asked_again(mocked, time):
    mocked.add("GET", ONE, **fail(500))
    with pytest.raises(ServerError):
        make_client(time).get(REFERENCE)
    assert time.sleeps == []


def test_an_untrusted_certificate_is_not_asked_again(mocked, time):
    reason = SSLError(ssl.SSLCertVerificationError("self-signed"))
    mocked.add("GET", ONE, body=requests.exceptions.SSLError(MaxRetryError(None, "", reason)))
    with pytest.raises(UnreachableError) as raised:
        make_client(time).get(REFERENCE)
    assert raised.value.is_lasting
    assert time.sleeps == []


@pytest.mark.parametrize("failure", AGAIN)
def test_attempts_are_bounded(mocked, time, failure):
    for _ in range(4):
        mocked.add("GET", ONE, **failure)
    with pytest.raises((NotNowError, ServerError, UnreachableError)):
        make_client(time).get(REFERENCE)
    assert len(time.sleeps) == 3


def test_the_total_time_is_bounded(mocked, time):
    for _ in range(4):
        mocked.add("GET", ONE, **fail(503, Retry_After="30"))
    with pytest.raises(NotNowError) as raised:
        make_client(time, patience=Patience(attempts=99, total_seconds=100)).get(REFERENCE)
    assert raised.value.retry_after == 30
    assert time.now - STARTED <= 100
    assert len(time.sleeps) == 3


def test_one_who_is_to_come_much_later_is_told_so_at_once(mocked, time):
    mocked.add("GET", ONE, **fail(429, Retry_After="31"))
    with pytest.raises(NotNowError) as raised:
        make_client(time).get(REFERENCE)
    assert raised.value.retry_after == 31
    assert time.sleeps == []


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0", 0),
        ("Fri, 15 Jan 2027 08:00:09 GMT", 9),
        ("Fri, 15 Jan 2027 07:59:00 GMT", 0),
        ("Friday, 15-Jan-27 08:00:09 GMT", 9),
        ("Fri Jan 15 08:00:09 2027", 9),
        ("999999999999999", 999999999),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_seconds_and_as_a_date(told, seconds):
    assert parse_retry_after(told, STARTED) == seconds


@pytest.mark.parametrize("told", ["9", "Fri, 15 Jan 2027 08:00:09 GMT"])
def test_never_asked_earlier_than_told(mocked, time, told):
    mocked.add("GET", ONE, **fail(503, Retry_After=told))
    mocked.add("GET", ONE, json=make_stored())
    make_client(time).get(REFERENCE)
    (slept,) = time.sleeps
    assert 9 <= slept <= 9 * 1.1


def test_waits_grow_at_random_up_to_a_bound(mocked, time):
    for _ in range(12):
        mocked.add("GET", ONE, **fail(502))
    patience = Patience(attempts=12, total_seconds=10_000, first_wait=1, longest_wait=20)
    random.seed(4)
    with pytest.raises(ServerError):
        make_client(time, patience=patience).get(REFERENCE)
    bounds = [min(2**number, 20) for number in range(11)]
    assert all(0 <= slept <= bound for slept, bound in zip(time.sleeps, bounds, strict=True))
    assert len(set(time.sleeps)) == 11


def test_every_attempt_has_an_id_of_its_own(mocked, time):
    mocked.add("GET", ONE, **fail(503))
    mocked.add("GET", ONE, json=make_stored())
    make_client(time).get(REFERENCE)
    first, second = (call.request.headers["X-Request-ID"] for call in mocked.calls)
    assert first != second


def test_a_timeout_has_the_id_it_was_sent_with(mocked, time):
    mocked.add("GET", ONE, **silence(LATE))
    with pytest.raises(UnreachableError) as raised:
        make_client(time, patience=Patience(attempts=1)).get(REFERENCE)
    assert raised.value.request_id == mocked.calls[0].request.headers["X-Request-ID"]
