"""The bytes of a MESH message: chunk after chunk, each inflated piece by piece.

Not by the client's own reader: that inflates whole blocks without a bound, and takes a gzip that
breaks off for one that ended.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import requests

from gateway.collectors.far_end import CollectError, ItemError, RefusedError
from gateway.collectors.mesh_calls import StatusError, failures_told

_BLOCK: Final = 65_536
_WITH_HEADER: Final = 31


class _Chunk:
    """One chunk: as it came, or inflated; several gzips one after the other are one."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in {"", "identity", "gzip"}:
            raise RefusedError("unreadable")
        self._inflating = self._start() if encoding == "gzip" else None
        self._waiting = b""

    def read(self, size: int) -> bytes:
        if self._inflating is None:
            return self._read_raw(min(size, _BLOCK))
        while True:
            if not self._waiting:
                self._waiting = self._read_raw(_BLOCK)
            if not self._waiting:
                return self._end()
            if self._inflating.eof:
                self._inflating = self._start()
            piece = self._inflate(size)
            if piece:
                return piece

    def close(self) -> None:
        self._response.close()

    def _inflate(self, size: int) -> bytes:
        assert self._inflating is not None  # noqa: S101 - only called where it is
        try:
            piece: bytes = self._inflating.decompress(self._waiting, min(size, _BLOCK))
        except zlib.error:
            raise RefusedError("unreadable") from None
        self._waiting = self._inflating.unconsumed_tail or self._inflating.unused_data
        return piece

    def _end(self) -> bytes:
        assert self._inflating is not None  # noqa: S101 - only called where it is
        rest = self._inflate(_BLOCK)
        if not rest and not self._inflating.eof:
            raise RefusedError("unreadable")
        return rest

    def _start(self) -> Any:
        return zlib.decompressobj(_WITH_HEADER)

    def _read_raw(self, size: int) -> bytes:
        try:
            with failures_told():
                block: bytes = self._response.raw.read(size)
        except CollectError as error:
            # It broke in the middle: of this message alone we know that.
            raise ItemError("timed-out" if error.reason == "timed-out" else "broken-off") from None
        return block


class MessageStream:
    """All chunks of a message as one stream. ``fetch`` gives chunk number n."""

    def __init__(self, first: requests.Response, fetch: Callable[[int], requests.Response]) -> None:
        self._fetch = fetch
        self._number, self._total = _read_range(first.headers)
        if self._number != 1:
            raise ItemError("bad-answer")
        self._chunk = _Chunk(first)

    def read(self, size: int = -1, /) -> bytes:
        wanted = _BLOCK if size < 0 else size
        while True:
            block = self._chunk.read(wanted)
            if block or self._number == self._total:
                return block
            self._go_on()

    def close(self) -> None:
        self._chunk.close()

    def _go_on(self) -> None:
        self._chunk.close()
        self._number += 1
        try:
            response = self._fetch(self._number)
        except StatusError as error:
            # A chunk that MESH says is there and cannot give: lost, or not there yet.
            raise ItemError("broken-off" if error.reason == "missing" else error.reason) from None
        if _read_range(response.headers) != (self._number, self._total):
            response.close()
            raise ItemError("bad-answer")
        self._chunk = _Chunk(response)


def _read_range(headers: Mapping[str, str]) -> tuple[int, int]:
    try:
        number, total = map(int, headers.get("Mex-Chunk-Range", "1:1").split(":"))
    except ValueError:
        raise ItemError("bad-answer") from None
    if not 1 <= number <= total:
        raise ItemError("bad-answer")
    return number, total
