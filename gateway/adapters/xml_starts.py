"""Finds in the bytes of an XML file where elements of a name begin: every one of them, wherever it
stands, and perhaps what only looks like one. Comments, CDATA and processing instructions are
stepped over. Whoever counts the true ones by a parser knows whether these are they."""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

_CHUNK: Final = 1 << 20
_BEHIND_NAME: Final = b" \t\r\n/>"
_CLOSINGS: Final = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}
# A prefix of more than that is none that anybody writes.
_LONGEST_PREFIX: Final = 200
_PREFIXED: Final = re.compile(rb"<[^\s<>/:!?=]+:\Z")
# What no XML may hold is read as this; a feed may hold it as well.
_MARK: Final = b"\x7f"


class Starts:
    """The bytes at which start tags of the local name begin, in order. ``has_mark``: the bytes so
    far hold the mark that stands for what no XML may hold."""

    def __init__(self, stream: BinaryIO, name: bytes) -> None:
        self._stream = stream
        self._name = name
        self._skipped = re.compile(rb"<!--|<!\[CDATA\[|<\?")
        self.has_mark = False

    def __iter__(self) -> Iterator[int]:
        place, rest, closing = 0, b"", b""
        while True:
            self._stream.seek(place)
            chunk = self._stream.read(_CHUNK)
            place += len(chunk)
            self.has_mark = self.has_mark or _MARK in chunk
            data = rest + chunk
            base = place - len(data)
            at, end = 0, len(data) if not chunk else self._find_sure_end(data)
            inside = 0
            while at < end:
                if closing:
                    found = data.find(closing, at)
                    at = end if found < 0 else found + len(closing)
                    closing = b"" if found >= 0 else closing
                    continue
                skipped = self._skipped.search(data, at, end)
                until = skipped.start() if skipped else end
                for start in self._find(data, at, until):
                    yield base + start
                at = inside = skipped.end() if skipped else end
                closing = _CLOSINGS[skipped[0]] if skipped else b""
            if not chunk:
                return
            # Of an end that is looked for, the beginning may be there.
            rest = data[max(end - 2, inside) :] if closing else data[at:]

    def _find_sure_end(self, data: bytes) -> int:
        """As far as nothing that begins there can go on in the next chunk."""
        last = data.rfind(b"<")
        is_near = last >= 0 and len(data) - last < _LONGEST_PREFIX + len(self._name) + 16
        return last if is_near else len(data)

    def _find(self, data: bytes, at: int, until: int) -> Iterator[int]:
        name = self._name
        while (at := data.find(name, at, until)) >= 0:
            behind = data[at + len(name) : at + len(name) + 1]
            before = data[at - 1 : at] if at else b""
            if behind and behind in _BEHIND_NAME:
                if before == b"<":
                    yield at - 1
                elif before == b":":
                    found = _PREFIXED.search(data, max(0, at - _LONGEST_PREFIX), at)
                    if found:
                        yield found.start()
            at += len(name)
