"""Feeds: sent whole, waited for as the gateway asks, their receipts streamed, lists by the page."""

import io
import itertools
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses
from responses.matchers import header_matcher, query_param_matcher

from gateway.client import (
    BadAnswerError,
    ConflictError,
    NotFinishedError,
    NotFoundError,
    Patience,
    RefusedError,
    RejectedError,
    UnreachableError,
)
from tests.lib.vendor import BASE, FakeTime, make_client, make_problem

FEEDS = f"{BASE}/feeds"
ONE = f"{FEEDS}/b-1"


def feed(state: str = "received", **more):
    return {"id": "b-1", "state": state, "dry_run": False, **more}


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        yield mock


def body_of(call) -> bytes:
    return call.request.body or b""


def test_a_path_is_sent_by_its_name(mocked, time, tmp_path):
    path = tmp_path / "nightly feed.csv"
    path.write_bytes(b"a,b\n")
    match = [query_param_matcher({"filename": "nightly feed.csv"})]
    mocked.add("POST", FEEDS, status=202, json=feed(), match=match)
    found = make_client(time).send_feed(path)
    assert (found.id, found.state, found.is_finished) == ("b-1", "received", False)
    assert body_of(mocked.calls[0]) == b"a,b\n"
    assert mocked.calls[0].request.headers["Content-Length"] == "4"


def test_a_dry_run(mocked, time):
    match = [query_param_matcher({"filename": "a", "dry-run": "true"})]
    mocked.add("POST", FEEDS, status=202, json=feed("waiting", dry_run=True), match=match)
    assert make_client(time).send_feed(io.BytesIO(b"x"), filename="a", dry_run=True).dry_run


def test_a_stream_from_where_it_stands_at_every_attempt(mocked, time):
    stream = io.BytesIO(b"head" + b"tail")
    stream.seek(4)
    mocked.add("POST", FEEDS, body=requests.ConnectionError(ConnectionResetError()))
    mocked.add("POST", FEEDS, status=503, json=make_problem(503, "unavailable"))
    mocked.add("POST", FEEDS, status=202, json=feed())
    make_client(time).send_feed(stream)
    assert [body_of(call) for call in mocked.calls] == [b"tail"] * 3


def test_an_empty_feed_has_a_length_too(mocked, time):
    mocked.add("POST", FEEDS, status=202, json=feed())
    make_client(time).send_feed(io.BytesIO())
    assert mocked.calls[0].request.headers["Content-Length"] == "0"


@pytest.mark.parametrize("state", ["finished", "held", "checked", "failed"])
def test_waiting_asks_as_often_as_it_is_told(mocked, time, state):
    for seconds in ("2", "7"):
        mocked.add("GET", ONE, status=202, json=feed(), headers={"Retry-After": seconds})
    counts = {"records": 3, "created": 2, "revised": 0, "unchanged": 0, "rejected": 1}
    mocked.add("GET", ONE, json=feed(state, verdict="partly_accepted", counts=counts))
    done = make_client(time).wait_for("b-1")
    assert (done.state, done.verdict, done.is_finished) == (state, "partly_accepted", True)
    assert done.counts.rejected == 1
    assert time.sleeps == [2, 7]


@pytest.mark.parametrize(("told", "slept"), [(None, 2), ("0", 0.2), ("3600", 60)])
def test_within_reason(mocked, time, told, slept):
    headers = {"Retry-After": told} if told else {}
    mocked.add("GET", ONE, status=202, json=feed(), headers=headers)
    mocked.add("GET", ONE, json=feed("finished"))
    make_client(time).wait_for("b-1")
    assert time.sleeps == [slept]


def test_waiting_has_an_end(mocked, time):
    mocked.add("GET", ONE, status=202, json=feed("planned"), headers={"Retry-After": "10"})
    with pytest.raises(NotFinishedError, match="planned") as raised:
        make_client(time).wait_for("b-1", timeout=60)
    assert raised.value.feed_id == "b-1"
    assert sum(time.sleeps) == 60


def test_waiting_survives_a_restart_of_the_gateway(mocked, time):
    mocked.add("GET", ONE, status=202, json=feed())
    mocked.add("GET", ONE, body=requests.ConnectionError(ConnectionRefusedError()))
    mocked.add("GET", ONE, status=502, body="<html>")
    mocked.add("GET", ONE, json=feed("finished"))
    assert make_client(time).wait_for("b-1").state == "finished"


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("json", "application/json"),
        ("csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/fhir+ndjson"),
        ("fhir", "application/fhir+json"),
    ],
)
def test_receipts_come_in_pieces(mocked, form, kind):
    asked = [
        query_param_matcher({"format": form}),
        header_matcher({"Accept": kind.partition(";")[0]}),
    ]
    body = b"0123456789" * 20_000
    mocked.add("GET", f"{ONE}/receipt", body=body, content_type=kind, match=asked)
    pieces = list(make_client().receipt("b-1", form))
    assert b"".join(pieces) == body
    assert len(pieces) > 1


def test_no_receipt_yet(mocked, time):
    mocked.add("GET", f"{ONE}/receipt", status=202, json=feed(), headers={"Retry-After": "2"})
    with pytest.raises(NotFinishedError) as raised:
        list(make_client(time).receipt("b-1"))
    assert raised.value.told.retry_after == 2
    assert time.sleeps == []


def test_a_receipt_of_another_kind(mocked):
    mocked.add("GET", f"{ONE}/receipt", body="<html>", content_type="text/html")
    with pytest.raises(BadAnswerError, match="not text/csv"):
        list(make_client().receipt("b-1", "csv"))


def test_a_receipt_that_is_cut_is_no_receipt(mocked, monkeypatch):
    def cut(self, size):
        yield b"half"
        raise requests.exceptions.ChunkedEncodingError(f"{BASE} ward 7")

    mocked.add("GET", f"{ONE}/receipt", body=b"half", content_type="text/csv")
    monkeypatch.setattr(requests.Response, "iter_content", cut)
    pieces = make_client().receipt("b-1", "csv")
    assert next(pieces) == b"half"
    with pytest.raises(UnreachableError) as raised:
        next(pieces)
    assert "ward 7" not in str(raised.value)


def test_promoting_a_dry_run(mocked, time):
    mocked.add("POST", f"{ONE}/promote", status=503, json=make_problem(503, "unavailable"))
    mocked.add("POST", f"{ONE}/promote", status=202, json=feed())
    assert not make_client(time).promote("b-1").dry_run


def test_promoting_what_is_none(mocked):
    mocked.add("POST", f"{ONE}/promote", status=404, json=make_problem(404, "not-found"))
    with pytest.raises(NotFoundError):
        make_client().promote("b-1")


def test_a_feed_that_may_not_be_corrected_now(mocked):
    problem = make_problem(409, "not-possible")
    mocked.add("PUT", f"{ONE}/records/3", status=409, json=problem)
    with pytest.raises(ConflictError) as raised:
        make_client().correct("b-1", 3, b"{}")
    assert raised.value.issues[0].what_to_do == "what not-possible needs"


class Pages:
    """``/feeds`` by the page of two, as the gateway makes its links."""

    def __init__(self, mock: responses.RequestsMock, count: int, link: str) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self._count, self._link = count, link
        mock.add_callback("GET", FEEDS, self._answer, content_type="application/json")

    def _answer(self, request):
        query = parse_qs(urlsplit(request.url).query)
        self.asked.append(query)
        start = int(query.get("before", ["0"])[0])
        end = min(start + 2, self._count)
        found = [{"id": f"b-{number}", "state": "finished"} for number in range(start, end)]
        following = self._link.format(end) if end < self._count else None
        return 200, {}, requests.compat.json.dumps({"feeds": found, "next": following})


LINKS = [
    f"{FEEDS}?verdict=rejected&limit=2&before={{}}",
    "/feeds?verdict=rejected&limit=2&before={}",
    # Behind a proxy, by the name the gateway has for itself: the key must not go there.
    "http://10.0.0.1:8000/feeds?verdict=rejected&limit=2&before={}",
]


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_feeds_by_the_page(mocked, link, count):
    pages = Pages(mocked, count, link)
    found = make_client().feeds(verdict="rejected", page_size=2)
    assert [one.id for one in found] == [f"b-{number}" for number in range(count)]
    assert all(query["verdict"] == ["rejected"] for query in pages.asked)
    assert len(pages.asked) == max(1, -(-count // 2))
    assert all(call.request.url.startswith(FEEDS) for call in mocked.calls)


def test_pages_are_asked_for_as_they_are_needed(mocked):
    pages = Pages(mocked, 1000, LINKS[0])
    assert len(list(itertools.islice(make_client().feeds(page_size=2), 4))) == 4
    assert len(pages.asked) == 2


def test_pages_that_go_round_end(mocked):
    mocked.add("GET", FEEDS, json={"feeds": [], "next": "/feeds?before=b-1"})
    with pytest.raises(BadAnswerError, match="itself"):
        list(make_client().feeds())
    assert len(mocked.calls) == 2


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"feeds": None},
        {"feeds": [{"state": "finished"}]},
        {"feeds": ["b-1"]},
        {"feeds": [], "next": 1},
    ],
)
def test_pages_that_are_none(mocked, page):
    mocked.add("GET", FEEDS, json=page)
    with pytest.raises(BadAnswerError):
        list(make_client(patience=Patience(attempts=1)).feeds())


def test_what_can_be_asked_for(mocked):
    asked = {
        "state": "finished",
        "since": "2027-01-01T00:00:00+00:00",
        "until": "2027-02-01T00:00:00+00:00",
        "limit": "100",
    }
    match = [query_param_matcher(asked)]
    mocked.add("GET", FEEDS, json={"feeds": [], "next": None}, match=match)
    since, until = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)
    assert list(make_client().feeds(state="finished", since=since, until=until)) == []


def test_a_moment_without_a_zone_is_none():
    with pytest.raises(ValueError, match="time zone"):
        make_client().feeds(since=datetime(2027, 1, 1))  # noqa: DTZ001 - that is the point


def test_an_id_is_needed():
    with pytest.raises(ValueError, match="id"):
        make_client().feed("")


def record(**more):
    return {
        "feed": "b-1",
        "number": 3,
        "disposition": "rejected",
        "local_id": "W3",
        "reference": None,
        "revision": None,
        "findings": [FINDING],
        "corrected": False,
        "corrections": [{"feed": "b-2", "disposition": "rejected", "receipt": "/feeds/b-2"}],
        "corrects": None,
        "links": {"self": "/feeds/b-1/records/3"},
    } | more


FINDING = {
    "code": "RULE-010",
    "severity": "error",
    "path": "/a",
    "source_path": "row 4, harm",
    "message": "not so",
    "fix": "leave it out",
}


def test_rejected_records(mocked):
    asked = {"feed": "b-1", "code": "RULE-010", "corrected": "false", "limit": "100"}
    match = [query_param_matcher(asked)]
    page = {"records": [record()], "next": None}
    mocked.add("GET", f"{BASE}/rejected", json=page, match=match)
    (found,) = make_client().rejected(feed_id="b-1", code="RULE-010", corrected=False)
    assert (found.feed_id, found.number, found.local_id) == ("b-1", 3, "W3")
    assert (found.findings[0].code, found.findings[0].fix) == ("RULE-010", "leave it out")
    assert [(one.feed_id, one.disposition) for one in found.corrections] == [("b-2", "rejected")]


def test_one_record_and_what_was_sent(mocked):
    mocked.add("GET", f"{ONE}/records/3", json=record(corrected=True))
    mocked.add("GET", f"{ONE}/records/3/content", body=b"a;b\r\n", content_type="text/csv")
    client = make_client()
    assert client.record("b-1", 3).corrected
    assert client.content("b-1", 3) == b"a;b\r\n"


def receipt(*records):
    return {"batch_id": "b-9", "findings": [], "records": list(records)}


def test_a_correction_that_is_accepted(mocked, time):
    accepted = {"number": 1, "disposition": "created", "reference": "R", "revision": 1}
    mocked.add("PUT", f"{ONE}/records/3", body=requests.ReadTimeout())
    mocked.add("PUT", f"{ONE}/records/3", json=receipt(accepted))
    made = make_client(time).correct("b-1", 3, b"{}")
    assert (made.feed_id, made.number, made.disposition) == ("b-9", 1, "created")
    assert (made.reference, made.revision) == ("R", 1)
    assert [body_of(call) for call in mocked.calls] == [b"{}", b"{}"]


def test_a_correction_that_is_rejected_too(mocked):
    rejected = {"number": 1, "disposition": "rejected", "findings": [FINDING]}
    mocked.add("PUT", f"{ONE}/records/3", status=422, json=receipt(rejected))
    with pytest.raises(RejectedError, match="RULE-010") as raised:
        make_client().correct("b-1", 3, b"{}")
    (issue,) = raised.value.issues
    assert (issue.code, issue.what_to_do) == ("RULE-010", "leave it out")
    assert issue.expression == ["row 4, harm"]


def test_a_correction_that_cannot_stand_in_that_place(mocked):
    problem = make_problem(422, "correction-refused")
    mocked.add("PUT", f"{ONE}/records/3", status=422, json=problem)
    with pytest.raises(RefusedError) as raised:
        make_client().correct("b-1", 3, b"{}")
    assert raised.value.code == "correction-refused"


@pytest.mark.parametrize("body", [{}, receipt(), {"batch_id": "b-9", "records": [{}]}])
def test_a_receipt_of_a_correction_that_is_none(mocked, body):
    mocked.add("PUT", f"{ONE}/records/3", json=body)
    with pytest.raises(BadAnswerError):
        make_client().correct("b-1", 3, b"{}")
