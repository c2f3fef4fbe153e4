"""Walks one JSON document of any size, value by value, memory flat.

The bytes are decoded piece by piece; bytes that are not UTF-8 travel as surrogates, so that only
the record that holds them is refused, by its reader.
"""

import codecs
import hashlib
import json
import re
from typing import BinaryIO, Final, NamedTuple

import msgspec

from gateway.adapters.broken import BrokenFeed
from schemas.catalogue import reading

_CHUNK: Final = 256 * 1024
_MAX_KEY: Final = 1024
_BLANK: Final = re.compile(r"[ \t\r\n]*")
# Numbers are not needed here, only where they end; as text they cannot be too long.
_find_value = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
# Brackets of one kind in one go: a feed may hold millions of them.
_MARK: Final = re.compile(r'"|[{\[]+|[}\]]+')
# The rest of a text, to its end or as far as was read; a last backslash waits for its character.
_TEXT_REST: Final = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+("|\\?\Z)', re.DOTALL)


class Mark(NamedTuple):
    """All that makes up a position of a JsonStream."""

    place: int
    left: int
    decoder: tuple[bytes, int]
    text: str
    at: int
    start: int


class JsonStream:
    """A position in a document from byte ``start`` to ``end`` of ``stream``."""

    def __init__(self, stream: BinaryIO, start: int, end: int) -> None:
        stream.seek(start)
        self._stream = stream
        self._left = end - start
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text = ""
        self._at = 0
        # Where the text begins in the stream, in bytes; and the last character whose byte is known.
        self._start = start
        self._known = (0, start)
        # sha256 of the value that was stepped over last.
        self.skipped = b""
        if self.peek() == "\ufeff":
            self._at += 1

    def mark(self) -> "Mark":
        """Where it stands, to look ahead and return. What was read meanwhile is read again."""
        return Mark(
            self._stream.tell(),
            self._left,
            self._decoder.getstate(),
            self._text,
            self._at,
            self._start,
        )

    def return_to(self, mark: "Mark") -> None:
        place, self._left, state, self._text, self._at, self._start = mark
        self._known = (0, self._start)
        self._stream.seek(place)
        self._decoder.setstate(state)

    @property
    def place(self) -> int:
        """The byte of the stream at which it stands."""
        at, byte = self._known if self._known[0] <= self._at else (0, self._start)
        byte += len(_to_bytes(self._text[at : self._at]))
        self._known = (self._at, byte)
        return byte

    def peek(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on(_CHUNK):
                return ""

    def take(self, expected: str) -> bool:
        """Steps over the character if it is the next one."""
        if self.peek() != expected:
            return False
        self._at += 1
        return True

    def take_value(self, limit: int) -> bytes | None:
        """The bytes of the next value, which may be broken inside; None where it is longer than
        ``limit`` (it was stepped over; ``skipped`` is its hash). BrokenFeed where the document
        ends before the value."""
        if not self.peek():
            raise self.broken()
        if self._at > _CHUNK:
            self._drop()
        wanted = _CHUNK
        while True:
            end = self._find_end()
            if end is not None:
                raw = _to_bytes(self._text[self._at : end])
                self._at = end
                if len(raw) <= limit:
                    return raw
                self.skipped = hashlib.sha256(raw).digest()
                return None
            if len(self._text) - self._at > limit:
                self._skip_value()
                return None
            # Twice as much each time: looking again and again at a long value stays linear.
            if not self._read_on(wanted):
                self._at = len(self._text)
                raise self.broken()
            wanted *= 2

    def take_key(self) -> str:
        """A key and the colon behind it. BrokenFeed where there is none."""
        raw = self.take_value(_MAX_KEY) if self.peek() == '"' else None
        try:
            key = msgspec.json.decode(raw or b"", type=str)
        except (msgspec.DecodeError, UnicodeError):
            raise self.broken() from None
        if not self.take(":"):
            raise self.broken()
        return key

    def take_separator(self, closing: str) -> None:
        """The comma behind a member or an item, unless ``closing`` follows, which stays. BrokenFeed
        where there is neither, or a comma with nothing behind it."""
        if self.take(","):
            if self.peek() != closing:
                return
        elif self.peek() == closing:
            return
        raise self.broken()

    def broken(self) -> BrokenFeed:
        """To be raised: the document cannot be read on behind this byte."""
        return BrokenFeed(reading.FEED_BROKEN_OFF.at(byte=self.place))

    def _find_end(self) -> int | None:
        """Where the value ends; None where more has to be read first."""
        end: int | None
        try:
            _, end = _find_value(self._text, self._at)
        except (ValueError, RecursionError):
            end = self._find_bracket_end()
        # At the very end of what was read, a number may go on.
        return end if end is not None and (end < len(self._text) or not self._left) else None

    def _find_bracket_end(self) -> int | None:
        """The end of an object, list or text that is not whole or not valid: by its brackets."""
        first = self._text[self._at]
        if first not in '{["':
            # No value at all begins like this: nothing tells where the next one would.
            if len(self._text) - self._at > 16 or not self._left:
                raise self.broken()
            return None
        scan = _Scan()
        return scan.end if scan.find_end(self._text, self._at) else None

    def _skip_value(self) -> None:
        """Steps over an object, list or text of any length, keeping none of it."""
        scan, digest, is_ended = _Scan(), hashlib.sha256(), False
        while not is_ended:
            is_ended = scan.find_end(self._text, self._at)
            digest.update(_to_bytes(self._text[self._at : scan.end]))
            self._at = scan.end
            if not is_ended and not self._read_on(_CHUNK):
                self._at = len(self._text)
                raise self.broken()
        self.skipped = digest.digest()

    def _read_on(self, wanted: int) -> bool:
        """Drops what was stepped over and reads more; False at the end."""
        self._drop()
        more = ""
        while not more and self._left:
            raw = self._stream.read(min(wanted, self._left))
            self._left = self._left - len(raw) if raw else 0
            more = self._decoder.decode(raw, final=not self._left)
        self._text += more
        return bool(more)

    def _drop(self) -> None:
        """Forgets what was stepped over (also because an error of the decoder counts the lines
        before it, and a feed may be full of errors)."""
        self._start = self.place
        self._text, self._at = self._text[self._at :], 0
        self._known = (0, self._start)


class _Scan:
    """Finds the end of an object, list or text by its brackets, however broken it is inside."""

    def __init__(self) -> None:
        self.end = 0
        self._depth = 0
        self._in_text = False

    def find_end(self, text: str, at: int) -> bool:
        """Goes on at ``at``; False where ``text`` ended first. ``end`` is as far as it came."""
        while True:
            if self._in_text:
                rest = _TEXT_REST.match(text, at)
                if rest is None or rest[1] != '"':
                    self.end = len(text) - (rest is not None and rest[1] == "\\")
                    return False
                at, self._in_text = rest.end(), False
            else:
                mark = _MARK.search(text, at)
                if mark is None:
                    self.end = len(text)
                    return False
                at = mark.end()
                if mark[0] == '"':
                    self._in_text = True
                    continue
                if mark[0][0] in "{[":
                    self._depth += at - mark.start()
                else:
                    at = min(at, mark.start() + max(self._depth, 1))
                    self._depth -= at - mark.start()
            if self._depth <= 0:
                self.end = at
                return True


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
