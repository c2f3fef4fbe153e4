"""Collectors of an API against a real one: pages, where the next run begins, who asks, and what the
API and the line may do wrong."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.bootstrap import Gateway
from gateway.client.patience import Patience
from gateway.collectors import http_asking, http_identity
from gateway.collectors.far_end import CollectError
from gateway.collectors.http_pull import HttpPull
from gateway.generator import write_feed
from gateway.pipeline.ingest import process_batch
from schemas.errors import WrongUseError
from tests.functional.test_client_tls import write_certificate
from tests.lib.collecting import (
    NOW,
    Clock,
    Killed,
    add,
    list_batches,
    open_collecting,
    read_collector,
    read_items,
    run,
)
from tests.lib.databases import copy_sqlite
from tests.lib.lrms_api import LrmsApi, fail, say, wait
from tests.lib.tcp_proxy import Fault, SpeakingOnce, TcpProxy

MARK = "Zebrafinch"
BUNDLE = {"since": {}, "pages": {"by": "bundle"}}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience(attempts=3, total_seconds=20, first_wait=0.01, longest_wait=2)
    for module in (http_asking, http_identity):
        monkeypatch.setattr(module, "PATIENCE", patience)


@pytest.fixture
def api() -> Iterator[LrmsApi]:
    with LrmsApi(NOW) as started:
        yield started


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: Path) -> Iterator[tuple[Gateway, Clock]]:
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_collecting(tmp_path / "home", url, max_feed_bytes=10_000_000) as both,
    ):
        yield both


@pytest.fixture
def gateway(opened: tuple[Gateway, Clock]) -> Gateway:
    return opened[0]


@pytest.fixture
def clock(opened: tuple[Gateway, Clock]) -> Clock:
    return opened[1]


@pytest.fixture
def make(gateway: Gateway, api: LrmsApi) -> Callable[..., str]:
    """Registers a collector of the API."""

    def make(path: str = "/fhir/AdverseEvent", name: str = "far", **settings: object) -> str:
        text = json.dumps({"url": api.url + path, "timeout": 10, **settings})
        return add(gateway, "http", name=name, settings=text).id

    return make


def fill(api: LrmsApi, count: int, **more: object) -> None:
    """Records that changed one hour after the other, the last of them an hour ago."""
    for number in range(count):
        ago = timedelta(hours=count - number)
        api.add({"resourceType": "AdverseEvent", "id": f"{number}", **more}, api.now - ago)


def read_raw(gateway: Gateway) -> list[bytes]:
    """What was received, in order."""
    items = sorted(read_items(gateway).values(), key=lambda one: one.id)
    streams = [gateway.raw.open(one.sha256) for one in items if one.sha256]
    found = [stream.read() for stream in streams]
    for stream in streams:
        stream.close()
    return found


def read_cursor(gateway: Gateway) -> dict[str, str]:
    return json.loads(read_collector(gateway).cursor or "{}")


def test_every_page_is_a_batch_and_the_next_run_asks_for_what_changed(gateway, make, api, clock):
    fill(api, 5)
    make(**BUNDLE)
    assert run(gateway) == {"received": 3}
    assert [one[2] for one in list_batches(gateway.settings.database)] == ["pull"] * 3
    ids = [
        entry["resource"]["id"] for raw in read_raw(gateway) for entry in json.loads(raw)["entry"]
    ]
    assert ids == ["0", "1", "2", "3", "4"]
    assert [query for _, query in api.asked] == [{}, {"page": "1"}, {"page": "2"}]
    clock.go(hours=1)
    api.now += timedelta(hours=1)
    api.add({"resourceType": "AdverseEvent", "id": "new"})
    assert run(gateway) == {"received": 1}
    # Ten minutes before the last run began.
    assert api.asked[-1][1] == {"_lastUpdated": "ge2026-11-22T09:20:00Z"}
    assert json.loads(read_raw(gateway)[-1])["entry"][-1]["resource"]["id"] == "new"


def test_an_answer_without_records_is_no_batch_and_moves_the_cursor(gateway, make, api, clock):
    make(**BUNDLE)
    for _ in range(3):
        assert run(gateway) in ({"noted": 1}, {})
        clock.go(minutes=5)
        api.now += timedelta(minutes=5)
    assert list_batches(gateway.settings.database) == []
    assert list(read_items(gateway)) == ["empty"]
    assert read_cursor(gateway) == {"since": "2026-11-22T09:40:00Z"}


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("/events.ndjson", {"since": {"parameter": "since"}, "pages": {"by": "link"}}),
        (
            "/incidents",
            {
                "since": {"parameter": "changed"},
                "pages": {"by": "field", "field": "paging.next"},
                "records": "incidents",
            },
        ),
        (
            "/incidents",
            {
                "pages": {"by": "field", "field": "paging.page", "parameter": "page"},
                "records": "incidents",
            },
        ),
    ],
)
def test_pages_are_found_by_link_and_by_field(gateway, make, api, path, settings):
    fill(api, 5)
    make(path, **settings)
    assert run(gateway) == {"received": 3}
    assert [query.get("page") for _, query in api.asked] == [None, "1", "2"]
    assert read_raw(gateway)[0].count(b"AdverseEvent") == 2


def test_a_run_begins_from_where_the_api_says(gateway, make, api):
    fill(api, 2)
    settings = {"mark": {"parameter": "after", "field": "serial"}, "records": "incidents"}
    make("/incidents", **settings)
    run(gateway)
    assert read_cursor(gateway)["mark"] == "2"
    fill(api, 1)
    run(gateway)
    assert api.asked[-1][1] == {"after": "2"}
    assert read_cursor(gateway)["mark"] == "3"
    # A number that goes back is not followed.
    api.faults.append(say(b'{"incidents": [{"id": 9}], "serial": 1}', "application/json"))
    run(gateway)
    assert read_cursor(gateway)["mark"] == "3"


def test_a_feed_that_did_not_change_is_not_sent_again(gateway, make, api):
    fill(api, 2)
    make("/whole.csv")
    assert run(gateway) == {"received": 1}
    assert run(gateway) == {}
    assert api.headers[-1]["if-none-match"] == '"2"'
    fill(api, 1)
    assert run(gateway) == {"received": 1}


def test_the_same_records_in_the_overlap_are_unchanged(gateway, make, api, clock):
    stream = io.BytesIO()
    write_feed(stream, events=4, format="fhir-5", seed=3, errors=0.0, duplicates=0.0)
    for line in stream.getvalue().splitlines():
        api.add(json.loads(line))
    api.page_size = 10
    make(**BUNDLE)
    run(gateway)
    clock.go(minutes=5)
    api.now += timedelta(minutes=5)
    # The same records, in other bytes.
    api.records.reverse()
    assert run(gateway) == {"received": 1}
    with gateway.store.read() as work:
        batches = work.batches.find_all(10)
    counts = [
        process_batch(gateway, one.id).counts for one in sorted(batches, key=lambda b: b.number)
    ]
    assert [(one.created, one.unchanged, one.rejected) for one in counts] == [(4, 0, 0), (0, 4, 0)]


@pytest.mark.parametrize("step", ["open", "ask"])
def test_a_run_that_is_killed_between_pages_goes_on_where_it_was(
    gateway, make, api, clock, monkeypatch, step
):
    fill(api, 7)
    make(**BUNDLE)
    count = 0
    owner, name = (HttpPull, "open") if step == "open" else (http_asking.Asker, "ask")
    real = getattr(owner, name)

    def die(self, *given, **named):
        nonlocal count
        count += 1
        if count == 3:
            raise Killed
        return real(self, *given, **named)

    monkeypatch.setattr(owner, name, die)
    with pytest.raises(Killed):
        run(gateway)
    monkeypatch.undo()
    assert len(list_batches(gateway.settings.database)) == 2
    assert read_cursor(gateway)["next"].endswith("page=2")
    clock.go(minutes=20)
    run(gateway)
    assert len(list_batches(gateway.settings.database)) == 4
    # From where the run began, not where it was taken up.
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}


def test_a_run_bounded_in_pages_goes_on_in_the_next(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE, max_pages=2)
    assert run(gateway) == {"received": 2}
    assert run(gateway) == {"received": 1}
    assert "next" not in read_cursor(gateway)


def test_where_the_next_page_is_not_kept_any_longer_the_run_begins_anew(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE, max_pages=2)
    run(gateway)
    api.faults.append(fail(410))
    assert run(gateway) == {}
    assert run(gateway) == {"received": 1}
    assert len(list_batches(gateway.settings.database)) == 3


def test_the_cursor_is_where_it_was_when_a_page_fails(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE)
    api.faults.extend([lambda _: None, *[fail(500)] * 3])
    with pytest.raises(CollectError, match="failing"):
        run(gateway)
    assert len(list_batches(gateway.settings.database)) == 1
    assert read_cursor(gateway)["next"].endswith("page=1")
    assert run(gateway) == {"received": 2}


def test_the_earlier_of_two_clocks_counts_and_time_never_goes_back(gateway, make, api, clock):
    fill(api, 1)
    make(**BUNDLE)
    api.now = NOW + timedelta(days=400)
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}
    api.now = NOW - timedelta(days=400)
    fill(api, 1)
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}


def test_without_the_apis_clock_a_day_is_asked_for_again(gateway, make, api):
    make(**BUNDLE)
    api.faults.append(say(b'{"resourceType": "Bundle", "entry": [1]}', Date=""))
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-21T09:30:00Z"}


@pytest.mark.parametrize(
    "faults",
    [[fail(500)], [fail(503, Retry_After="0")], [fail(429, Retry_After="1")], [fail(502)] * 2],
)
def test_what_may_pass_is_asked_again(gateway, make, api, faults):
    fill(api, 1)
    make(**BUNDLE)
    api.faults.extend(faults)
    assert run(gateway) == {"received": 1}
    assert len(api.asked) == len(faults) + 1


@pytest.mark.parametrize(
    ("fault", "reason", "asked"),
    [
        (fail(401), "denied", 1),
        (fail(403), "denied", 1),
        (fail(404), "missing", 1),
        (fail(400), "bad-answer", 1),
        (fail(500), "failing", 3),
        (fail(302, Location="https://elsewhere.example/fhir"), "redirected", 1),
        (fail(302, Location="/fhir/AdverseEvent"), "redirected", 5),
        (say("<html>log in</html>", "text/html"), "content-type", 1),
        (say(b'{"resourceType": "Bundle", '), "bad-answer", 1),
        (say(b'{"resourceType": "OperationOutcome"}'), "bad-answer", 1),
        (say(b" " * 2_000), "too-big", 1),
    ],
)
def test_what_will_not_pass_fails_the_run_and_says_why(gateway, make, api, fault, reason, asked):
    make(**BUNDLE, max_page_bytes=1_000)
    api.faults.extend([fault] * 10)
    with pytest.raises(CollectError) as error:
        run(gateway)
    assert error.value.reason == reason
    assert len(api.asked) == asked
    assert read_collector(gateway).reason == reason
    assert read_cursor(gateway) == {}
    assert list_batches(gateway.settings.database) == []


def test_an_api_that_asks_for_a_long_pause_gets_it(gateway, make, api, clock):
    make(**BUNDLE)
    api.faults.append(fail(429, Retry_After="7200"))
    with pytest.raises(CollectError, match="throttled"):
        run(gateway)
    assert len(api.asked) == 1
    assert read_collector(gateway).due_at == clock.now + timedelta(hours=2)


@pytest.mark.parametrize(
    "link",
    ["https://elsewhere.example/fhir?page=2", "//elsewhere.example/x", "http://127.0.0.1:1/x"],
)
def test_no_page_is_fetched_from_elsewhere(gateway, make, api, link):
    make(**BUNDLE)
    bundle = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": link}],
        "entry": [{"resource": {"id": "1"}}],
    }
    api.faults.append(say(json.dumps(bundle)))
    with pytest.raises(CollectError, match="redirected"):
        run(gateway)
    assert list_batches(gateway.settings.database) == []


def test_a_redirect_within_the_api_is_followed_with_the_key(gateway, make, api):
    fill(api, 1)
    keyed = replace(gateway, find_secret={"KEY": "secret-1"}.get)
    key = {"header": "X-Key", "prefix": "", "secret": {"env": "KEY"}}
    make("/old", **BUNDLE, key=key)
    with pytest.raises(CollectError, match="missing"):
        run(keyed)
    api.faults.append(lambda _: RedirectResponse("/fhir/AdverseEvent"))
    make("/events.ndjson", "other", **BUNDLE, key=key)
    assert run(keyed, "other") == {"received": 1}
    assert [headers["x-key"] for headers in api.headers[-2:]] == ["secret-1"] * 2


def test_a_page_that_leads_to_itself_ends_the_run(gateway, make, api):
    make(**BUNDLE)
    bundle = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": "/fhir/AdverseEvent"}],
        "entry": [{"resource": {"id": "1"}}],
    }
    api.faults.extend([say(json.dumps(bundle))] * 9)
    with pytest.raises(CollectError, match="bad-answer"):
        run(gateway)
    assert len(api.asked) == 1


def test_pages_that_lead_in_a_circle_end_the_run(gateway, make, api):
    make(**BUNDLE)

    def lead(to: str) -> Callable[[Request], Response]:
        link = [{"relation": "next", "url": f"/fhir/AdverseEvent?{to}"}]
        return say(
            json.dumps({"resourceType": "Bundle", "link": link, "entry": [{"resource": to}]})
        )

    api.faults.extend([lead("b"), lead("a")] * 20)
    with pytest.raises(CollectError, match="bad-answer"):
        run(gateway)
    assert len(api.asked) < 12
    assert len(list_batches(gateway.settings.database)) == 2


def test_the_same_page_twice_is_received_once(gateway, make, api):
    fill(api, 6)
    make("/events.ndjson", pages={"by": "link"})
    same = b'{"resourceType": "AdverseEvent", "id": "0"}\n'
    kind = "application/fhir+ndjson"
    links = [f'</events.ndjson?page={number}>; rel="next"' for number in (1, 2)]
    api.faults.extend(say(same, kind, Link=link) for link in links)
    assert run(gateway) == {"received": 2}
    assert [query.get("page") for _, query in api.asked] == [None, "1", "2"]


@pytest.mark.parametrize("then", ["cut", "reset", "silent"])
def test_an_answer_that_breaks_off_is_asked_for_again_and_never_received_in_half(
    gateway, api, make, then
):
    fill(api, 200, text="x" * 1_000)
    api.page_size = 300
    with TcpProxy(api.port, Fault(after=100_000, then=then)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/events.ndjson"
        make(url=url, timeout=1)
        assert run(gateway) == {"received": 1}
        assert proxy.connections == 2
    assert read_raw(gateway)[0].count(b"\n") == 200


def test_an_answer_that_always_breaks_off_is_no_batch(gateway, api, make):
    fill(api, 200, text="x" * 1_000)
    api.page_size = 300
    with TcpProxy(api.port, *[Fault(after=100_000)] * 3) as proxy:
        make(url=f"http://127.0.0.1:{proxy.port}/events.ndjson")
        with pytest.raises(CollectError, match="broken-off"):
            run(gateway)
    assert list_batches(gateway.settings.database) == []


def test_an_answer_that_ends_with_its_connection_is_not_trusted(gateway, api, make):
    """Nobody could tell the whole of it from half of it."""
    with SpeakingOnce(b"HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\n\r\nid\n1\n") as port:
        make(url=f"http://127.0.0.1:{port}/")
        with pytest.raises(CollectError, match="bad-answer"):
            run(gateway)


def test_an_api_that_does_not_answer_in_time_is_given_up(gateway, make, api):
    make(**BUNDLE, timeout=0.2)
    api.faults.extend([wait(0.6)] * 3)
    with pytest.raises(CollectError, match="timed-out"):
        run(gateway)


def test_nobody_there_is_told_as_that(gateway, make):
    make(url="http://127.0.0.1:1/")
    with pytest.raises(CollectError, match="unreachable"):
        run(gateway)


def test_a_certificate_is_always_checked(gateway, make, tmp_path):
    own, other = (write_certificate(tmp_path, name) for name in ("own", "other"))
    with LrmsApi(NOW, tls=own) as api:
        fill(api, 1)
        for name, trusted in (("usual", None), ("other", other), ("own", own)):
            ca = {"ca_file": str(trusted[0])} if trusted else {}
            make(name=name, url=f"{api.url}/fhir/AdverseEvent", **BUNDLE, **ca)
        for name in ("usual", "other"):
            with pytest.raises(CollectError, match="certificate"):
                run(gateway, name)
        assert api.asked == []
        assert run(gateway, "own") == {"received": 1}


def test_a_client_that_signs_gets_tokens_and_another_when_one_is_refused(gateway, make, api):
    fill(api, 3)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    oauth = {
        "token_url": f"{api.url}/oauth2/token",
        "client_id": "gateway",
        "kid": "k-1",
        "private_key": {"env": "PEM"},
    }
    make(**BUNDLE, oauth=oauth)
    with pytest.raises(CollectError, match="secret"):
        run(gateway)
    api.faults.extend([lambda _: None, fail(401)])
    assert run(replace(gateway, find_secret={"PEM": pem}.get)) == {"received": 2}
    paths = [path for path, _ in api.asked]
    assert paths == ["/oauth2/token", "/fhir/AdverseEvent"] * 2 + ["/fhir/AdverseEvent"]
    shown = [headers.get("authorization") for headers in api.headers]
    assert shown == [None, "Bearer token-1", None, "Bearer token-3", "Bearer token-3"]


def test_what_is_shown_of_a_failure_holds_no_secret_and_no_content(gateway, make, api, caplog):
    secret = f"{MARK}-secret"
    key = {"secret": {"env": "KEY"}}
    fill(api, 1, text=MARK)
    make(**BUNDLE, key=key, query={"ward": MARK})
    asking = replace(gateway, find_secret={"KEY": secret}.get)
    api.faults.extend([fail(500)] * 3)
    with caplog.at_level(logging.INFO):
        with pytest.raises(CollectError):
            run(asking)
        run(asking)
        with pytest.raises(CollectError, match="secret"):
            run(replace(gateway, find_secret={"KEY": f"{MARK}\nX: y"}.get))
    assert api.headers[-1]["authorization"] == secret
    assert MARK not in caplog.text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://lrms.example/api"}, "https"),
        ({"url": "https://user:secret@lrms.example/"}, "without a user"),
        ({"url": "ftp://lrms.example"}, "address"),
        ({"pages": {"by": "field"}}, "field is needed"),
        ({"pages": {"by": "link", "field": "a"}}, "field is needed"),
        ({"since": {}, "mark": {"parameter": "a", "field": "b"}}, "one of since and mark"),
        ({"mark": {"parameter": "a"}}, "one of header and field"),
        ({"verify": False}, "verify"),
        ({"key": {"header": "A: b", "secret": {"env": "A"}}}, "header"),
        ({"since": {"first": "2026-01-01T00:00:00"}}, "timezone"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, settings, told):
    with pytest.raises(WrongUseError, match=told):
        make(**settings)
