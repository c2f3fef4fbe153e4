"""A JWKS: the public keys a client signs with. Nothing private is taken, let alone kept."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas.errors import WrongUseError

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, RSAKey

    PublicKey = RSAKey | ECKey

SMALLEST_RSA: Final = 2048
# Ever slower to verify by, and no safer in our time.
LARGEST_RSA: Final = 8192
CURVE: Final = "P-384"
MOST: Final = 32
# As it is told in logs and in the audit log.
_KID: Final = re.compile(r"[\x21-\x7e]{1,200}")
# RFC 7518, sections 6.2.2, 6.3.2, 6.4.1.
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEPT: Final = ("kid", "kty", "n", "e", "crv", "x", "y", "alg")


class BadKeyError(WrongUseError):
    """A key that cannot be used, and why; never a part of it."""


def parse_jwks(content: bytes, algorithms: tuple[str, ...]) -> str:
    """The JWKS as it is kept: of each key its public parts, nothing else. WrongUseError where one
    of its keys cannot be used, or is private."""
    keys = [_check_key(key, number) for number, key in enumerate(_read_set(content), 1)]
    for number, key in enumerate(keys, 1):
        if "alg" in key and key["alg"] not in algorithms:
            raise BadKeyError(f"key {number}: alg must be one of {', '.join(algorithms)}")
        _import_key(key, number)
    if len({key["kid"] for key in keys}) != len(keys):
        raise BadKeyError("two keys have the same kid")
    return msgspec.json.encode({"keys": keys}).decode()


def read_usable_keys(content: bytes | str) -> "dict[str, PublicKey]":
    """Its keys by id. Those that cannot be used are left out (RFC 7517, section 5: a set may hold
    keys for other ends); WrongUseError where it is no JWKS at all."""
    usable: dict[str, PublicKey] = {}
    for number, key in enumerate(_read_set(content), 1):
        try:
            checked = _check_key(key, number)
            usable.setdefault(checked["kid"], _import_key(checked, number))
        except BadKeyError:
            continue
    return usable


def list_kids(jwks: str) -> list[str]:
    return [str(key.get("kid", "")) for key in _read_set(jwks)]


def _read_set(content: bytes | str) -> list[dict[str, Any]]:
    try:
        found = msgspec.json.decode(content, type=dict[str, Any])
        keys = msgspec.convert(found.get("keys"), list[dict[str, Any]])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise WrongUseError('no JWKS: {"keys": [...]} in JSON is expected') from None
    if not 1 <= len(keys) <= MOST:
        raise WrongUseError(f"the JWKS holds {len(keys)} keys; 1 to {MOST} are accepted")
    return keys


def _check_key(key: Mapping[str, Any], number: int) -> dict[str, str]:
    """The public parts of a key that can be used by us."""
    if _PRIVATE & key.keys():
        raise BadKeyError(
            f"key {number} is a private key: send the public one, and use this one no more, as"
            " others have seen it now"
        )
    kept = {name: key[name] for name in _KEPT if name in key}
    if not all(isinstance(value, str) for value in kept.values()):
        raise BadKeyError(f"key {number}: its members must be texts")
    if not _KID.fullmatch(kept.get("kid", "")):
        raise BadKeyError(f"key {number} needs a kid of 1 to 200 characters, ASCII without blanks")
    if key.get("use", "sig") != "sig" or not _may_verify(key.get("key_ops", ["verify"])):
        raise BadKeyError(f"key {number} is not meant for signatures: use must be sig")
    if kept.get("kty") == "RSA":
        bits = _count_bits(kept.get("n", ""))
        if not SMALLEST_RSA <= bits <= LARGEST_RSA:
            raise BadKeyError(
                f"key {number} has {bits} bits; {SMALLEST_RSA} to {LARGEST_RSA} are accepted"
            )
    elif kept.get("kty") != "EC" or kept.get("crv") != CURVE:
        raise BadKeyError(f"key {number}: RSA, or EC on {CURVE}")
    return kept


def _may_verify(operations: object) -> bool:
    return isinstance(operations, list) and "verify" in operations


def _count_bits(number: str) -> int:
    try:
        decoded = base64.urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except (binascii.Error, ValueError):
        return 0
    return int.from_bytes(decoded, "big").bit_length()


def _import_key(key: dict[str, str], number: int) -> "PublicKey":
    from joserfc.errors import JoseError  # noqa: PLC0415 - see below
    from joserfc.jwk import ECKey, RSAKey  # noqa: PLC0415 - slow to import, seldom needed

    try:
        return RSAKey.import_key(dict(key)) if key["kty"] == "RSA" else ECKey.import_key(dict(key))
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadKeyError(f"key {number} is not a valid {key['kty']} key") from None
