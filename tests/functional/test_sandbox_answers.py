"""What a sandbox is asked to answer is what the gateway really answers; and nobody but a sandbox
answers so."""

import hashlib
from collections import Counter

import pytest
import requests

from gateway.client import GatewayClient
from gateway.pipeline.credentials import add_key
from gateway.pipeline.register import add_source
from gateway.sandbox.fixed import KEYS
from gateway.sandbox.wishes import Wish, find_wish, parse_wish
from schemas.asked import Answer
from schemas.submission import Source
from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    EVENTS,
    get_code,
    get_issue,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.sandbox import CSV, FHIR, open_sandbox
from tests.lib.vendor import FakeTime
from tests.lib.waiting import wait_for as wait_until

FUTURE = "2099-12-31"
CSV_FEED = (
    b"record_id,event_type,event_date,narrative,location_known,location_organisation,"
    b"reporter_organisation,agent_involved_agents,safety_challenges\n"
    b"SANDBOX-REJECT-1,1,2025-05-03,The patient slipped on the wet floor.,y,RZA01,RZA,3,2\n"
    b"SANDBOX-503,1,2025-05-03,The patient slipped on the wet floor.,y,RZA01,RZA,3,2\n"
)
# What of an answer may be different from one request to the next.
VARYING = {"x-request-id", "date", "content-length", "ratelimit", "lrms-batch"}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    # As long as a client would wait, and no test does.
    with open_sandbox(tmp_path_factory.mktemp("sandbox"), sandbox_slow_seconds=3) as api:
        yield api


def read_fixed(answer):
    """An answer without what is its own."""
    told = answer.json()
    told.pop("request_id", None)
    headers = {name: value for name, value in answer.headers.items() if name.lower() not in VARYING}
    return answer.status_code, headers, {*map(str.lower, answer.headers)}, told


def answer_so(state):
    """Has the loader answer so, as if it stood there."""
    return lambda asked: [Answer(state=state)] * len(asked)


@pytest.mark.parametrize("way", ["header", "identifier"])
@pytest.mark.parametrize(
    ("word", "state", "status"),
    [("503", "busy", 503), ("500", "fault", 500), ("409", "in_flight", 409)],
)
def test_a_refusal_is_the_real_one(api, monkeypatch, word, state, status, way):
    event = write_event(name=make_name() if way == "header" else f"SANDBOX-{word}")
    asked = {"Sandbox_Answer": word} if way == "header" else {}
    provoked = api.create(event, source=FHIR, **asked)
    assert provoked.status_code == status
    monkeypatch.setattr(api.app.state.loader, "_submit", answer_so(state))
    real = api.create(write_event(name=make_name()), source=FHIR)
    assert read_fixed(provoked) == read_fixed(real)


@pytest.mark.parametrize("path", ["/feeds", f"{EVENTS}/98X7-F3QE-RJJ0-5", "/rejected"])
def test_a_limit_that_is_reached_is_the_real_one(api, tmp_path, path):
    provoked = api.call("GET", path, source=FHIR, Sandbox_Answer="429")
    limits = {"max_records_per_minute": 0, "max_bytes_per_minute": 0}
    with open_api(tmp_path, max_requests_per_minute=1, **limits) as limited:
        limited.call("GET", "/feeds")
        real = limited.call("GET", path)
    assert (provoked.status_code, real.status_code) == (429, 429)
    for answer in (provoked, real):
        # The limits of the two are not the same.
        answer.headers.pop("RateLimit-Policy")
        assert answer.headers["RateLimit"].startswith('"requests";r=0;t=40')
    assert read_fixed(provoked) == read_fixed(real)


def test_an_event_may_wish_for_the_limit(api):
    answer = api.create(write_event(name="SANDBOX-429"), source=FHIR)
    assert answer.status_code == 429
    assert get_code(answer) == "too-many-requests"


@pytest.mark.parametrize("way", ["header", "identifier"])
def test_a_rejection_is_the_real_one(api, way):
    name = make_name() if way == "header" else f"SANDBOX-REJECT-{make_name()}"
    asked = {"Sandbox_Answer": "reject"} if way == "header" else {}
    event = write_event(name=name)
    provoked = api.create(event, source=FHIR, **asked)
    assert get_issue(provoked)["finding"] == "RULE-052"
    real = api.create(write_event(name=make_name(), event_date=FUTURE), source=FHIR)
    assert read_fixed(provoked) == read_fixed(real)
    # It is kept as any other, and as it was sent.
    feed = provoked.headers["LRMS-Batch"]
    kept = api.call("GET", f"/feeds/{feed}/records/1/content", source=FHIR)
    assert kept.json()["date"] == event["date"]
    assert api.call("GET", f"/rejected?feed={feed}", source=FHIR).json()["records"]


def test_an_update_and_a_look_may_be_rejected_too(api):
    event = write_event(name=make_name())
    reference = api.create(event, source=FHIR).json()["id"]
    asked = {"source": FHIR, "Sandbox_Answer": "reject"}
    assert api.update(reference, event, **asked).status_code == 422
    found = api.call("POST", f"{EVENTS}/$validate", event, **asked)
    assert (found.status_code, get_code(found)) == (200, "RULE-052")
    assert api.read(f"/{reference}", source=FHIR).json()["meta"]["versionId"] == "1"


def test_a_record_of_a_feed_may_wish_to_be_rejected_and_for_nothing_else(api):
    feed = api.call("POST", "/feeds?dry-run=true", CSV_FEED, source=CSV).json()["id"]
    assert wait_for(api, feed, source=CSV)["state"] == "checked"
    tried = api.call("GET", f"/feeds/{feed}/receipt", source=CSV).json()["records"]
    api.call("POST", f"/feeds/{feed}/promote", source=CSV)
    assert wait_for(api, feed, source=CSV)["verdict"] == "partly_accepted"
    loaded = api.call("GET", f"/feeds/{feed}/receipt", source=CSV).json()["records"]
    for records in (tried, loaded):
        assert [record["disposition"] for record in records] == ["rejected", "created"]
        assert [one["code"] for one in records[0]["findings"]] == ["RULE-052"]


@pytest.mark.parametrize("word", ["503-once", "429-ONCE"])
def test_once_is_only_the_first_time(api, word):
    event = write_event(name=make_name())
    answers = [api.create(event, source=FHIR, Sandbox_Answer=word) for _ in range(3)]
    assert [one.status_code for one in answers] == [int(word[:3]), 201, 200]


def test_an_event_may_wish_for_it_once(api):
    event = write_event(name="SANDBOX-503-ONCE-of-mine")
    answers = [api.create(event, source=FHIR).status_code for _ in range(2)]
    assert answers == [503, 201]
    api.call("POST", "/sandbox/reset", source=FHIR)
    assert api.create(event, source=FHIR).status_code == 503


def test_a_cut_connection_comes_after_the_event_is_stored(api):
    event = write_event(name="SANDBOX-TIMEOUT-1")
    with pytest.raises(requests.ConnectionError, match="without response"):
        api.create(event, source=FHIR)
    found = api.read("?identifier=SANDBOX-TIMEOUT-1", source=FHIR).json()
    (entry,) = found["entry"]
    # Sent again, the answer comes, and it is no second event.
    again = api.create(event, source=FHIR)
    assert again.status_code == 200
    assert again.json()["id"] == entry["resource"]["id"]
    assert again.headers["ETag"] == 'W/"1"'


def test_a_client_that_is_cut_off_makes_no_second_event(api):
    time = FakeTime()
    names = [f"SANDBOX-TIMEOUT-{number}" for number in range(2, 5)]
    with GatewayClient(api.url, key=api.keys[FHIR], clock=time.clock) as client:
        made = [client.create(write_event(name=name)) for name in names]
        assert [one.status for one in made] == ["created"] * 3
        assert all(one.replayed for one in made)
        assert [client.get(one.reference).revision for one in made] == [1, 1, 1]
    assert len(time.sleeps) == 3


def test_a_feed_may_be_cut_off_too(api):
    feed = CSV_FEED.replace(b"SANDBOX-", b"F-")
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "/feeds", feed, source=CSV, Sandbox_Answer="timeout")
    again = api.call("POST", "/feeds", feed, source=CSV, Sandbox_Answer="timeout")
    assert again.status_code == 202
    sha256 = hashlib.sha256(feed).hexdigest()
    listed = api.call("GET", "/feeds?route=http&limit=500", source=CSV).json()["feeds"]
    assert Counter(one["sha256"] for one in listed)[sha256] == 1


def test_a_slow_answer_is_the_answer(api):
    event = write_event(name="SANDBOX-SLOW")
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{api.url}{EVENTS}",
            json=event,
            headers={"Ocp-Apim-Subscription-Key": api.keys[FHIR]},
            timeout=0.5,
        )
    # A slow machine has not even stored it when the client hangs up.
    query = "?identifier=SANDBOX-SLOW"
    wait_until("the event", lambda: api.read(query, source=FHIR).json().get("entry"), every=0.2)
    answer = api.create(event, source=FHIR)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "word", "status"),
    [
        ("/taxonomy/fhir/CodeSystem", "503", 503),
        ("/adverse-event/fhir/metadata", "500", 500),
        ("/health", "503", 503),
        ("/health", "429", 400),
        ("/health", "409", 400),
    ],
)
def test_addresses_without_a_key_answer_so_too_where_they_can(api, path, word, status):
    answer = api.call("GET", path, source="", Sandbox_Answer=word)
    assert answer.status_code == status


def test_the_token_endpoint_refuses_in_its_own_words(api):
    answer = api.call("POST", "/oauth2/token", source="", Sandbox_Answer="503")
    assert answer.status_code == 503
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("word", ["503", "timeout", "nonsense"])
def test_who_is_not_known_is_told_so_first(api, word):
    answer = api.call("GET", "/feeds", source="", Sandbox_Answer=word)
    assert answer.status_code == 401


def test_a_wish_that_is_none_is_told_what_there_is(api):
    answer = api.call("GET", "/feeds", source=FHIR, Sandbox_Answer="418")
    assert (answer.status_code, get_code(answer)) == (400, "sandbox-answer")
    assert "timeout" in answer.json()["detail"]
    answer = api.call("POST", "/feeds", b"x", source=FHIR, Sandbox_Answer="reject")
    assert get_code(answer) == "sandbox-answer"


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"identifier": ' * 5_000, b"\xff", b"", b"7"])
def test_a_body_that_cannot_be_read_is_refused_as_everywhere(api, body):
    assert api.create(body, source=FHIR).status_code == 400


def test_an_upload_names_its_protocol_also_where_it_is_refused(api):
    answer = api.call("POST", "/uploads", source=FHIR, Sandbox_Answer="503")
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (503, "1.0.0")


def test_a_source_that_is_no_sandbox_s_is_answered_as_ever(tmp_path):
    with open_sandbox(tmp_path) as api:
        real = Source(id="real-system", organisation="RZA", format="fhir")
        add_source(api.gateway, real)
        api.keys[real.id] = add_key(api.gateway, real.id).secret
        answer = api.create(
            write_event(name="SANDBOX-503"), source=real.id, Sandbox_Answer="reject"
        )
        assert answer.status_code == 201


@pytest.mark.parametrize("word", ["429", "503", "500", "409", "REJECT", "SLOW", "TIMEOUT"])
def test_nowhere_else_they_do_anything(plain, word):
    answer = plain.create(write_event(name=f"SANDBOX-{word}"), Sandbox_Answer=word.lower())
    assert answer.status_code == 201
    assert plain.call("GET", "/feeds", Sandbox_Answer=word.lower()).status_code == 200


def test_nowhere_else_is_there_a_reset(plain):
    answer = plain.call("POST", "/sandbox/reset")
    assert (answer.status_code, get_code(answer)) == (404, "not-found")


def test_nowhere_else_are_the_fixed_keys_good(tmp_path):
    with open_sandbox(tmp_path) as api:
        assert api.call("GET", "/feeds", source=FHIR).status_code == 200
    with open_api(tmp_path) as plain:
        for key in KEYS:
            answer = plain.call("GET", "/feeds", source="", Ocp_Apim_Subscription_Key=key.secret)
            assert (answer.status_code, get_code(answer)) == (401, "credentials-refused")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with open_api(tmp_path_factory.mktemp("plain")) as api:
        assert not api.gateway.settings.sandbox
        assert not SOURCE.id.startswith("sandbox-")
        yield api


@pytest.mark.parametrize(
    ("identifier", "wish"),
    [
        ("SANDBOX-429", Wish("429")),
        ("SANDBOX-503-ONCE", Wish("503", once=True)),
        ("SANDBOX-REJECT-ward 4\n", Wish("reject")),
        ("SANDBOX-TIMEOUT-17", Wish("timeout", once=True)),
        ("SANDBOX-SLOW-ONCELESS", Wish("slow")),
        ("sandbox-429", None),
        ("SANDBOX-4290", None),
        ("X-SANDBOX-429", None),
        ("", None),
        (None, None),
    ],
)
def test_an_identifier_that_is_a_wish(identifier, wish):
    assert find_wish(identifier) == wish


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        (" 429 ", Wish("429")),
        ("Timeout", Wish("timeout", once=True)),
        ("slow-once", Wish("slow", once=True)),
        ("once", None),
        ("", None),
        ("429-once-once", None),
    ],
)
def test_a_header_that_is_a_wish(text, wish):
    assert parse_wish(text) == wish
