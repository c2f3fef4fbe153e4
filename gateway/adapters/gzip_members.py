"""gzip: one file, made of one or several gzips one after the other."""

import io
from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.unpacking import Inflating, Member, Meter
from schemas.catalogue import packing
from schemas.finding import Finding

_MAGIC: Final = b"\x1f\x8b"
_WITH_HEADER: Final = 31
_BLOCK: Final = 1 << 20
_WHAT: Final = "the gzip"


def read_gzip(stream: BinaryIO, limits: Limits) -> Iterator[Member | Finding]:
    yield _Gzip(stream, limits)


class _Gzip(Member):
    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self._stream = stream
        self._size = stream.seek(0, io.SEEK_END)
        self._meter = Meter(limits)
        self._unpacked = 0
        self._inflating: Inflating | None = self._start(0)

    def read(self, _size: int = -1, /) -> bytes:
        while (inflating := self._inflating) is not None:
            piece = inflating.take()
            if piece:
                self._unpacked += len(piece)
                packed = inflating.position
                self._meter.count(_WHAT, len(piece), packed=packed, unpacked=self._unpacked)
                return piece
            self._inflating = self._go_on(inflating)
        return b""

    def _start(self, position: int) -> Inflating:
        return Inflating(self._stream, position, self._size, _WITH_HEADER)

    def _go_on(self, ended: Inflating) -> Inflating | None:
        """What follows: another gzip, zeros that fill up a block, nothing, or what should not."""
        if ended.is_damaged:
            raise BrokenFeed(packing.DAMAGED.at(what=_WHAT, byte=ended.position))
        if not ended.is_ended:
            self.is_broken = True
            self.finding = packing.BROKEN_OFF.at(what=_WHAT, byte=ended.position)
            return None
        self._stream.seek(ended.position)
        head = self._stream.read(len(_MAGIC))
        if head == _MAGIC:
            return self._start(ended.position)
        if head and not self._is_zeros(ended.position):
            behind = self._size - ended.position
            self.finding = packing.TRAILING_BYTES.at(byte=ended.position, bytes=behind)
        return None

    def _is_zeros(self, position: int) -> bool:
        self._stream.seek(position)
        while block := self._stream.read(_BLOCK):
            if block.strip(b"\0"):
                return False
        return True
