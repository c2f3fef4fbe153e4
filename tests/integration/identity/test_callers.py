"""Who a key or a token makes known: at once where it is new, never much longer than it is good."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap import Gateway
from gateway.identity import callers as module
from gateway.identity.callers import Callers
from gateway.identity.tokens import issue_token
from gateway.pipeline.credentials import (
    add_key,
    register_key,
    remove_client,
    revoke_key,
    set_client,
)
from schemas.identity import SCOPES, TOKEN_SECONDS, Caller
from tests.lib.identity import (
    NOW,
    OTHER,
    SOURCE,
    Clock,
    make_claims,
    make_ec,
    make_form,
    make_jwks,
    open_identity,
    sign,
)


@contextmanager
def opened_here(tmp_path: Path, clock: Clock, **settings: Any) -> Iterator[Gateway]:
    with open_identity(tmp_path, "", clock, **settings) as gateway:
        yield gateway


def get_token(gateway: Gateway, scope: str = "") -> str:
    set_client(gateway, SOURCE, jwks=make_jwks(make_ec("one")))
    now = int(gateway.now().timestamp())
    claims = make_claims(exp=now + 60)
    return issue_token(gateway, make_form(sign(make_ec("one"), claims), scope=scope)).access_token


def test_a_key_makes_its_source_known(gateway: Gateway) -> None:
    callers, made = Callers(gateway), add_key(gateway, SOURCE)
    assert callers.peek_key(made.secret) is None
    caller = callers.find_by_key(made.secret)
    assert caller == Caller(
        source_id=SOURCE,
        organisation="RZA",
        scopes=frozenset(SCOPES),
        key_id=made.key.id,
    )
    assert callers.peek_key(made.secret) == caller
    # A key is no token, and what is like it is not it.
    assert callers.find_by_token(made.secret) is None
    for other in (
        made.secret[:-1],
        made.secret + "A",
        made.secret.upper(),
        "",
        "é\ud800",
        "A" * 9999,
    ):
        assert callers.find_by_key(other) is None
        assert callers.peek_key(other) is None


def test_both_keys_work_and_a_revoked_one_does_not(gateway: Gateway, clock: Clock) -> None:
    callers = Callers(gateway)
    first, second = add_key(gateway, SOURCE), add_key(gateway, SOURCE)
    assert callers.find_by_key(first.secret)
    assert callers.find_by_key(second.secret)
    revoke_key(gateway, first.key.id)
    # It was remembered: for a second at most.
    assert callers.find_by_key(first.secret)
    clock.forward(1)
    assert callers.peek_key(first.secret) is None
    assert callers.find_by_key(first.secret) is None
    assert callers.find_by_key(second.secret)
    assert Callers(gateway).find_by_key(first.secret) is None


def test_an_expired_key_is_refused_also_where_it_is_remembered(
    tmp_path: Path, clock: Clock
) -> None:
    with opened_here(tmp_path, clock, key_cache_seconds=60) as gateway:
        callers = Callers(gateway)
        made = add_key(gateway, SOURCE, expires_on=date(2026, 11, 27))
        clock.forward((14 * 60 + 29) * 60 + 39)  # a second before midnight
        assert callers.find_by_key(made.secret)
        clock.forward(1)
        assert callers.peek_key(made.secret) is None
        assert callers.find_by_key(made.secret) is None
        assert Callers(gateway).find_by_key(made.secret) is None


def test_what_was_unknown_is_known_as_soon_as_it_is_there(gateway: Gateway) -> None:
    callers = Callers(gateway)
    assert callers.find_by_key("lrms_made-elsewhere") is None
    register_key(gateway, OTHER, "lrms_made-elsewhere")
    assert callers.find_by_key("lrms_made-elsewhere").source_id == OTHER


def test_without_a_memory_a_revoked_key_ends_at_once(tmp_path: Path, clock: Clock) -> None:
    with opened_here(tmp_path, clock, key_cache_seconds=0) as gateway:
        callers, made = Callers(gateway), add_key(gateway, SOURCE)
        assert callers.find_by_key(made.secret)
        assert callers.peek_key(made.secret) is None
        revoke_key(gateway, made.key.id)
        assert callers.find_by_key(made.secret) is None


def test_the_memory_is_bounded(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 2)
    with opened_here(tmp_path, clock) as gateway:
        callers = Callers(gateway)
        secrets = [add_key(gateway, source).secret for source in (SOURCE, SOURCE, OTHER)]
        for secret in secrets:
            assert callers.find_by_key(secret)
        assert [callers.peek_key(secret) is None for secret in secrets] == [True, False, False]


def test_a_token_makes_its_source_known_for_ten_minutes(gateway: Gateway, clock: Clock) -> None:
    callers, token = Callers(gateway), get_token(gateway, "feed.read event.read")
    caller = callers.find_by_token(token)
    assert caller == Caller(
        source_id=SOURCE, organisation="RZA", scopes=frozenset({"feed.read", "event.read"})
    )
    assert callers.peek_token(token) == caller
    assert callers.find_by_key(token) is None
    clock.forward(TOKEN_SECONDS - 1)
    assert callers.find_by_token(token)
    clock.forward(1)
    assert callers.peek_token(token) is None
    assert callers.find_by_token(token) is None


def test_a_token_reaches_no_further_than_its_client(gateway: Gateway, clock: Clock) -> None:
    callers, token = Callers(gateway), get_token(gateway)
    assert callers.find_by_token(token).scopes == frozenset(SCOPES)
    set_client(gateway, SOURCE, jwks=make_jwks(make_ec("two")), scopes=["event.read"])
    clock.forward(1)
    assert callers.find_by_token(token).scopes == {"event.read"}
    remove_client(gateway, SOURCE)
    clock.forward(1)
    assert callers.find_by_token(token) is None
    # Not even where it becomes a client again.
    set_client(gateway, SOURCE, jwks=make_jwks(make_ec("two")))
    assert callers.find_by_token(token) is None


def test_certificates_come_with_the_caller(gateway: Gateway) -> None:
    with gateway.store.begin(actor="test", at=NOW) as work:
        work.certificates.add(SOURCE, "ab" * 32)
        work.certificates.add(SOURCE, "cd" * 32)
        work.certificates.add(OTHER, "ef" * 32)
    callers, made, token = Callers(gateway), add_key(gateway, SOURCE), get_token(gateway)
    expected = {"ab" * 32, "cd" * 32}
    assert callers.find_by_key(made.secret).certificates == expected
    assert callers.find_by_token(token).certificates == expected
