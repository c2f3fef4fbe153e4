"""What collectors of an API ask, wait for and understand, without an API."""

import gzip
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import responses

from gateway.client.patience import Clock
from gateway.collectors.far_end import CollectError
from gateway.collectors.http import HttpSettings
from gateway.collectors.http_asking import Asker
from gateway.collectors.http_cursor import (
    Cursor,
    complete,
    find_begun,
    go_on,
    make_parameters,
    parse_cursor,
    write_cursor,
)
from gateway.collectors.http_pages import read_said

URL = "https://lrms.example/api/incidents"
NOW = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)


class FakeTime:
    def __init__(self) -> None:
        self.now = NOW.timestamp()
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def make_clock(self) -> Clock:
        return Clock(self.sleep, lambda: self.now)


@pytest.fixture
def far() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def make_settings(**settings: Any) -> HttpSettings:
    return HttpSettings.model_validate({"url": URL, **settings})


def ask(time: FakeTime, **settings: Any) -> tuple[Any, bytes]:
    gateway: Any = SimpleNamespace(
        settings=SimpleNamespace(max_feed_bytes=10**9), monotonic=lambda: 0.0
    )
    spool = io.BytesIO()
    with Asker(gateway, make_settings(**settings), time.make_clock()) as asker:
        return asker.ask(URL, spool), spool.getvalue()


def give(far: responses.RequestsMock, body: bytes | Exception, **more: Any) -> None:
    named = {"content_type": "text/csv", "auto_calculate_content_length": True, **more}
    far.get(URL, body=body, **named)


class TestAsking:
    def test_what_came_is_kept_with_its_hash(self, far: responses.RequestsMock) -> None:
        give(far, b"id\n1\n", headers={"Date": "Sat, 28 Nov 2026 02:00:00 GMT"})
        answer, kept = ask(FakeTime())
        assert kept == b"id\n1\n"
        assert (answer.status, answer.size, answer.dated) == (200, 5, NOW)

    @pytest.mark.parametrize(
        "after", ["7", "Sat, 28 Nov 2026 02:00:07 GMT"], ids=["seconds", "date"]
    )
    def test_it_waits_as_long_as_it_is_asked_to(
        self, far: responses.RequestsMock, after: str
    ) -> None:
        far.get(URL, status=503, headers={"Retry-After": after})
        give(far, b"id\n")
        time = FakeTime()
        ask(time)
        assert 7 <= time.slept[0] <= 8
        assert len(time.slept) == 1

    def test_it_asks_a_bounded_number_of_times(self, far: responses.RequestsMock) -> None:
        far.get(URL, status=500)
        time = FakeTime()
        with pytest.raises(CollectError, match="failing"):
            ask(time)
        assert len(far.calls) == 4
        assert sum(time.slept) <= 90

    def test_who_is_asked_to_wait_long_comes_back_another_time(
        self, far: responses.RequestsMock
    ) -> None:
        far.get(URL, status=429, headers={"Retry-After": "3600"})
        with pytest.raises(CollectError) as error:
            ask(time := FakeTime())
        assert (error.value.reason, error.value.retry_after) == ("throttled", 3600)
        assert time.slept == []

    @pytest.mark.parametrize(
        ("error", "reason", "asked"),
        [
            (requests.ConnectionError("refused"), "broken-off", 4),
            (requests.ConnectTimeout(), "unreachable", 4),
            (requests.ReadTimeout(), "timed-out", 4),
            (requests.exceptions.InvalidHeader("secret"), "bad-answer", 1),
        ],
    )
    def test_silence_is_told_by_reason_without_its_words(
        self, far: responses.RequestsMock, error: Exception, reason: str, asked: int
    ) -> None:
        give(far, error)
        with pytest.raises(CollectError) as told:
            ask(FakeTime())
        assert told.value.reason == reason
        assert len(far.calls) == asked
        assert "secret" not in str(told.value)

    def test_what_unpacks_to_more_than_a_page_may_have_is_not_unpacked(
        self, far: responses.RequestsMock
    ) -> None:
        body = gzip.compress(b"0" * 10_000_000)
        give(far, body, headers={"Content-Encoding": "gzip"})
        with pytest.raises(CollectError, match="too-big"):
            ask(FakeTime(), max_page_bytes=1_000_000)

    def test_what_is_packed_on_the_way_is_kept_unpacked(self, far: responses.RequestsMock) -> None:
        give(far, gzip.compress(b"id\n"), headers={"Content-Encoding": "gzip"})
        assert ask(FakeTime())[1] == b"id\n"

    def test_a_key_never_goes_to_another_host(self, far: responses.RequestsMock) -> None:
        far.get(URL, status=307, headers={"Location": "https://elsewhere.example/"})
        with pytest.raises(CollectError, match="redirected"):
            ask(FakeTime())
        assert len(far.calls) == 1

    def test_it_says_what_it_takes(self, far: responses.RequestsMock) -> None:
        give(far, b"id\n")
        ask(FakeTime(), accept=["text/csv"])
        assert far.calls[0].request.headers["Accept"] == "text/csv"


class TestCursor:
    SINCE = HttpSettings.model_validate({"url": URL, "since": {"overlap_seconds": 60}})

    def test_the_first_run_asks_for_all_or_from_where_it_is_set(self) -> None:
        assert make_parameters(self.SINCE, Cursor()) == {}
        first = make_settings(since={"first": "2026-01-01T00:00:00+01:00", "prefix": ""})
        assert make_parameters(first, Cursor()) == {"_lastUpdated": "2025-12-31T23:00:00Z"}

    def test_the_next_asks_from_a_little_before_the_last(self) -> None:
        asked = make_parameters(self.SINCE, complete(Cursor(), NOW, mark=None, etag=None))
        assert asked == {"_lastUpdated": "ge2026-11-28T01:59:00Z"}

    def test_it_never_moves_back(self) -> None:
        behind = complete(Cursor(since=NOW), NOW - timedelta(days=1), mark=None, etag=None)
        assert behind.since == NOW

    def test_the_earlier_clock_counts(self) -> None:
        later = NOW + timedelta(hours=1)
        assert find_begun(later, NOW) == find_begun(NOW, later) == NOW
        assert find_begun(None, NOW) == NOW - timedelta(days=1)

    def test_behind_a_page_the_rest_is_still_to_come(self) -> None:
        between = go_on(Cursor(since=NOW), "/api?page=2", NOW + timedelta(hours=1))
        assert parse_cursor(write_cursor(between)) == between
        assert between.since == NOW
        assert complete(between, NOW + timedelta(hours=1), mark=None, etag=None).next is None

    @pytest.mark.parametrize(
        ("old", "new", "kept"),
        [
            (None, "a", "a"),
            ("a", None, "a"),
            ("b", "a", "a"),
            ("10", "9", "10"),
            ("9", "10", "10"),
            ("9", "9" * 2_000, "9"),
        ],
    )
    def test_a_mark_is_the_apis_own_but_a_number_never_goes_back(
        self, old: str | None, new: str | None, kept: str
    ) -> None:
        assert complete(Cursor(mark=old), NOW, mark=new, etag=None).mark == kept

    def test_one_that_cannot_be_read_is_the_beginning(self) -> None:
        assert parse_cursor("") == parse_cursor("nonsense") == parse_cursor('{"since": 1}')


class TestPages:
    @pytest.mark.parametrize(
        ("header", "following"),
        [
            ('<?page=2>; rel="next"', f"{URL}?page=2"),
            ("<https://lrms.example/x?a=1,2>; rel=next", "https://lrms.example/x?a=1,2"),
            ('<?page=1>; rel="prev", <?page=3>; rel="last next"', f"{URL}?page=3"),
            ('<?page=1>; rel="prev"', None),
            ("", None),
            ("nonsense", None),
        ],
    )
    def test_of_a_link_header(self, header: str, following: str | None) -> None:
        settings = make_settings(pages={"by": "link"})
        assert read_said(settings, URL, {"Link": header}, None).following == following

    @pytest.mark.parametrize(
        ("url", "is_refused"),
        [
            ("https://lrms.example:443/p2", False),
            ("/p2", False),
            ("http://lrms.example/p2", True),
            ("https://lrms.example:8443/p2", True),
            ("https://lrms.example.evil.example/p2", True),
            ("https://lrms.example@evil.example/p2", True),
            ("https://lrms.example:x/p2", True),
            ("file:///etc/passwd", True),
        ],
    )
    def test_only_of_the_same_api(self, url: str, is_refused: bool) -> None:
        settings = make_settings(pages={"by": "field", "field": "next"})
        body = b'{"next": "%s"}' % url.encode()
        if is_refused:
            with pytest.raises(CollectError):
                read_said(settings, URL, {}, body)
        else:
            assert str(read_said(settings, URL, {}, body).following).endswith("/p2")

    @pytest.mark.parametrize(
        ("body", "is_empty"),
        [
            (b"[]", True),
            (b"[{}]", False),
            (b'{"resourceType": "Bundle"}', True),
            (b'{"resourceType": "Bundle", "entry": [{}]}', False),
            (b'{"incidents": []}', False),
            (b'{"resourceType": "AdverseEvent", "entry": []}', False),
            (b"not JSON", False),
        ],
    )
    def test_nothing_is_only_what_surely_is(self, body: bytes, is_empty: bool) -> None:
        assert read_said(make_settings(), URL, {}, body).is_empty is is_empty

    def test_where_the_records_are_is_said(self) -> None:
        settings = make_settings(records="data.incidents")
        assert read_said(settings, URL, {}, b'{"data": {"incidents": []}}').is_empty
        for body in (b'{"error": "busy"}', b'{"data": null}', b'{"data": {"incidents": 1}}'):
            with pytest.raises(CollectError, match="bad-answer"):
                read_said(settings, URL, {}, body)
