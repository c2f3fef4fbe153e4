"""A lost answer never makes a second event: the same request under the same key, then a look, and
otherwise the key for the caller to go on by."""

import json
import pickle

import pytest
import requests
import responses
from responses.registries import OrderedRegistry

from gateway.client import (
    ConflictError,
    NotAllowedError,
    NotNowError,
    OutcomeUnknownError,
    Patience,
    RejectedError,
    UnreachableError,
)
from gateway.client.events import find_identifier
from tests.lib.vendor import (
    EVENTS,
    REFERENCE,
    FakeTime,
    make_client,
    make_event,
    make_outcome,
    make_stored,
)

TIMEOUT_SECONDS = 20
DATE = "Fri, 15 Jan 2027 08:01:00 GMT"
JUST_NOW = "2027-01-15T08:00:01.250+00:00"
LONG_AGO = "2027-01-15T07:59:30.000+00:00"
IN_FLIGHT = {"Retry-After": "1"}
ONE = f"{EVENTS}/{REFERENCE}"
SEARCH = f"{EVENTS}?identifier=LOC-1"


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def mocked():
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


def be_silent(mocked, time, *, times: int, method: str = "POST", url: str = EVENTS) -> None:
    def wait(request):
        time.now += TIMEOUT_SECONDS
        raise requests.ReadTimeout

    for _ in range(times):
        mocked.add_callback(method, url, wait)


def answer_search(mocked, *events, date: str | None = DATE) -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in events]}
    headers = {"Date": date} if date else {}
    mocked.add("GET", SEARCH, json=bundle, headers=headers)


def make_hurried(time, **options):
    return make_client(time, patience=Patience(attempts=2, total_seconds=100), **options)


def keys_of(mocked) -> list[str | None]:
    return [
        call.request.headers.get("Idempotency-Key")
        for call in mocked.calls
        if call.request.method != "GET"
    ]


def test_the_same_key_and_body_every_time(mocked, time):
    be_silent(mocked, time, times=1)
    mocked.add("POST", EVENTS, status=201, json=make_stored())
    made = make_client(time).create(make_event())
    first, second = mocked.calls
    assert first.request.body == second.request.body
    assert keys_of(mocked) == [made.idempotency_key] * 2


def test_each_event_has_a_key_of_its_own(mocked, time):
    mocked.add("POST", EVENTS, status=201, json=make_stored())
    mocked.add("POST", EVENTS, status=200, json=make_stored())
    client = make_client(time)
    client.create(make_event())
    client.create(make_event())
    assert len(set(keys_of(mocked))) == 2


def test_a_key_of_the_callers_own(mocked, time):
    headers = {"Idempotency-Replayed": "true", "LRMS-Batch": "b-1"}
    mocked.add("POST", EVENTS, status=201, json=make_stored(), headers=headers)
    made = make_client(time).create(make_event(), idempotency_key="mine")
    assert keys_of(mocked) == ["mine"]
    assert made.replayed
    assert (made.batch_id, made.status) == ("b-1", "created")


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256, "a\nb"])
def test_a_key_that_cannot_be(key):
    with pytest.raises(ValueError, match="idempotency key"):
        make_client().create(make_event(), idempotency_key=key)


def test_one_that_is_in_flight_is_waited_for_beyond_the_attempts(mocked, time):
    for _ in range(20):
        mocked.add("POST", EVENTS, status=409, json=make_outcome("in-flight"), headers=IN_FLIGHT)
    mocked.add("POST", EVENTS, status=200, json=make_stored())
    assert make_hurried(time).create(make_event()).revision == 1
    assert len(time.sleeps) == 20
    assert len(set(keys_of(mocked))) == 1


def test_one_that_is_in_flight_for_ever_is_not(time):
    with responses.RequestsMock() as mock:
        mock.add("POST", EVENTS, status=409, json=make_outcome("in-flight"), headers=IN_FLIGHT)
        with pytest.raises(OutcomeUnknownError) as raised:
            make_hurried(time).create(make_event(local_id=None))
        assert set(keys_of(mock)) == {raised.value.idempotency_key}
    assert 90 < sum(time.sleeps) <= 100


def test_asks_once_more_by_the_key_when_retries_are_used_up(mocked, time):
    be_silent(mocked, time, times=2)
    mocked.add("POST", EVENTS, status=201, json=make_stored())
    made = make_hurried(time).create(make_event())
    assert made.status == "created"
    assert len(set(keys_of(mocked))) == 1


def test_then_looks_for_the_event_by_its_own_id(mocked, time):
    be_silent(mocked, time, times=3)
    answer_search(mocked, make_stored(2, lastUpdated=JUST_NOW))
    made = make_hurried(time).create(make_event())
    assert (made.reference, made.revision, made.status) == (REFERENCE, 2, "found")
    assert set(keys_of(mocked)) == {made.idempotency_key}


@pytest.mark.parametrize(
    ("found", "date"),
    [
        pytest.param([], DATE, id="nothing"),
        pytest.param([make_stored(lastUpdated=LONG_AGO)], DATE, id="an older revision"),
        pytest.param(
            [make_stored(lastUpdated=JUST_NOW) | {"identifier": {"value": "1"}}],
            DATE,
            id="another event",
        ),
        pytest.param([make_stored(lastUpdated=JUST_NOW)] * 2, DATE, id="two of them"),
        pytest.param([make_stored()], DATE, id="of no known time"),
        pytest.param([make_stored(lastUpdated="yesterday")], DATE, id="of a time that is none"),
        pytest.param([make_stored(lastUpdated="2027-01-15T08:00:01")], DATE, id="of no zone"),
        pytest.param([make_stored(lastUpdated=JUST_NOW)], None, id="now is not told"),
    ],
)
def test_what_does_not_prove_it_is_not_taken_for_it(mocked, time, found, date):
    be_silent(mocked, time, times=3)
    answer_search(mocked, *found, date=date)
    with pytest.raises(OutcomeUnknownError) as raised:
        make_hurried(time).create(make_event(), idempotency_key="mine")
    assert raised.value.idempotency_key == "mine"


def test_without_an_id_of_its_own_the_caller_is_given_the_key(mocked, time):
    be_silent(mocked, time, times=3)
    with pytest.raises(OutcomeUnknownError) as raised:
        make_hurried(time).create(make_event(local_id=None))
    assert keys_of(mocked) == [raised.value.idempotency_key] * 3
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own
    assert again.idempotency_key == raised.value.idempotency_key


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_gateway_leaves_it_open(mocked, time, status):
    attempts = 2 if status == 500 else 3
    for _ in range(attempts):
        mocked.add("POST", EVENTS, status=status, json=make_outcome("fault"))
    with pytest.raises(OutcomeUnknownError) as raised:
        make_hurried(time).create(make_event(local_id=None))
    assert raised.value.status == status


def test_a_success_that_cannot_be_read_leaves_it_open(mocked, time):
    mocked.add("POST", EVENTS, status=201, body=b'{"resourceType": "Adverse')
    mocked.add("POST", EVENTS, status=201, json=make_stored())
    assert make_client(time).create(make_event()).reference == REFERENCE
    assert len(set(keys_of(mocked))) == 1


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        ({"status": 429, "json": make_outcome("P")}, NotNowError),
        ({"body": requests.ConnectTimeout()}, UnreachableError),
    ],
)
def test_what_surely_did_not_arrive_needs_no_settling(mocked, time, failure, error):
    for _ in range(2):
        mocked.add("POST", EVENTS, **failure)
    with pytest.raises(error):
        make_hurried(time).create(make_event())


def test_a_long_wait_is_not_cut_short_to_settle_it(mocked, time):
    mocked.add("POST", EVENTS, status=503, json=make_outcome("P"), headers={"Retry-After": "3600"})
    with pytest.raises(OutcomeUnknownError) as raised:
        make_hurried(time).create(make_event())
    assert raised.value.told.retry_after == 3600


def test_a_rejection_after_a_timeout_settles_it(mocked, time):
    be_silent(mocked, time, times=1)
    mocked.add("POST", EVENTS, status=422, json=make_outcome("RULE-010"))
    with pytest.raises(RejectedError):
        make_client(time).create(make_event())


def test_a_rejection_at_the_last_asking_settles_it(mocked, time):
    be_silent(mocked, time, times=2)
    mocked.add("POST", EVENTS, status=422, json=make_outcome("RULE-010"))
    with pytest.raises(RejectedError):
        make_hurried(time).create(make_event())


def test_a_key_revoked_in_between_does_not(mocked, time):
    be_silent(mocked, time, times=1)
    for method, url in (("POST", EVENTS), ("POST", EVENTS), ("GET", SEARCH)):
        mocked.add(method, url, status=401, json=make_outcome("credentials-refused"))
    with pytest.raises(OutcomeUnknownError):
        make_client(time).create(make_event())


def test_a_key_that_was_never_good_is_told_as_that(mocked, time):
    mocked.add("POST", EVENTS, status=401, json=make_outcome("credentials-refused"))
    with pytest.raises(NotAllowedError):
        make_client(time).create(make_event())


def test_an_update_is_settled_too(mocked, time):
    be_silent(mocked, time, times=3, method="PUT", url=ONE)
    found = make_stored(3, lastUpdated=JUST_NOW)
    mocked.add("GET", ONE, json=found, headers={"Date": DATE})
    made = make_hurried(time).update(REFERENCE, make_event(), if_match=2)
    assert (made.revision, made.status) == (3, "found")
    first = mocked.calls[0].request
    assert first.headers["If-Match"] == 'W/"2"'
    assert set(keys_of(mocked)) == {made.idempotency_key}


def test_a_stale_update_is_a_conflict(mocked, time):
    mocked.add("PUT", ONE, status=412, json=make_outcome("version-stale"))
    with pytest.raises(ConflictError) as raised:
        make_client(time).update(REFERENCE, make_event(), if_match=1)
    assert raised.value.code == "version-stale"


@pytest.mark.parametrize(
    ("event", "identifier"),
    [
        ({"identifier": {"value": "A"}}, "A"),
        ({"identifier": [{"value": "A"}, {"value": "B"}]}, "A"),
        ({"identifier": []}, None),
        ({"identifier": {"value": ""}}, None),
        ({"identifier": {"value": 1}}, None),
        ({"identifier": None}, None),
        ({}, None),
        ([], None),
    ],
)
def test_the_events_own_id(event, identifier):
    assert find_identifier(json.dumps(event).encode()) == identifier


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'{"identifier": {"value": "\xff"}}'])
def test_no_id_in_what_is_no_json(body):
    assert find_identifier(body) is None
