"""Takes bytes out of a packed stretch piece by piece, and counts what really comes out."""

import zlib
from abc import ABC, abstractmethod
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.catalogue import packing
from schemas.finding import Finding

# A gzip may be made of very many small ones: each asks for little first, then for more.
_FIRST_INPUT: Final = 512
_INPUT: Final = 64 * 1024
_OUTPUT: Final = 256 * 1024
# A few lines may well be packed a thousand times smaller; the ratio is judged beyond this.
_JUDGED_FROM: Final = 8 * 2**20


class Meter:
    """What has come out of one packed feed, over all its members."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.unpacked_bytes

    @property
    def is_full(self) -> bool:
        return self._left < 0

    def count(self, what: str, piece: int, *, packed: int, unpacked: int) -> None:
        """``piece`` bytes came out of a member of which so much is read, packed and unpacked.
        BrokenFeed where that is more than a feed may hold."""
        self._left -= piece
        if self._left < 0:
            limit = self._limits.unpacked_bytes
            raise BrokenFeed(packing.UNPACKS_TOO_LARGE.at(what=what, limit=limit))
        if unpacked > _JUDGED_FROM and unpacked > self._limits.ratio * packed:
            raise BrokenFeed(packing.PACKED_TOO_WELL.at(what=what, limit=self._limits.ratio))


class Member(ABC):
    """A file as it comes out of a packed feed. ``read`` gives what there is up to a break, which
    ``is_broken`` and mostly a ``finding`` then tell; BrokenFeed where a cap is reached. ``name``:
    as a person may see it; empty for the one in a gzip."""

    name: str = ""
    is_broken: bool = False
    finding: Finding | None = None

    @abstractmethod
    def read(self, size: int = -1, /) -> bytes:
        """The next piece, of whatever size; empty at the end."""


class Inflating:
    """Inflates what stands in a stream from ``start`` to ``end``, in bounded pieces.

    ``position`` is the byte behind what was used up (or looked at, where it is damaged). Of data
    that ends too soon, everything that is there comes out; where it ``is_damaged``, what came out
    may be wrong.
    """

    def __init__(self, stream: BinaryIO, start: int, end: int, wbits: int) -> None:
        self._stream = stream
        self._read_to = start
        self._end = end
        self._wanted = _FIRST_INPUT
        self._inflate = zlib.decompressobj(wbits)
        self._waiting = b""
        self.is_broken = False
        self.is_damaged = False

    @property
    def is_ended(self) -> bool:
        """The end that the data itself marks was reached (with gzip: its checksum was right)."""
        return self._inflate.eof

    @property
    def position(self) -> int:
        left = 0 if self.is_damaged else len(self._inflate.unused_data or self._waiting)
        return self._read_to - left

    def take(self) -> bytes:
        """The next piece; empty at the end, or where it breaks."""
        while not self.is_ended and not self.is_broken:
            if not self._waiting:
                self._fill()
            try:
                piece = self._inflate.decompress(self._waiting, _OUTPUT)
            except zlib.error:
                # A wrong byte shows only later, or in the checksum at the end.
                self.is_broken = self.is_damaged = True
                return b""
            self._waiting = b"" if self.is_ended else self._inflate.unconsumed_tail
            if piece:
                return piece
        return b""

    def _fill(self) -> None:
        self._stream.seek(self._read_to)
        self._waiting = self._stream.read(min(self._wanted, self._end - self._read_to))
        self._wanted = min(2 * self._wanted, _INPUT)
        self._read_to += len(self._waiting)
        self.is_broken = not self._waiting


class Stored:
    """What stands in a stream from ``start`` to ``end`` as it is, in bounded pieces."""

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        self._stream = stream
        self._end = end
        self.position = start

    @property
    def is_ended(self) -> bool:
        return self.position == self._end

    def take(self) -> bytes:
        self._stream.seek(self.position)
        piece = self._stream.read(max(0, min(_OUTPUT, self._end - self.position)))
        self.position += len(piece)
        return piece
