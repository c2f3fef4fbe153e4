"""Where NDJSON may be cut: at the ends of its lines."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.indexing import Index, Piece
from gateway.adapters.limits import Limits

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_LINE_FEED: Final = 0x0A
# Lines are read in bounded pieces, so that one endless line cannot fill the memory.
_LONGEST: Final = 1 << 20


def index_lines(
    stream: BinaryIO, index: Index, limits: Limits, *, size: int, part_bytes: int
) -> None:
    pieces = [Piece(0, size, index.before + 1, 1)]
    try:
        for line, (start, is_filled) in enumerate(_walk(stream, size), start=1):
            if start - pieces[-1].start >= part_bytes:
                pieces[-1] = pieces[-1]._replace(end=start)
                pieces.append(Piece(start, size, index.before + index.records + 1, line))
            if is_filled:
                index.count(limits)
    except BrokenFeed as broken:
        index.stop(broken)
    else:
        index.pieces = pieces if len(pieces) > 1 else []


def _walk(stream: BinaryIO, size: int) -> Iterator[tuple[int, bool]]:
    """Of each line the byte at which it begins, and whether there is anything on it."""
    stream.seek(0)
    start = place = 0
    is_filled = False
    while piece := stream.readline(min(_LONGEST, size - place)):
        text = piece if place else piece.removeprefix(_BYTE_ORDER_MARK)
        is_filled = is_filled or not (text.isspace() or not text)
        place += len(piece)
        if piece[-1] == _LINE_FEED:
            yield start, is_filled
            start, is_filled = place, False
    if place > start:
        yield start, is_filled
