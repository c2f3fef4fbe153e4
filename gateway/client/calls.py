"""A request, who makes it, and its answer."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Protocol

import msgspec
import requests

from gateway.client.errors import Told

_BLOCK_BYTES = 64 * 1024


class Stretch:
    """Part of a stream, as the body of a request; every attempt reads it from its start."""

    def __init__(self, stream: BinaryIO, start: int, length: int) -> None:
        self._stream, self._start, self._length = stream, start, length
        self._left = length

    def rewind(self) -> "Stretch | bytes":
        """The body for one attempt."""
        self._stream.seek(self._start)
        self._left = self._length
        # requests sends an empty stream in chunks, without its length.
        return self if self._length else b""

    def __len__(self) -> int:
        return self._length

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        found = self._stream.read(wanted)
        self._left -= len(found)
        return found

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_BLOCK_BYTES):
            yield block


class Call(msgspec.Struct, frozen=True):
    """One request. Carried out twice, it must do what it does once, for it is sent again where no
    answer came: it changes nothing, or carries an Idempotency-Key, or the gateway knows the same
    bytes again. A ``body`` that is called is made anew for every attempt."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes | Callable[[], bytes | Stretch] = b""
    is_streamed: bool = False

    def __repr__(self) -> str:
        # Without the body: what is printed of a failure ends up in logs.
        return f"Call({self.method} {self.path})"


class Answer(msgspec.Struct, frozen=True):
    response: requests.Response
    told: Told


class Identity(Protocol):
    """Who asks."""

    def make_headers(self) -> Mapping[str, str]:
        """What says so, anew for every attempt."""

    def forget(self) -> None:
        """It was not accepted."""


class Certificates(msgspec.Struct, frozen=True):
    """TLS: ``trusted`` is a file of the authorities to trust in place of the usual ones; ``own``
    the certificate to show, with ``own_key`` where its key is in another file. There is no way to
    turn the check of the gateway's certificate off."""

    trusted: str | None = None
    own: str | None = None
    own_key: str | None = None

    @property
    def shown(self) -> str | tuple[str, str] | None:
        return (self.own, self.own_key) if self.own and self.own_key else self.own
