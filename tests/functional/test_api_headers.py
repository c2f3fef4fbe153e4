"""What every answer of the API has, whatever went wrong: its id, the security headers, no version
of anything; and that a fault of ours is told without a word of what it fell over."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from gateway.api import event_answers, feed_answers, feeds, taxonomy
from gateway.api.envelope import SECURITY_HEADERS
from gateway.pipeline.judge_single import SingleJudge
from schemas.errors import UnavailableError
from store.engine import Store
from store.own_batches import OwnBatches
from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    EVENTS,
    PATIENCE,
    PROBLEM_JSON,
    Api,
    count_rows,
    encode,
    get_code,
    get_issue,
    get_reference,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.databases import make_database
from tests.lib.databases import run as run_sql
from tests.lib.raw_http import check_raw_answer, make_head, send
from tests.lib.waiting import wait_for as wait_until

MADE_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SECRET = "Zebulina Quackenthorpe fell"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("headers"), max_record_bytes=100_000) as opened:
        yield opened


# Method, address, what is sent, what comes of it.
ANSWERS = [
    ("GET", "/health", None, 200),
    ("GET", "/openapi.json", None, 200),
    ("GET", "/adverse-event/fhir/metadata", None, 200),
    ("GET", "/taxonomy/fhir/ValueSet", None, 200),
    ("GET", "/feeds", None, 200),
    ("GET", "/rejected", None, 200),
    ("POST", EVENTS, {"resourceType": "Patient"}, 400),
    ("GET", "/feeds?limit=0", None, 400),
    ("GET", "/nowhere", None, 404),
    ("GET", "/", None, 404),
    ("GET", "/feeds/", None, 404),
    ("GET", "/docs", None, 404),
    ("GET", "/adverse-event/fhir/Patient", None, 404),
    ("GET", "/adverse-event/fhir/AdverseEvent/%ff%00/_history/1", None, 404),
    ("GET", "/feeds/b-0", None, 404),
    ("DELETE", "/feeds", None, 405),
    ("DELETE", f"{EVENTS}/x", None, 405),
    ("GET", "/oauth2/token", None, 405),
    ("PUT", "/health", b"x", 405),
    ("OPTIONS", "/feeds", None, 405),
    ("HEAD", "/oauth2/token", None, 405),
    ("HEAD", "/health", None, 200),
    ("HEAD", "/feeds", None, 200),
    ("HEAD", "/feeds/b-0", None, 404),
    ("HEAD", "/adverse-event/fhir/metadata", None, 200),
    ("GET", "/feeds/b-0/receipt?format=xml", None, 400),
    ("POST", EVENTS, b" " * 100_001, 413),
    ("POST", "/oauth2/token", b"x", 400),
    ("PATCH", "/uploads/x", b"x", 412),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ANSWERS)
def test_every_answer_has_its_headers(
    api: Api, method: str, path: str, body: Any, status: int
) -> None:
    # ``call`` looks at them.
    answer = api.call(method, path, body, X_Request_ID="mine-1", X_Correlation_ID="theirs:2")
    assert answer.status_code == status
    assert answer.headers["X-Request-ID"] == "mine-1"
    assert answer.headers["X-Correlation-ID"] == "theirs:2"
    told = " ".join(f"{name}: {value}" for name, value in answer.headers.items()).lower()
    assert not [word for word in ("uvicorn", "starlette", "fastapi", "python") if word in told]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/feeds", "GET, HEAD, POST"),
        ("POST", f"{EVENTS}/x", "GET, HEAD, PUT"),
        ("GET", f"{EVENTS}/$validate", None),
        ("DELETE", f"{EVENTS}/$validate", "POST"),
        ("DELETE", EVENTS, "GET, HEAD, POST"),
        ("POST", "/feeds/b-0/records/1", "GET, HEAD, PUT"),
        ("PATCH", "/uploads", "OPTIONS, POST"),
        ("PUT", "/uploads/x", "DELETE, HEAD, PATCH, POST"),
        ("GET", "/oauth2/token", "POST"),
        ("POST", "/adverse-event/fhir/metadata", "GET, HEAD"),
    ],
)
def test_a_method_that_there_is_not(api: Api, method: str, path: str, allowed: str | None) -> None:
    answer = api.call(method, path)
    if allowed is None:
        # It is an id to the route of events, and no such event.
        assert answer.status_code == 404
        return
    assert (answer.status_code, get_code(answer)) == (405, "method-not-allowed")
    assert answer.headers["Allow"] == allowed
    assert f"Accepted here: {allowed}." in answer.text


def test_head_is_get_without_its_body(api: Api) -> None:
    path = f"{EVENTS}/{get_reference(api.create(write_event(name=make_name())))}"
    whole, head = api.call("GET", path), api.call("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Last-Modified", "Content-Type", "Content-Length"):
        assert head.headers[name] == whole.headers[name]
    assert {"RateLimit", "RateLimit-Policy"} <= head.headers.keys()
    raw = make_head("HEAD", path, Ocp_Apim_Subscription_Key=api.keys[SOURCE.id], Connection="close")
    assert send(api.url, raw).body == b""


@pytest.mark.parametrize("path", ["/feeds/", f"{EVENTS}/", "/Feeds"])
def test_an_address_that_there_is_not_says_where_those_are(api: Api, path: str) -> None:
    answer = api.call("GET", path)
    assert (answer.status_code, get_code(answer)) == (404, "not-found")
    assert "None of them ends with a slash" in answer.text


def test_these_are_the_headers() -> None:
    assert SECURITY_HEADERS.keys() == {
        *("Cache-Control", "Content-Security-Policy", "Cross-Origin-Resource-Policy"),
        *("Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options"),
        "X-Frame-Options",
    }


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "x" * 129, "ü", "a\tb", "<script>", "a;b", "a,b", "a\x7fb"]
)
def test_an_id_that_cannot_be_one_is_replaced(api: Api, given: str) -> None:
    raw = make_head(
        "GET", "/health", Connection="close", X_Request_ID=given, X_Correlation_ID=given
    )
    answer = send(api.url, raw)
    if answer.status == 400:
        assert given == "a\x7fb", "no HTTP at all"
        return
    check_raw_answer(answer)
    assert MADE_ID.fullmatch(answer.headers["x-request-id"])
    assert "x-correlation-id" not in answer.headers


def test_every_request_has_an_id_of_its_own(api: Api) -> None:
    ids = {api.call("GET", "/health", source="").headers["X-Request-ID"] for _ in range(20)}
    assert len(ids) == 20
    assert all(MADE_ID.fullmatch(one) for one in ids)


def test_what_streams_has_them_too(api: Api) -> None:
    feed = b"\n".join(encode(write_event(name=make_name())) for _ in range(3))
    feed_id = api.call("POST", "/feeds", feed).json()["id"]
    wait_for(api, feed_id)
    for form in ("json", "csv", "ndjson", "fhir"):
        answer = api.call("GET", f"/feeds/{feed_id}/receipt?format={form}", X_Request_ID="s-1")
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (200, "s-1")
        assert answer.headers["Transfer-Encoding"] == "chunked"


def test_problems_carry_the_request_id(api: Api) -> None:
    answer = api.call("GET", "/feeds/b-0", X_Request_ID="find-me")
    assert answer.headers["Content-Type"] == PROBLEM_JSON
    assert answer.json() == {
        "type": "urn:lrms-gateway:problem:not-found",
        "title": "No such thing",
        "status": 404,
        "detail": "no feed of yours has this id",
        "code": "not-found",
        "request_id": "find-me",
    }


def test_a_request_is_a_line_in_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    name = make_name()
    reference = get_reference(api.create(write_event(name=name), X_Request_ID="r-1"))
    api.call("GET", f"{EVENTS}?identifier={name}", X_Request_ID="r-2")
    api.call("GET", f"/{name}?key={name}", X_Request_ID="r-3")
    api.read(f"/{reference}", source="", X_Request_ID="r-4")

    def look() -> dict[str, str]:
        lines = [one.getMessage() for one in caplog.records if one.name == "gateway.api"]
        found = {line.split(":")[0]: line for line in lines}
        return found if len(found) == 4 else {}

    # The line is written once the answer is sent.
    found = wait_until("four lines", look)
    assert f"POST {EVENTS} 201, source {SOURCE.id}, " in found["request r-1"]
    assert f"GET {EVENTS} 200, source {SOURCE.id}, " in found["request r-2"]
    assert "GET - 404, source -, " in found["request r-3"]
    assert f"GET {EVENTS}/{{id}} 401, source -, " in found["request r-4"]
    assert name not in caplog.text, "an identifier of theirs"


# --- Faults of ours ---


def _fail(*_: object, **__: object) -> Any:
    raise KeyError(SECRET)


def _fail_in_words(*_: object, **__: object) -> Any:
    raise ValueError(f"{SECRET}: cannot be")


BROKEN = {
    "a create": (SingleJudge, "judge", "POST", EVENTS),
    "a check": (SingleJudge, "judge", "POST", f"{EVENTS}/$validate"),
    "the loader": ("loader", "_submit", "POST", EVENTS),
    "an answer": (event_answers, "encode_version", "POST", EVENTS),
    "a list": (OwnBatches, "find_all", "GET", "/feeds"),
    "a feed's status": (feeds, "show_batch", "GET", "/feeds/{feed}"),
    "the taxonomy": (taxonomy, "find_resource", "GET", "/taxonomy/fhir/ValueSet/x-5"),
    "health": (Store, "read", "GET", "/health"),
}


@pytest.mark.parametrize("failure", [_fail, _fail_in_words])
@pytest.mark.parametrize("case", BROKEN)
def test_a_fault_is_told_without_a_word_of_it(
    api: Api,
    case: str,
    failure: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    body = write_event(name=make_name())
    known = api.create(write_event(name=make_name()))
    place, name, method, path = BROKEN[case]
    if place == "loader":
        place = api.app.state.loader
    path = path.format(feed=known.headers["LRMS-Batch"])
    # Who calls is known by then: a fault there would be another.
    with monkeypatch.context() as broken:
        broken.setattr(place, name, failure)
        source = "" if place in (taxonomy, Store) else SOURCE.id
        answer = api.call(
            method, path, body if method == "POST" else None, source=source, X_Request_ID="broken-1"
        )
    assert (answer.status_code, get_code(answer)) == (500, "fault")
    assert answer.headers["X-Request-ID"] == "broken-1"
    assert "Zebulina" not in answer.text
    assert failure.__name__ not in answer.text
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert errors
    assert any(type_name in caplog.text for type_name in ("KeyError", "ValueError"))
    assert "Zebulina" not in caplog.text
    assert not [one for one in errors if one.exc_info]
    assert api.create(body).status_code in (200, 201), "nothing is wrong afterwards"


def test_a_receipt_that_fails_half_way_is_cut_off(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its status is out already; an end that looks well would be a lie."""
    caplog.set_level(logging.DEBUG)
    feed = b"\n".join(encode(write_event(name=make_name())) for _ in range(3))
    feed_id = api.call("POST", "/feeds", feed).json()["id"]
    wait_for(api, feed_id)
    kept = feed_answers.write_json

    def write(receipt: Any) -> Iterator[str]:
        for number, piece in enumerate(kept(receipt)):
            if number == 2:
                raise KeyError(SECRET)
            yield piece

    monkeypatch.setattr(feed_answers, "write_json", write)
    monkeypatch.setattr(feed_answers, "_PIECE", 1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.call("GET", f"/feeds/{feed_id}/receipt")
    assert "KeyError" in caplog.text
    assert "Zebulina" not in caplog.text
    monkeypatch.undo()
    assert api.call("GET", f"/feeds/{feed_id}/receipt").status_code == 200


# --- What we stand on ---


def test_a_database_that_does_not_answer(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    body = write_event(name=make_name())
    # Known for a moment yet.
    api.call("GET", "/feeds")

    @contextmanager
    def fail(*_: object, **__: object) -> Iterator[Any]:
        raise UnavailableError("PostgreSQL: OperationalError: the host is 10.0.0.7")
        yield

    before = count_rows(api.database)
    with monkeypatch.context() as broken:
        broken.setattr(Store, "begin", fail)
        broken.setattr(Store, "read", fail)
        for method, path, sent in (
            ("POST", EVENTS, body),
            ("GET", f"{EVENTS}?identifier=x", None),
            ("GET", "/feeds", None),
            ("POST", "/feeds", body),
            ("GET", "/health", None),
        ):
            answer = api.call(method, path, sent)
            assert (answer.status_code, get_code(answer)) == (503, "unavailable"), path
            assert "10.0.0.7" not in answer.text
    assert count_rows(api.database) == before
    assert api.create(body).status_code == 201


@pytest.mark.postgresql
def test_a_database_that_goes_away_and_comes_back(
    postgresql_server: str, postgresql_template: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("away")
    with make_database(postgresql_server, postgresql_template) as url, open_api(home, url) as api:
        name = url.rsplit("/", 1)[1].split("?")[0]
        first = api.create(write_event(name=make_name()))
        assert first.status_code == 201
        before = count_rows(url)
        run_sql(postgresql_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        run_sql(
            postgresql_server,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name}' AND pid <> pg_backend_pid()",
        )
        body = encode(write_event(name=make_name()))
        for how in ({}, {"Idempotency_Key": "once"}):
            answer = api.create(body, **how)
            assert (answer.status_code, get_issue(answer)["code"]) == (503, "transient")
        assert api.call("GET", "/health", source="").status_code == 503
        assert api.read(f"/{get_reference(first)}").status_code == 503
        run_sql(postgresql_server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        assert count_rows(url) == before
        assert api.create(body, Idempotency_Key="once").status_code == 201
        assert api.read(f"/{get_reference(first)}").status_code == 200


def test_the_published_document_is_what_is_served(api: Api) -> None:
    answer = requests.get(f"{api.url}/openapi.json", timeout=PATIENCE)
    told = answer.json()
    assert told["openapi"].startswith("3.1")
    assert set(told["components"]["securitySchemes"]) == {"subscriptionKey", "accessToken"}
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert {"200", "201", "202", "204"} & operation["responses"].keys(), (method, path)
