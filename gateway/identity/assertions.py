"""Client assertions (RFC 7523): is a signed JWT what it must be, and whose is it? Whether it was
used before is the store's to say."""

import base64
import binascii
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from gateway.identity.jwks import LARGEST_RSA, read_usable_keys
from gateway.identity.published_keys import PublishedKeys
from gateway.identity.refusals import make_invalid, make_unknown
from schemas.identity import Client, hash_secret

if TYPE_CHECKING:
    from gateway.identity.jwks import PublicKey

MOST_AHEAD: Final = timedelta(minutes=5)
# Clocks differ; the platform's proxy allows as much.
LEEWAY: Final = timedelta(seconds=10)
# A used one is remembered longer than it is good: also the clocks of two of our machines differ.
REMEMBERED: Final = timedelta(minutes=1)
LONGEST: Final = 16 * 1024
_SHALLOW: Final = Limits(depth=8)
_LATEST: Final = int(datetime(9999, 1, 1, tzinfo=UTC).timestamp())


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What an assertion is judged by: ``audience`` is the address of the token endpoint."""

    now: datetime
    audience: str
    algorithms: tuple[str, ...]


class Assertion(msgspec.Struct, frozen=True):
    """One that holds. ``kept_until``: it must not be taken again before then."""

    client: Client
    kid: str
    jti_hash: bytes
    kept_until: datetime


class _Jwt(msgspec.Struct, frozen=True):
    text: str
    header: dict[str, Any]
    claims: dict[str, Any]


def verify_assertion(
    text: str,
    terms: Terms,
    find_client: Callable[[str], Client | None],
    published: PublishedKeys,
) -> Assertion:
    """ClientRefusedError says what is wrong; KeysUnavailableError where the keys that its client
    publishes cannot be read."""
    jwt = _read(text)
    kid = _check_header(jwt.header, terms.algorithms)
    client = _get_client(jwt.claims, find_client)
    _check_signature(jwt, _get_key(client, kid, published))
    expires_at = _check_claims(jwt.claims, terms)
    return Assertion(
        client=client,
        kid=kid,
        jti_hash=hash_secret(_get_jti(jwt.claims)),
        kept_until=expires_at + REMEMBERED,
    )


def _read(text: str) -> _Jwt:
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) != 3:
        raise make_invalid("Malformed JWT in client_assertion")
    header, claims = (_read_object(part) for part in parts[:2])
    return _Jwt(text, header, claims)


def _read_object(part: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise make_invalid("Malformed JWT in client_assertion") from None
    # Strict, as two readers of one text with a repeated name may differ about what it says.
    value, finding = read_json(raw, _SHALLOW)
    if finding is not None or not isinstance(value, dict):
        raise make_invalid("Malformed JWT in client_assertion")
    return value


def _check_header(header: dict[str, Any], algorithms: tuple[str, ...]) -> str:
    if header.get("alg") not in algorithms:
        raise make_invalid(
            "Invalid 'alg' header in JWT - unsupported JWT algorithm - must be"
            f" {' or '.join(repr(one) for one in algorithms)}"
        )
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.upper() != "JWT":
        raise make_invalid("Invalid 'typ' header in JWT - must be 'JWT'")
    # Extensions that must be understood, and a payload that is not encoded (RFC 7797).
    if "crit" in header or "b64" in header:
        raise make_invalid("Invalid 'crit' header in JWT - no extensions are accepted")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise make_invalid("Missing 'kid' header in JWT")
    return kid


def _get_client(claims: dict[str, Any], find_client: Callable[[str], Client | None]) -> Client:
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer or claims.get("sub") != issuer:
        raise make_invalid("Missing or non-matching iss/sub claims in JWT")
    client = find_client(issuer)
    if client is None:
        raise make_unknown("Invalid iss/sub claims in JWT")
    return client


def _get_key(client: Client, kid: str, published: PublishedKeys) -> "PublicKey":
    if client.jwks is not None:
        key = read_usable_keys(client.jwks).get(kid)
    else:
        key = published.find(client.jwks_url or "", kid)
    if key is None:
        raise make_unknown("Invalid 'kid' header in JWT - no matching public key")
    return key


def _check_signature(jwt: _Jwt, key: "PublicKey") -> None:
    """By the key that its id names, and the one algorithm its header names: the library refuses
    an algorithm that is not of the key's type, curve or ``alg``."""
    from joserfc import jws  # noqa: PLC0415 - slow to import, and commands never need it
    from joserfc.errors import BadSignatureError, DecodeError, JoseError  # noqa: PLC0415

    registry = jws.JWSRegistry(algorithms=[jwt.header["alg"]], strict_check_header=False)
    # Its own limit is under the signature of the largest key we take.
    registry.max_signature_length = LARGEST_RSA // 4
    registry.max_header_length = LONGEST
    try:
        jws.deserialize_compact(jwt.text, key, registry=registry)
    except DecodeError:
        raise make_invalid("Malformed JWT in client_assertion") from None
    except BadSignatureError:
        raise make_unknown("JWT signature verification failed") from None
    except (JoseError, ValueError):
        raise make_invalid(
            "Invalid 'alg' header in JWT - the key of that 'kid' is for another algorithm"
        ) from None


def _check_claims(claims: dict[str, Any], terms: Terms) -> datetime:
    """When it expires."""
    if claims.get("aud") != terms.audience:
        raise make_unknown("Missing or invalid aud claim in JWT")
    if "exp" not in claims:
        raise make_invalid("Missing exp claim in JWT")
    exp = claims["exp"]
    if type(exp) is not int:
        raise make_invalid("Invalid exp claim in JWT - must be an integer")
    expires_at = datetime.fromtimestamp(max(0, min(exp, _LATEST)), UTC)
    if expires_at <= terms.now:
        raise make_invalid("Invalid exp claim in JWT - JWT has expired")
    begins = claims.get("nbf", 0)
    if type(begins) is not int or begins > (terms.now + LEEWAY).timestamp():
        raise make_invalid("Invalid nbf claim in JWT - JWT is not valid yet")
    if expires_at > terms.now + MOST_AHEAD + LEEWAY:
        raise make_invalid("Invalid exp claim in JWT - more than 5 minutes in future")
    return expires_at


def _get_jti(claims: dict[str, Any]) -> str:
    if "jti" not in claims:
        raise make_invalid("Missing jti claim in JWT")
    jti = claims["jti"]
    if not isinstance(jti, str) or not jti:
        raise make_invalid(
            "Invalid jti claim in JWT - must be a unique string value such as a GUID"
        )
    return jti
