"""What an API and the line to it may do wrong: what is asked again, what ends the run, and how it
is told."""

from datetime import timedelta
from threading import Event

import pytest

from gateway.collectors.far_end import CollectError
from tests.lib.collecting import list_batches, read_collector, run
from tests.lib.lrms_api import fail, say, wait_for
from tests.lib.pulling import BUNDLE, fill, read_cursor, read_raw
from tests.lib.tcp_proxy import Fault, SpeakingOnce, TcpProxy


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


@pytest.mark.parametrize("then", ["cut", "reset", "silent"])
def test_an_answer_that_breaks_off_is_asked_for_again_and_never_received_in_half(
    gateway, api, make, then
):
    fill(api, 200, text="x" * 1_000)
    api.page_size = 300
    with TcpProxy(api.port, Fault(after=100_000, then=then)) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/events.ndjson"
        # Silence is ended by the limit alone; by it, a machine that stalls costs a connection more.
        is_silent = then == "silent"
        make(url=url, timeout=3 if is_silent else 60)
        assert run(gateway) == {"received": 1}
        assert proxy.connections == 2 or (is_silent and proxy.connections == 3)
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
    go_on = Event()
    api.faults.extend([wait_for(go_on)] * 3)
    with pytest.raises(CollectError, match="timed-out"):
        run(gateway)
    go_on.set()


def test_nobody_there_is_told_as_that(gateway, make):
    make(url="http://127.0.0.1:1/")
    with pytest.raises(CollectError, match="unreachable"):
        run(gateway)
