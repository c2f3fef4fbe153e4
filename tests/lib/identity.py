"""A clock that is moved by hand, keys made for the test, and JWTs signed by them, as they should be
or not."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.identity.tokens import ASSERTION_TYPE, GRANT_TYPE
from gateway.pipeline.register import add_source
from schemas.submission import Organisation, Source
from store.engine import open_store

NOW = datetime(2026, 11, 27, 9, 30, 20, tzinfo=UTC)
SOURCE = "vendor-one"
OTHER = "vendor-two"
TOKEN_URL = "http://127.0.0.1:8000/oauth2/token"
_jti = count(1)

SigningKey = RSAKey | ECKey


class Clock:
    """Both of them: the time of day, and the seconds since something."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - NOW).total_seconds() + 1_000

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@contextmanager
def open_identity(home: Path, url: str, clock: Clock, **settings: Any) -> Iterator[Gateway]:
    """A gateway with two sources of two organisations, and a third organisation."""
    config = Settings(home=home, database_url=url, **settings)
    if not url:
        store = open_store(config.database)
        store.migrate()
        store.close()
    with open_gateway(config, now=clock.now, monotonic=clock.monotonic, actor="test") as gateway:
        with gateway.store.begin(actor="test", at=NOW) as work:
            work.organisations.add_many(
                [Organisation(code, f"Organisation {code}") for code in ("RZA", "RZB", "RZC")]
            )
        for name, code in ((SOURCE, "RZA"), (OTHER, "RZB")):
            add_source(gateway, Source(id=name, organisation=code, format="fhir"))
        yield gateway


@cache
def make_rsa(kid: str, bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid})


@cache
def make_ec(kid: str, curve: str = "P-384") -> ECKey:
    return ECKey.generate_key(curve, {"kid": kid})


def make_jwks(*keys: SigningKey, private: bool = False, **members: Any) -> bytes:
    listed = [key.as_dict(private=private) | members for key in keys]
    return json.dumps({"keys": listed}).encode()


def make_claims(**changes: Any) -> dict[str, Any]:
    """What an assertion must say at NOW; a change to ``...`` leaves one out."""
    claims = {
        "iss": SOURCE,
        "sub": SOURCE,
        "aud": TOKEN_URL,
        "jti": f"jti-{next(_jti)}",
        "exp": int(NOW.timestamp()) + 240,
    }
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def sign(key: SigningKey, claims: dict[str, Any], **header: Any) -> str:
    """By RS512 or ES384, as the key is."""
    alg = "RS512" if isinstance(key, RSAKey) else "ES384"
    given = {"alg": alg, "typ": "JWT", "kid": key.kid} | header
    told = {name: value for name, value in given.items() if value is not ...}
    return jwt.encode(told, claims, key, algorithms=[told["alg"]], default_type=None)


def encode(value: Any) -> str:
    """A part of a JWT: text as it is, else as JSON."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def make_form(assertion: str, **changes: Any) -> dict[str, str]:
    form = {
        "grant_type": GRANT_TYPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
    }
    return {name: value for name, value in (form | changes).items() if value is not ...}
