"""Who shows a subscription key or an access token: found by its hash, and remembered for a moment,
as a client sends many requests a second."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final

from gateway.bootstrap import Gateway
from schemas.identity import Caller, FoundCaller, hash_secret

MOST_REMEMBERED: Final = 10_000
# Nothing we hand out is longer.
_LONGEST: Final = 256


class Callers:
    """Thread-safe. What is not known is never remembered: a key works from the moment it is made,
    and a revoked one ends ``key_cache_seconds`` later at most."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._keys = _Remembered(gateway)
        self._tokens = _Remembered(gateway)

    def peek_key(self, key: str) -> Caller | None:
        """Only from memory: it never waits for the database."""
        return self._keys.peek(hash_secret(key)) if len(key) <= _LONGEST else None

    def peek_token(self, token: str) -> Caller | None:
        return self._tokens.peek(hash_secret(token)) if len(token) <= _LONGEST else None

    def find_by_key(self, key: str) -> Caller | None:
        """None for a key that is unknown, expired or revoked: nobody is told which."""
        if len(key) > _LONGEST:
            return None
        return self._keys.find(hash_secret(key), self._ask_for_key)

    def find_by_token(self, token: str) -> Caller | None:
        if len(token) > _LONGEST:
            return None
        return self._tokens.find(hash_secret(token), self._ask_for_token)

    def _ask_for_key(self, key_hash: bytes, now: datetime) -> FoundCaller | None:
        with self._gateway.store.read() as work:
            return work.keys.find_caller(key_hash, now)

    def _ask_for_token(self, token_hash: bytes, now: datetime) -> FoundCaller | None:
        with self._gateway.store.read() as work:
            return work.tokens.find_caller(token_hash, now)


class _Remembered:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._seconds = gateway.settings.key_cache_seconds
        self._lock = threading.Lock()
        # hash → what was found, and until when it is remembered; oldest first
        self._found: OrderedDict[bytes, tuple[FoundCaller, float]] = OrderedDict()

    def peek(self, secret_hash: bytes) -> Caller | None:
        with self._lock:
            found, until = self._found.get(secret_hash, (None, 0.0))
            if found is None:
                return None
            if self._gateway.monotonic() >= until or not _is_good(found, self._gateway.now()):
                del self._found[secret_hash]
                return None
            return found.caller

    def find(
        self, secret_hash: bytes, ask: Callable[[bytes, datetime], FoundCaller | None]
    ) -> Caller | None:
        if caller := self.peek(secret_hash):
            return caller
        # From before the question: what is revoked meanwhile is not remembered longer for it.
        until = self._gateway.monotonic() + self._seconds
        found = ask(secret_hash, self._gateway.now())
        if found is None:
            return None
        if self._seconds:
            with self._lock:
                self._found.pop(secret_hash, None)
                self._found[secret_hash] = (found, until)
                while len(self._found) > MOST_REMEMBERED:
                    self._found.popitem(last=False)
        return found.caller


def _is_good(found: FoundCaller, now: datetime) -> bool:
    return found.good_until is None or found.good_until > now
