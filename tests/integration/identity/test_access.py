"""Grants, keys, clients and certificates on real databases: what may be, and that each change has
exactly one entry in the audit log."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gateway.bootstrap import Gateway
from gateway.pipeline.access import end_grant, find_sources, find_usage, give_grant, record_refusal
from gateway.pipeline.credentials import (
    KEY_PREFIX,
    add_key,
    register_key,
    remove_client,
    revoke_key,
    set_client,
)
from schemas.errors import GatewayError, UnknownError, WrongUseError
from schemas.identity import Usage
from schemas.submission import Grant
from store.tables import audit, source_keys
from tests.integration.test_store_concurrency import at_once
from tests.lib.databases import read_rows
from tests.lib.identity import NOW, OTHER, SOURCE, Clock, make_ec, make_jwks, make_rsa

TODAY = date(2026, 11, 27)


def read_audit(gateway: Gateway) -> list[tuple[str, str, dict[str, Any]]]:
    """What was done since the sources were registered."""
    rows = sorted(read_rows(gateway.settings.database, audit), key=lambda row: row.number)
    told = [(row.action, row.subject, json.loads(row.details or "{}")) for row in rows]
    return told[3:]


def find_submits_for(gateway: Gateway, day: date) -> set[str]:
    (source,) = find_sources(gateway, SOURCE)
    return set(source.on(day).submits_for)


def test_a_grant_is_given_ends_and_is_given_anew(gateway: Gateway) -> None:
    give_grant(gateway, SOURCE, Grant("RZB", TODAY, None, " Dr A, letter of May "))
    (source,) = find_sources(gateway, SOURCE)
    assert source.grants == (Grant("RZB", TODAY, None, "Dr A, letter of May", NOW),)
    assert find_submits_for(gateway, TODAY) == {"RZA", "RZB"}
    assert find_submits_for(gateway, TODAY - timedelta(days=1)) == {"RZA"}
    assert end_grant(gateway, SOURCE, "RZB", by="Dr A") == TODAY
    assert find_submits_for(gateway, TODAY) == {"RZA", "RZB"}
    assert find_submits_for(gateway, TODAY + timedelta(days=1)) == {"RZA"}
    end_grant(gateway, SOURCE, "RZB", by="Dr A", on=TODAY - timedelta(days=1))
    assert find_submits_for(gateway, TODAY) == {"RZA"}
    give_grant(gateway, SOURCE, Grant("RZB", None, date(2026, 12, 31), "Dr B"))
    assert find_submits_for(gateway, TODAY) == {"RZA", "RZB"}
    assert read_audit(gateway) == [
        (
            "grant.given",
            SOURCE,
            {
                "organisation": "RZB",
                "starts_on": "2026-11-27",
                "ends_on": None,
                "given_by": "Dr A, letter of May",
            },
        ),
        (
            "grant.ended",
            SOURCE,
            {"organisation": "RZB", "ends_on": "2026-11-27", "ended_by": "Dr A"},
        ),
        (
            "grant.ended",
            SOURCE,
            {"organisation": "RZB", "ends_on": "2026-11-26", "ended_by": "Dr A"},
        ),
        (
            "grant.given",
            SOURCE,
            {
                "organisation": "RZB",
                "starts_on": None,
                "ends_on": "2026-12-31",
                "given_by": "Dr B",
            },
        ),
    ]


@pytest.mark.parametrize(
    ("source", "grant", "told"),
    [
        ("nobody", Grant("RZB", given_by="x"), "no such source"),
        (SOURCE, Grant("RZZ", given_by="x"), "not in the register"),
        (SOURCE, Grant("RZA", given_by="x"), "needs no grant"),
        (SOURCE, Grant("RZB", given_by="  "), "say who"),
        (SOURCE, Grant("RZB", TODAY, TODAY - timedelta(days=1), "x"), "before it begins"),
    ],
)
def test_what_cannot_be_granted(gateway: Gateway, source: str, grant: Grant, told: str) -> None:
    with pytest.raises(WrongUseError, match=told):
        give_grant(gateway, source, grant)
    assert read_audit(gateway) == []


def test_what_cannot_be_ended(gateway: Gateway) -> None:
    with pytest.raises(UnknownError, match="not granted anything"):
        end_grant(gateway, SOURCE, "RZB", by="x")
    give_grant(gateway, SOURCE, Grant("RZB", ends_on=TODAY, given_by="x"))
    with pytest.raises(WrongUseError, match="ends on 2026-11-27 already"):
        end_grant(gateway, SOURCE, "RZB", by="x", on=TODAY + timedelta(days=1))
    with pytest.raises(WrongUseError, match="say who"):
        end_grant(gateway, SOURCE, "RZB", by="")
    with pytest.raises(UnknownError, match="no such source"):
        end_grant(gateway, "nobody", "RZB", by="x")
    assert len(read_audit(gateway)) == 1


def test_two_keys_at_a_time(gateway: Gateway, clock: Clock) -> None:
    """Rotation: the second is added, the source changes over, the first is revoked."""
    first, second = (add_key(gateway, SOURCE, label=word) for word in ("old", "new"))
    with pytest.raises(WrongUseError, match="revoke one first") as refusal:
        add_key(gateway, SOURCE)
    assert first.key.id in str(refusal.value)
    add_key(gateway, OTHER)
    revoke_key(gateway, first.key.id)
    third = add_key(gateway, SOURCE, expires_on=TODAY)
    with pytest.raises(WrongUseError, match="2 active keys"):
        add_key(gateway, SOURCE)
    # It expires at the end of its last day.
    clock.at = datetime(2026, 11, 27, 23, 59, tzinfo=UTC)
    with pytest.raises(WrongUseError, match="2 active keys"):
        add_key(gateway, SOURCE)
    clock.at = datetime(2026, 11, 28, tzinfo=UTC)
    add_key(gateway, SOURCE)
    told = [(action, details["key"]) for action, subject, details in read_audit(gateway)
            if subject == SOURCE]  # fmt: skip
    assert told[:4] == [
        ("key.added", first.key.id),
        ("key.added", second.key.id),
        ("key.revoked", first.key.id),
        ("key.added", third.key.id),
    ]
    assert len(told) == 5


def test_of_many_keys_added_at_once_two_are(gateway: Gateway) -> None:
    def add(_: int) -> bool:
        try:
            add_key(gateway, SOURCE)
        except WrongUseError:
            return False
        return True

    assert at_once(add).count(True) == 2
    assert [action for action, _, _ in read_audit(gateway)] == ["key.added"] * 2


def test_a_key_is_kept_as_its_hash(gateway: Gateway) -> None:
    made = [add_key(gateway, SOURCE) for _ in range(2)]
    assert len({one.secret for one in made}) == len({one.key.id for one in made}) == 2
    for one in made:
        assert one.secret.startswith(KEY_PREFIX)
        assert len(one.secret) == len(KEY_PREFIX) + 43
    stored = read_rows(gateway.settings.database, source_keys)
    assert all(len(row.key_hash) == 32 for row in stored)
    everything = repr(stored) + repr(read_rows(gateway.settings.database, audit))
    assert KEY_PREFIX not in everything


def test_what_cannot_be_a_key(gateway: Gateway) -> None:
    with pytest.raises(UnknownError, match="no such source"):
        add_key(gateway, "nobody")
    with pytest.raises(WrongUseError, match="would never be"):
        add_key(gateway, SOURCE, expires_on=TODAY - timedelta(days=1))
    with pytest.raises(UnknownError, match="no such key"):
        revoke_key(gateway, "k-none")
    made = add_key(gateway, SOURCE)
    revoke_key(gateway, made.key.id)
    with pytest.raises(WrongUseError, match="revoked already"):
        revoke_key(gateway, made.key.id)
    # The same key for two sources would be a fault of ours: nothing is stored, nothing is told.
    with pytest.raises(GatewayError) as refusal:
        register_key(gateway, OTHER, made.secret)
    assert made.secret not in str(refusal.value)
    assert [action for action, _, _ in read_audit(gateway)] == ["key.added", "key.revoked"]


def test_clients_come_are_replaced_and_go(gateway: Gateway) -> None:
    set_client(gateway, SOURCE, jwks=make_jwks(make_rsa("one"), make_ec("two")))
    set_client(gateway, SOURCE, jwks_url="https://vendor.example/jwks.json", scopes=["event.read"])
    with gateway.store.read() as work:
        (client,) = work.clients.find_all()
    assert (client.jwks, client.scopes) == (None, {"event.read"})
    remove_client(gateway, SOURCE)
    with pytest.raises(UnknownError, match="is no client"):
        remove_client(gateway, SOURCE)
    with gateway.store.read() as work:
        assert work.clients.find(SOURCE) is None
    everything = "event.write event.read feed.write feed.read"
    assert read_audit(gateway) == [
        ("client.set", SOURCE, {"kids": ["one", "two"], "jwks_url": None, "scopes": everything}),
        (
            "client.set",
            SOURCE,
            {
                "kids": [],
                "jwks_url": "https://vendor.example/jwks.json",
                "scopes": "event.read",
            },
        ),
        ("client.removed", SOURCE, {}),
    ]


def test_what_cannot_be_a_client(gateway: Gateway) -> None:
    keys = make_jwks(make_rsa("one"))
    with pytest.raises(UnknownError, match="no such source"):
        set_client(gateway, "nobody", jwks=keys)
    with pytest.raises(WrongUseError, match="--jwks"):
        set_client(gateway, SOURCE)
    with pytest.raises(WrongUseError, match="--jwks"):
        set_client(gateway, SOURCE, jwks=keys, jwks_url="https://vendor.example/")
    with pytest.raises(WrongUseError, match="one of event"):
        set_client(gateway, SOURCE, jwks=keys, scopes=["everything"])
    with pytest.raises(WrongUseError, match="https only"):
        set_client(gateway, SOURCE, jwks_url="http://vendor.example/")
    with pytest.raises(WrongUseError, match="private key"):
        set_client(gateway, SOURCE, jwks=make_jwks(make_rsa("one"), private=True))
    assert read_audit(gateway) == []


def test_certificates_come_and_go(gateway: Gateway) -> None:
    with gateway.store.begin(actor="test", at=NOW) as work:
        work.certificates.add(SOURCE, "ab" * 32)
        work.certificates.add(SOURCE, "cd" * 32)
        work.certificates.add(OTHER, "ab" * 32)
    with (
        pytest.raises(WrongUseError, match="already"),
        gateway.store.begin(actor="test", at=NOW) as work,
    ):
        work.certificates.add(SOURCE, "ab" * 32)
    with gateway.store.begin(actor="test", at=NOW) as work:
        work.certificates.remove(SOURCE, "ab" * 32)
        with pytest.raises(UnknownError, match="no such certificate"):
            work.certificates.remove(SOURCE, "ab" * 32)
        assert [one.sha256 for one in work.certificates.find_all(SOURCE)] == ["cd" * 32]
        assert len(work.certificates.find_all()) == 2
    actions = [action for action, _, _ in read_audit(gateway)]
    assert actions == ["certificate.added"] * 3 + ["certificate.removed"]


def test_a_refused_attempt_is_on_record_without_what_was_sent(gateway: Gateway) -> None:
    record_refusal(gateway, SOURCE, "RZC", "request-1")
    record_refusal(gateway, SOURCE, "Mary Smith of Ward 7\0", "r" * 500)
    assert read_audit(gateway) == [
        ("submission.refused", SOURCE, {"organisation": "RZC", "request": "request-1"}),
        (
            "submission.refused",
            SOURCE,
            {"organisation": "(21 characters)", "request": "r" * 128},
        ),
    ]


def test_usage_is_summed_up_by_the_hour(gateway: Gateway) -> None:
    window = int(NOW.timestamp()) // 60 * 60

    def used(before: int, requests: int, refused: int = 0) -> Usage:
        minute = window - 60 * before
        return Usage(
            source_id=SOURCE,
            window=minute,
            requests=requests,
            records=2,
            bytes=300,
            refused=refused,
        )

    with gateway.store.begin(actor="test", at=NOW) as work:
        work.usage.add([used(0, 5), used(1, 7, 1), used(60, 1), used(25 * 60, 9)])
    hours = find_usage(gateway, SOURCE)
    assert [hour.begins.hour for hour in hours] == [8, 9]
    now = hours[1]
    assert (now.requests, now.records, now.bytes, now.refused) == (12, 4, 600, 1)
    assert now.busiest_minute == 7
    assert find_usage(gateway, OTHER) == []
    with pytest.raises(UnknownError):
        find_usage(gateway, "nobody")
