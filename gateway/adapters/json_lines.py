"""The lines of NDJSON: bounded, numbered, each with its place; whole or stepped over."""

import hashlib
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from schemas.batch import Part

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_PIECE: Final = 1 << 20


class Line(NamedTuple):
    """A line that is not blank, without the blanks around it. ``raw`` is None where it is too
    long: then ``raw_hash`` is that of all of it; or where our own code failed over it, with
    ``error``."""

    number: int
    locator: str
    raw: bytes | None
    raw_hash: bytes = b""
    error: Exception | None = None


def iterate_lines(stream: BinaryIO, part: Part, limit: int) -> Iterator[Line]:
    """From byte ``part.start`` to ``part.end``; ``number`` counts them from the part's first
    record on. None of a line longer than ``limit`` bytes is kept."""
    stream.seek(part.start)
    left, number, line = part.end - part.start, part.first_record, part.first_line
    is_first = part.start == 0
    while raw := stream.readline(min(limit + 2, left)):
        left -= len(raw)
        if is_first:
            raw, is_first = raw.removeprefix(_BYTE_ORDER_MARK), False
        locator = f"line {line}"
        line += 1
        if len(raw) > limit and not raw.endswith(b"\n"):
            try:
                skipped, raw_hash, is_blank = _skip_line(stream, raw, left)
            except Exception as error:  # noqa: BLE001 - a fault of ours costs this line alone
                stream.seek(part.end - left)
                left -= _find_end(stream, left)
                yield Line(number, locator, None, error=error)
                number += 1
                continue
            left -= skipped
            if not is_blank:
                yield Line(number, locator, None, raw_hash)
                number += 1
        elif raw := raw.strip():
            yield Line(number, locator, raw)
            number += 1


def _skip_line(stream: BinaryIO, start: bytes, left: int) -> tuple[int, bytes, bool]:
    """Steps over the rest of a line that begins with ``start``, keeping none of it: its length,
    the hash of the whole line, and whether there is nothing on it."""
    digest, is_blank, skipped, raw = hashlib.sha256(start), not start.strip(), 0, start
    while not raw.endswith(b"\n"):
        raw = stream.readline(min(_PIECE, left - skipped))
        if not raw:
            break
        skipped += len(raw)
        digest.update(raw.rstrip(b"\r\n"))
        is_blank = is_blank and not raw.strip()
    return skipped, digest.digest(), is_blank


def _find_end(stream: BinaryIO, left: int) -> int:
    """Steps over the rest of a line, and does nothing else that could fail."""
    skipped, piece = 0, b""
    while not piece.endswith(b"\n") and (piece := stream.readline(min(_PIECE, left - skipped))):
        skipped += len(piece)
    return skipped
