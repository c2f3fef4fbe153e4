"""What of a feed stands around a part of it, so that the part reads as a small feed of its own:
with the header of its CSV, inside the tags that are open where it begins."""

import io
from typing import BinaryIO, Final

import msgspec

from schemas.batch import Part

_BUFFER: Final = 1 << 18
# More than this before the first record, and a feed stays in one piece.
MOST_HEAD: Final = 64 * 1024


class Around(msgspec.Struct, frozen=True, omit_defaults=True):
    """``head`` and ``tail`` are put before and behind the bytes of the part. ``encoding``: of a
    CSV, which only all of its bytes tell. ``is_last``: the feed ends with the part.
    ``is_together``: rows of one record stand together, in the whole feed."""

    head: bytes = b""
    tail: bytes = b""
    encoding: str = ""
    is_last: bool = False
    is_together: bool = False


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Around).decode


def write_around(around: Around) -> str:
    """As a part keeps it."""
    return _encode(around).decode()


def find_around(part: Part) -> Around | None:
    """None where the part is all there is to read."""
    return _decode(part.around) if part.around else None


def enclose(stream: BinaryIO, part: Part) -> tuple[BinaryIO, Part]:
    """The part as a stream of its own, with what stands around it, and where it lies there."""
    around = find_around(part) or Around()
    size = len(around.head) + part.end - part.start + len(around.tail)
    raw = _Enclosed(stream, part, around)
    return io.BufferedReader(raw, _BUFFER), msgspec.structs.replace(part, start=0, end=size)


class _Enclosed(io.RawIOBase):
    """Head, stretch and tail as one."""

    def __init__(self, stream: BinaryIO, part: Part, around: Around) -> None:
        self._stream = stream
        self._around = around
        self._start = part.start
        # Where the stretch and the tail begin, and where all ends.
        self._from = len(around.head)
        self._to = self._from + part.end - part.start
        self._size = self._to + len(around.tail)
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, begin + offset)
        return self._place

    def readinto(self, buffer: "memoryview[int]", /) -> int:  # type: ignore[override]
        found = self._take(len(buffer))
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def _take(self, size: int) -> bytes:
        place = self._place
        if place < self._from:
            return self._around.head[place : place + size]
        if place < self._to:
            # Others read the stream too.
            self._stream.seek(self._start + place - self._from)
            return self._stream.read(min(size, self._to - place))
        at = place - self._to
        return self._around.tail[at : at + size]
