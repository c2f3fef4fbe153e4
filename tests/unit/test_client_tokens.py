"""Access tokens: each assertion is new, a token is used while it is good, and nothing is shown."""

from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.client import ClientCredentials, NotAllowedError, UnreachableError
from tests.lib.vendor import (
    BASE,
    EVENTS,
    REFERENCE,
    STARTED,
    FakeTime,
    make_client,
    make_event,
    make_outcome,
    make_problem,
    make_stored,
)

TOKEN_URL = f"{BASE}/oauth2/token"
ONE = f"{EVENTS}/{REFERENCE}"
RSA = RSAKey.generate_key(2048)
EC = ECKey.generate_key("P-384")


def make_credentials(**more: Any) -> ClientCredentials:
    pem = RSA.as_pem(private=True).decode()
    return ClientCredentials(**{"client_id": "ward", "private_key": pem, "kid": "one"} | more)


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def mocked():
    with responses.RequestsMock() as mock:
        mock.add("GET", ONE, json=make_stored())
        yield mock


def answer_token(mocked, number: int = 1, **more: Any) -> None:
    token = {"access_token": f"t-{number}", "expires_in": "599", "token_type": "Bearer"}
    mocked.add("POST", TOKEN_URL, json=token | more)


def forms(mocked) -> list[dict[str, str]]:
    bodies = [call.request.body for call in mocked.calls if call.request.url == TOKEN_URL]
    return [{name: value for name, (value,) in parse_qs(body.decode()).items()} for body in bodies]


def read_assertions(mocked, key=RSA, algorithm="RS512") -> list[jwt.Token]:
    return [jwt.decode(form["client_assertion"], key, [algorithm]) for form in forms(mocked)]


def tokens_used(mocked) -> list[str | None]:
    used = [call.request for call in mocked.calls if call.request.url == ONE]
    assert all("Ocp-Apim-Subscription-Key" not in one.headers for one in used)
    return [one.headers.get("Authorization") for one in used]


def test_what_is_signed(mocked, time):
    answer_token(mocked)
    make_client(time, credentials=make_credentials(scope="event.read")).get(REFERENCE)
    (form,), (token,) = forms(mocked), read_assertions(mocked)
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"].endswith(":jwt-bearer")
    assert form["scope"] == "event.read"
    assert token.header == {"alg": "RS512", "kid": "one", "typ": "JWT"}
    claims = token.claims
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("ward", "ward", TOKEN_URL)
    assert claims["jti"]
    assert STARTED < claims["exp"] <= STARTED + 300


def test_another_algorithm_and_audience(mocked, time):
    answer_token(mocked)
    credentials = make_credentials(
        private_key=EC.as_pem(private=True), algorithm="ES384", audience="https://own.example/t"
    )
    make_client(time, credentials=credentials).get(REFERENCE)
    (token,) = read_assertions(mocked, EC, "ES384")
    assert token.claims["aud"] == "https://own.example/t"


def test_a_token_is_used_until_thirty_seconds_before_its_end(mocked, time):
    answer_token(mocked, 1)
    answer_token(mocked, 2)
    client = make_client(time, credentials=make_credentials())
    client.get(REFERENCE)
    time.now += 568
    client.get(REFERENCE)
    assert tokens_used(mocked) == ["Bearer t-1"] * 2
    time.now += 1
    client.get(REFERENCE)
    assert tokens_used(mocked)[-1] == "Bearer t-2"
    assert len({token.claims["jti"] for token in read_assertions(mocked)}) == 2


@pytest.mark.parametrize("expires_in", [599, "599"])
def test_seconds_as_number_or_text(mocked, time, expires_in):
    answer_token(mocked, expires_in=expires_in)
    client = make_client(time, credentials=make_credentials())
    client.get(REFERENCE)
    client.get(REFERENCE)
    assert len(forms(mocked)) == 1


def test_every_attempt_is_signed_anew(mocked, time):
    mocked.add("POST", TOKEN_URL, status=503, json=make_problem(503, "unavailable"))
    mocked.add("POST", TOKEN_URL, body=requests.ReadTimeout())
    answer_token(mocked)
    make_client(time, credentials=make_credentials()).get(REFERENCE)
    assert len({token.claims["jti"] for token in read_assertions(mocked)}) == 3


def test_a_refused_token_is_not_used_again(mocked, time):
    answer_token(mocked, 1)
    answer_token(mocked, 2)
    client = make_client(time, credentials=make_credentials())
    mocked.replace("GET", ONE, status=401, json=make_outcome("credentials-refused"))
    with pytest.raises(NotAllowedError):
        client.get(REFERENCE)
    mocked.replace("GET", ONE, json=make_stored())
    client.get(REFERENCE)
    assert tokens_used(mocked) == ["Bearer t-1", "Bearer t-2"]


def test_a_refused_client(mocked, time):
    told = {"error": "invalid_client", "error_description": "no such key", "message_id": "r-9"}
    mocked.add("POST", TOKEN_URL, status=401, json=told, headers={"X-Request-ID": "r-9"})
    mocked.remove("GET", ONE)
    with pytest.raises(NotAllowedError) as raised:
        make_client(time, credentials=make_credentials()).get(REFERENCE)
    assert (raised.value.code, raised.value.request_id) == ("invalid_client", "r-9")
    assert raised.value.issues[0].text == "no such key"
    assert time.sleeps == []


def test_an_event_without_a_token_was_not_sent(mocked, time):
    mocked.remove("GET", ONE)
    mocked.add("POST", TOKEN_URL, body=requests.ReadTimeout())
    with pytest.raises(UnreachableError):
        make_client(time, credentials=make_credentials()).create(make_event())
    # The token's own attempts, not each of them for each attempt of the event.
    assert len(forms(mocked)) == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"private_key": "abc"},
        {"private_key": ""},
        {"private_key": EC.as_pem(private=True)},
        {"private_key": RSA.as_pem(private=False)},
        {"algorithm": "none"},
        {"algorithm": "HS256"},
    ],
)
def test_credentials_that_cannot_be(wrong):
    with pytest.raises(ValueError, match=r"private key|algorithm") as raised:
        make_client(credentials=make_credentials(**wrong))
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_private_key_is_not_shown():
    credentials = make_credentials()
    assert "PRIVATE" not in repr(credentials)
    assert "PRIVATE" not in repr(vars(make_client(credentials=credentials)))


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "é", "\x7f"])
def test_a_subscription_key_that_cannot_be_is_not_shown(key):
    with pytest.raises(ValueError, match="subscription key") as raised:
        make_client(key=key)
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize("both", [{"key": None}, {"key": "k", "credentials": make_credentials()}])
def test_one_way_to_say_who_asks(both):
    with pytest.raises(ValueError, match="either a key or credentials"):
        make_client(**both)
