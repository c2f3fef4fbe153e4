"""What a source shows to be known: subscription keys, the keys its client signs with, client
certificates. A key is told once, when it is made, and never again."""

import base64
from collections.abc import Collection
from datetime import date, datetime, time, timedelta

import msgspec

from gateway.bootstrap import Gateway
from gateway.identity.certificates import read_thumbprint
from gateway.identity.jwks import list_kids, parse_jwks
from gateway.identity.published_keys import check_jwks_url
from gateway.pipeline.judge import LONDON
from schemas.errors import WrongUseError
from schemas.identity import SCOPES, Client, Key, hash_secret
from schemas.values import storable

# Whoever finds one in a file or a log can tell what it is; so can programs that look for such.
KEY_PREFIX = "lrms_"
KEY_BYTES = 32
# Fourteen digits: the column takes sixteen characters.
_ID_BYTES = 7


class NewKey(msgspec.Struct, frozen=True):
    """``secret`` is the key itself: it is nowhere else."""

    key: Key
    secret: str


def add_key(
    gateway: Gateway, source_id: str, *, label: str = "", expires_on: date | None = None
) -> NewKey:
    """A new subscription key. WrongUseError where the source has two active ones already."""
    secret = KEY_PREFIX + _encode(gateway.random_bytes(KEY_BYTES))
    key = register_key(gateway, source_id, secret, label=label, expires_on=expires_on)
    return NewKey(key, secret)


def register_key(
    gateway: Gateway,
    source_id: str,
    secret: str,
    *,
    label: str = "",
    expires_on: date | None = None,
) -> Key:
    """The same for a key that is there already: the sandbox's are printed in its documents."""
    now = gateway.now()
    expires_at = None if expires_on is None else _end_of(expires_on)
    if expires_at is not None and expires_at <= now:
        raise WrongUseError(f"a key that was good until {expires_on} would never be")
    key = Key(
        id="k-" + gateway.random_bytes(_ID_BYTES).hex(),
        source_id=source_id,
        label=storable(label.strip()),
        created_at=now,
        expires_at=expires_at,
    )
    with gateway.store.begin(actor=gateway.actor, at=now) as work:
        work.keys.add(key, hash_secret(secret))
    return key


def revoke_key(gateway: Gateway, key_id: str) -> Key:
    """It is refused from now on; the API remembers it for ``key_cache_seconds`` at most."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        return work.keys.revoke(key_id)


def set_client(
    gateway: Gateway,
    source_id: str,
    *,
    jwks: bytes | None = None,
    jwks_url: str | None = None,
    scopes: Collection[str] = SCOPES,
) -> Client:
    """Registers the public keys of a client, or where it publishes them, in place of what was
    there. WrongUseError for keys that cannot be used."""
    if (jwks is None) == (jwks_url is None):
        raise WrongUseError("give the keys (--jwks) or where they are published (--jwks-url)")
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise WrongUseError(f"scope {unknown[0]!r}: one of {', '.join(SCOPES)}")
    if jwks_url is not None:
        check_jwks_url(jwks_url)
    kept = None if jwks is None else parse_jwks(jwks, gateway.settings.algorithms)
    client = Client(
        source_id=source_id,
        jwks=kept,
        jwks_url=jwks_url,
        scopes=frozenset(scopes),
        updated_at=gateway.now(),
    )
    with gateway.store.begin(actor=gateway.actor, at=client.updated_at) as work:
        work.sources.get(source_id)
        work.clients.put(client, list_kids(kept) if kept else [])
    return client


def remove_client(gateway: Gateway, source_id: str) -> None:
    """Its tokens are refused from now on, too."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.clients.remove(source_id)


def add_certificate(gateway: Gateway, source_id: str, pem: str) -> str:
    """Its sha256. From now on the source must present this certificate, or another of its own."""
    sha256 = read_thumbprint(pem)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.sources.get(source_id)
        work.certificates.add(source_id, sha256)
    return sha256


def remove_certificate(gateway: Gateway, source_id: str, sha256: str) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.certificates.remove(source_id, sha256.replace(":", "").lower())


def _encode(random: bytes) -> str:
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), LONDON)
