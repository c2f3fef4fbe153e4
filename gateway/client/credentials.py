"""Who the client says it is: a subscription key, or a token it gets for a signed assertion."""

import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

import joserfc.errors
import msgspec
from joserfc import jwk, jwt

from gateway.client.bodies import read_as, read_json
from gateway.client.calls import Call
from gateway.client.sending import Sender

TOKEN_PATH = "/oauth2/token"  # noqa: S105 - a path
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The gateway takes five minutes at most, by its own clock.
_ASSERTION_SECONDS = 180
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_EARLY_SECONDS = 30
_KEY = re.compile(r"[\x21-\x7e]+", re.ASCII)
_KEY_TYPES: Mapping[str, Literal["RSA", "EC"]] = {"RS": "RSA", "PS": "RSA", "ES": "EC"}


# Not a Struct: those show every field when printed.
@dataclass(frozen=True)
class ClientCredentials:
    """An OAuth 2 client that signs with its own key (``private_key_jwt``). ``private_key`` is the
    PEM text; ``kid`` names its public half, as it was registered. ``scope`` asks for less than all
    the client has; ``audience`` is the token address where the gateway goes by another name than
    ``base_url``."""

    client_id: str
    private_key: str | bytes = field(repr=False)
    kid: str
    algorithm: str = "RS512"
    scope: str | None = None
    audience: str | None = None


class _Token(msgspec.Struct):
    access_token: str
    # The platform writes a number in a string.
    expires_in: str | int = 300


class Nobody:
    """Who asks for a token says so in the request itself."""

    def make_headers(self) -> Mapping[str, str]:
        return {}

    def forget(self) -> None:
        """There is nothing to forget."""


class SubscriptionKey(Nobody):
    def __init__(self, key: str) -> None:
        # requests shows the value of a header that it refuses: so a bad one is refused here.
        if not _KEY.fullmatch(key):
            raise ValueError("the subscription key is empty, or holds blanks or strange characters")
        self._headers = {"Ocp-Apim-Subscription-Key": key}

    def make_headers(self) -> Mapping[str, str]:
        return self._headers


class Tokens:
    """Gives a token while it is good, and gets the next one 30 seconds early. Threads may share
    it. ``path``: where tokens are asked for."""

    def __init__(
        self, credentials: ClientCredentials, sender: Sender, *, path: str = TOKEN_PATH
    ) -> None:
        self._credentials, self._sender = credentials, sender
        self._audience = credentials.audience or sender.base_url + path
        self._key = _import_key(credentials)
        self._call = Call("POST", path, headers=_FORM, body=self._write_form)
        self._lock = threading.Lock()
        self._headers: Mapping[str, str] = {}
        self._good_until = 0.0

    def make_headers(self) -> Mapping[str, str]:
        with self._lock:
            if self._sender.clock.now() >= self._good_until - _EARLY_SECONDS:
                self._fetch()
            return self._headers

    def forget(self) -> None:
        """The token was refused: the next call gets a new one."""
        with self._lock:
            self._good_until = 0.0

    def _fetch(self) -> None:
        asked_at = self._sender.clock.now()
        answer = self._sender.send(self._call)
        token = read_as(_Token, read_json(answer.response, answer.told), answer.told)
        self._headers = {"Authorization": f"Bearer {token.access_token}"}
        self._good_until = asked_at + float(token.expires_in)

    def _write_form(self) -> bytes:
        """Signed anew for every attempt: each ``jti`` is good once."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._sign(),
        }
        if self._credentials.scope:
            form["scope"] = self._credentials.scope
        return urlencode(form).encode()

    def _sign(self) -> str:
        now = int(self._sender.clock.now())
        who = self._credentials
        claims = {
            "iss": who.client_id,
            "sub": who.client_id,
            "aud": self._audience,
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + _ASSERTION_SECONDS,
        }
        header = {"alg": who.algorithm, "kid": who.kid}
        return jwt.encode(header, claims, self._key, [who.algorithm])


def _import_key(credentials: ClientCredentials) -> jwk.Key:
    kind = _KEY_TYPES.get(credentials.algorithm[:2])
    if kind is None:
        raise ValueError("algorithm: RS512, ES384 or another of the RS, PS and ES kinds")
    try:
        key = jwk.import_key(credentials.private_key, kind)
        if key.is_private:
            return key
    except (ValueError, joserfc.errors.JoseError):
        pass
    # Without its cause, which may show the key.
    raise ValueError(f"the private key is not a {kind} private key in PEM") from None
