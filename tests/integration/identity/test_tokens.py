"""POST /oauth2/token, really served, on real databases: its answers and errors, and that an
assertion is good once."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap import Gateway
from gateway.identity.assertions import verify_assertion
from gateway.identity.callers import Callers
from gateway.identity.refusals import ClientRefusedError
from gateway.identity.tokens import issue_token
from gateway.pipeline.credentials import remove_client, set_client
from store.tables import access_tokens, assertions, audit
from store.tokens import Tokens
from tests.integration.test_store_concurrency import at_once
from tests.lib.api import serve_app
from tests.lib.databases import read_rows
from tests.lib.identity import (
    OTHER,
    SOURCE,
    Clock,
    make_claims,
    make_ec,
    make_form,
    make_jwks,
    make_rsa,
    open_identity,
    sign,
)
from tests.lib.tokens import KEY, make_token_app, post, read_error


@pytest.fixture
def gateway(gateway: Gateway) -> Gateway:
    """One source is a client, with two keys."""
    set_client(gateway, SOURCE, jwks=make_jwks(KEY, make_ec("two")))
    return gateway


@pytest.fixture
def base(gateway: Gateway) -> Iterator[str]:
    with serve_app(make_token_app(gateway)) as address:
        yield address


def count_tokens(gateway: Gateway) -> int:
    """In the store; each with its assertion."""
    url = gateway.settings.database
    tokens = len(read_rows(url, access_tokens))
    assert len(read_rows(url, assertions)) == tokens
    return tokens


def count_issued(gateway: Gateway) -> int:
    rows = read_rows(gateway.settings.database, audit)
    return [row.action for row in rows].count("token.issued")


def test_a_token_is_answered_as_the_platform_does(base: str, gateway: Gateway) -> None:
    answer = post(base)
    told = answer.json()
    assert (answer.status_code, set(told)) == (200, {"access_token", "expires_in", "token_type"})
    assert (told["expires_in"], told["token_type"]) == ("599", "Bearer")
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    caller = Callers(gateway).find_by_token(told["access_token"])
    assert (caller.source_id, len(caller.scopes), caller.key_id) == (SOURCE, 4, None)
    second = post(base, sign(make_ec("two"), make_claims())).json()
    assert second["access_token"] != told["access_token"]
    assert count_tokens(gateway) == count_issued(gateway) == 2


def test_an_assertion_is_good_once(base: str, gateway: Gateway, clock: Clock) -> None:
    assertion = sign(KEY, make_claims(jti="the same"))
    assert post(base, assertion).status_code == 200
    again = post(base, assertion)
    assert read_error(again) == (400, "invalid_request", "Non-unique jti claim in JWT")
    # Another JWT of the same jti, also by the other key.
    other = sign(make_ec("two"), make_claims(jti="the same", exp=int(clock.at.timestamp()) + 9))
    assert read_error(post(base, other))[2] == "Non-unique jti claim in JWT"
    # Each client has jti of its own.
    set_client(gateway, OTHER, jwks=make_jwks(KEY))
    theirs = sign(KEY, make_claims(jti="the same", iss=OTHER, sub=OTHER))
    assert post(base, theirs).status_code == 200
    assert count_tokens(gateway) == 2


def test_of_many_that_show_it_at_once_one_gets_a_token(gateway: Gateway) -> None:
    form = make_form(sign(KEY, make_claims()))

    def show(_: int) -> str:
        try:
            return issue_token(gateway, form).access_token
        except ClientRefusedError as refusal:
            return refusal.description

    answers = at_once(show)
    assert answers.count("Non-unique jti claim in JWT") == 7
    assert count_tokens(gateway) == 1
    assert count_issued(gateway) == 1


def test_many_at_once_with_assertions_of_their_own_all_get_one(
    gateway: Gateway, clock: Clock
) -> None:
    """Also where they all find the same expired ones to take away."""

    def ask(number: int) -> str:
        key = KEY if number % 2 else make_ec("two")
        claims = make_claims(exp=int(clock.at.timestamp()) + 60)
        return issue_token(gateway, make_form(sign(key, claims))).access_token

    assert len(set(at_once(ask))) == 8
    clock.forward(1_000)
    assert len(set(at_once(ask))) == 8
    assert count_tokens(gateway) == 8
    assert count_issued(gateway) == 16


def test_an_assertion_that_could_not_be_stored_was_not_used(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = make_form(sign(KEY, make_claims()))
    with monkeypatch.context() as patch:
        patch.setattr(Tokens, "add", _fail)
        with pytest.raises(ZeroDivisionError):
            issue_token(gateway, form)
    assert count_tokens(gateway) == 0
    assert issue_token(gateway, form).access_token


def _fail(*_: object, **__: object) -> None:
    raise ZeroDivisionError


def test_what_has_expired_is_taken_away(base: str, gateway: Gateway, clock: Clock) -> None:
    used = sign(KEY, make_claims(exp=int(clock.at.timestamp()) + 300))
    assert post(base, used).status_code == 200
    clock.forward(301)
    # It is over, though it is still remembered.
    assert read_error(post(base, used))[2] == "Invalid exp claim in JWT - JWT has expired"
    assert len(read_rows(gateway.settings.database, assertions)) == 1
    clock.forward(299)
    fresh = sign(KEY, make_claims(exp=int(clock.at.timestamp()) + 60))
    assert post(base, fresh).status_code == 200
    assert count_tokens(gateway) == 1


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("event.read", None),
        ("feed.read  event.read", None),
        ("event.read event.write", "event.read"),
        ("feed.write feed.read event.read", "event.read feed.read"),
        ("", None),
    ],
)
def test_scopes_are_those_asked_for_and_registered(
    base: str, gateway: Gateway, asked: str, given: str | None
) -> None:
    set_client(gateway, SOURCE, jwks=make_jwks(KEY), scopes=["event.read", "feed.read"])
    told = post(base, scope=asked).json()
    assert told.get("scope") == given
    caller = Callers(gateway).find_by_token(told["access_token"])
    expected = set(asked.split()) & {"event.read", "feed.read"} or {"event.read", "feed.read"}
    assert caller.scopes == expected


def test_errors_of_the_jwt_are_told_as_the_platform_does(base: str, gateway: Gateway) -> None:
    told = {
        "kid": read_error(post(base, sign(KEY, make_claims(), kid="gone"))),
        "aud": read_error(post(base, sign(KEY, make_claims(aud="https://else.example")))),
        "iss": read_error(post(base, sign(KEY, make_claims(iss=OTHER, sub=OTHER)))),
        "key": read_error(post(base, sign(make_rsa("else"), make_claims(), kid="one"))),
        "sub": read_error(post(base, sign(KEY, make_claims(sub=OTHER)))),
        "jti": read_error(post(base, sign(KEY, make_claims(jti=...)))),
    }
    assert told == {
        "kid": (401, "invalid_request", "Invalid 'kid' header in JWT - no matching public key"),
        "aud": (401, "invalid_request", "Missing or invalid aud claim in JWT"),
        "iss": (401, "invalid_request", "Invalid iss/sub claims in JWT"),
        "key": (401, "invalid_request", "JWT signature verification failed"),
        "sub": (400, "invalid_request", "Missing or non-matching iss/sub claims in JWT"),
        "jti": (400, "invalid_request", "Missing jti claim in JWT"),
    }
    assert count_tokens(gateway) == 0


def test_the_audience_is_our_public_address(tmp_path: Path, clock: Clock) -> None:
    public = "https://lrms.example/gateway/"
    with open_identity(tmp_path, "", clock, public_url=public) as gateway:
        set_client(gateway, SOURCE, jwks=make_jwks(KEY))
        with pytest.raises(ClientRefusedError, match="aud"):
            issue_token(gateway, make_form(sign(KEY, make_claims())))
        claims = make_claims(aud="https://lrms.example/gateway/oauth2/token")
        assert issue_token(gateway, make_form(sign(KEY, claims)))


def test_a_removed_client_gets_nothing(base: str, gateway: Gateway) -> None:
    remove_client(gateway, SOURCE)
    assert read_error(post(base))[0] == 401


def test_a_client_removed_while_its_signature_is_looked_at_gets_nothing(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify_slowly(*given: Any) -> Any:
        found = verify_assertion(*given)
        remove_client(gateway, SOURCE)
        set_client(gateway, SOURCE, jwks=make_jwks(make_ec("two")))
        return found

    monkeypatch.setattr("gateway.identity.tokens.verify_assertion", verify_slowly)
    with pytest.raises(ClientRefusedError, match="no matching public key"):
        issue_token(gateway, make_form(sign(KEY, make_claims())))
    assert count_tokens(gateway) == 0


def test_published_keys_that_cannot_be_read_are_told_as_not_now(
    base: str, gateway: Gateway
) -> None:
    set_client(gateway, SOURCE, jwks_url="http://127.0.0.1:9/jwks.json")
    answer = post(base)
    status, error, told = read_error(answer)
    assert (status, error) == (503, "temporarily_unavailable")
    assert "jwks_url cannot be read: ConnectionError" in told
    assert int(answer.headers["Retry-After"]) > 0


def test_nothing_secret_is_in_logs_or_the_audit_log(
    base: str, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    assertion = sign(KEY, make_claims(jti="my-own-jti"))
    token = post(base, assertion).json()["access_token"]
    post(base, assertion)
    Callers(gateway).find_by_token(token)
    logged = caplog.text
    assert "a token was issued" in logged
    stored = "".join(
        repr(read_rows(gateway.settings.database, table))
        for table in (audit, access_tokens, assertions)
    )
    for secret in (token, assertion, assertion.rpartition(".")[2], "my-own-jti"):
        assert secret not in logged
        assert secret not in stored
