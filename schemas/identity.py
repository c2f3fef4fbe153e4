"""Who may call: the keys, clients and certificates of a source, and the caller they make known."""

import hashlib
from datetime import datetime
from typing import Final, Literal, get_args

import msgspec

Scope = Literal["event.write", "event.read", "feed.write", "feed.read"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
# How long an access token is good, as the NHS API platform has it.
TOKEN_SECONDS: Final = 599
# The limits of a source are for so long.
WINDOW_SECONDS: Final = 60
# A second one, so that a source can change over without a gap.
MOST_KEYS: Final = 2


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The source behind a request. ``key_id`` is None where an access token was shown;
    ``certificates`` are the sha256 thumbprints of which it must present one (none: any)."""

    source_id: str
    organisation: str
    scopes: frozenset[str]
    key_id: str | None = None
    certificates: frozenset[str] = frozenset()


class FoundCaller(msgspec.Struct, frozen=True):
    """A caller, and until when what it showed is good (None: until it is revoked)."""

    caller: Caller
    good_until: datetime | None


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription key as it is kept: never the key itself."""

    id: str
    source_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_active(self, now: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A source that proves who it is by signing (``private_key_jwt``): its public keys, or where
    they are published."""

    source_id: str
    scopes: frozenset[str]
    updated_at: datetime
    jwks: str | None = None
    jwks_url: str | None = None


class Certificate(msgspec.Struct, frozen=True):
    source_id: str
    sha256: str
    added_at: datetime


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a source used in the minute that began at ``window``, in seconds since 1970."""

    source_id: str
    window: int
    requests: int = 0
    records: int = 0
    bytes: int = 0
    refused: int = 0


def begin_window(seconds: int) -> int:
    """The window that a second (since 1970) is in, as :class:`Usage` names it."""
    return seconds - seconds % WINDOW_SECONDS


def hash_secret(secret: str) -> bytes:
    """How keys and tokens are kept, and looked up. They are 32 random bytes: there is nothing to
    guess, so a slow hash would protect nothing more; and an index finds a hash, it compares no
    secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
