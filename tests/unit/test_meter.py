"""Limits of a source within one process; tests/integration/identity/test_usage.py has several."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gateway.config import Settings
from gateway.identity.limits import Meter
from tests.lib.identity import Clock


def make_meter(clock: Clock, requests: int = 0, records: int = 0, octets: int = 0) -> Meter:
    settings = Settings(
        home=Path("unused"),
        max_requests_per_minute=requests,
        max_records_per_minute=records,
        max_bytes_per_minute=octets,
    )
    return Meter(settings, clock.now)


def test_the_limit_is_reached_and_the_next_minute_begins_anew():
    clock = Clock()  # twenty seconds past the minute
    meter = make_meter(clock, requests=3)
    for left in (2, 1, 0):
        quota = meter.take("one")
        assert (quota.allowed, quota.policy) == (True, None)
        assert quota.headers == {
            "RateLimit-Policy": '"requests";q=3;w=60',
            "RateLimit": f'"requests";r={left};t=40',
        }
    refused = meter.take("one")
    assert (refused.allowed, refused.policy) == (False, "requests")
    assert refused.headers["Retry-After"] == "40"
    assert refused.headers["RateLimit"] == '"requests";r=0;t=40'
    assert meter.take("two").allowed
    clock.forward(39)
    assert meter.take("one").headers["Retry-After"] == "1"
    clock.forward(1)
    assert meter.take("one").headers["RateLimit"] == '"requests";r=2;t=60'


@pytest.mark.parametrize("policy", ["records", "bytes"])
def test_what_a_big_one_takes_beyond_is_let_in_once(policy):
    clock = Clock()
    meter = make_meter(clock, records=10, octets=10)
    assert meter.take("one", **{policy: 9}).allowed
    assert meter.take("one", **{policy: 500}).allowed
    refused = meter.take("one", **{policy: 1})
    assert (refused.allowed, refused.policy) == (False, policy)
    # A request that takes none of it is not held up.
    assert meter.take("one").allowed
    clock.forward(40)
    assert meter.take("one", **{policy: 1}).allowed


def test_units_are_told():
    headers = make_meter(Clock(), 1, 2, 3).take("one", records=1, bytes=2).headers
    assert headers["RateLimit-Policy"] == (
        '"requests";q=1;w=60, "records";q=2;qu="records";w=60, "bytes";q=3;qu="content-bytes";w=60'
    )
    assert headers["RateLimit"] == '"requests";r=0;t=40, "records";r=1;t=40, "bytes";r=1;t=40'


def test_no_limits_no_headers():
    meter = make_meter(Clock())
    for _ in range(20):
        quota = meter.take("one", records=10**9, bytes=10**12)
        assert (quota.allowed, quota.headers) == (True, {})


def test_of_many_at_once_so_many_are_let_in():
    meter = make_meter(Clock(), requests=100)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: meter.take("one").allowed, range(400)))
    assert found.count(True) == 100
