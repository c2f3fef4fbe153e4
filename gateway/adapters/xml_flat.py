"""Finds the records of an XML file without a tree, in half of the time: where they stand one behind
the other with nothing between them, as nearly every export writes them. Of any other file it says
only that it is none."""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NoReturn
from xml.parsers import expat

from gateway.adapters.xml_bytes import XmlBytes, XmlEncoding

_BLOCK: Final = 1 << 18
_ATTRIBUTES: Final = rb"""(?:[ \t\r\n][^<>"']*(?:"[^<"]*"[^<>"']*|'[^<']*'[^<>"']*)*)?"""
_ATTRIBUTE: Final = re.compile(rb"""([^ \t\r\n=]+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')""")
_CLOSING_TAGS: Final = rb"(?:[ \t\r\n]*</[^<>]+>){%d}[ \t\r\n]*"


class NotFlatError(Exception):
    """The file is otherwise, or it is not sure: what was given of it is to be forgotten."""


def iterate_flat(
    stream: BinaryIO, encoding: XmlEncoding, name: bytes, *, depth: int, limit: int
) -> Iterator[int]:
    """The bytes at which the records begin: elements without a prefix, ``depth`` others around
    them. The caller has seen the first of them. ``limit``: bytes that a record may have.

    Each stretch from a start tag to the next end tag of the name is followed by another one, and
    the last one by as many end tags as elements are open. So in a file that is well formed none
    opens more elements than it closes: each is one element, and all have the same parent.
    """
    walk = _Walk(name, depth, limit)
    source, parser = XmlBytes(stream, encoding), _make_parser(encoding)
    while True:
        block = source.read(_BLOCK)
        try:
            parser.Parse(block, not block)
        except (expat.ExpatError, LookupError, ValueError):
            raise NotFlatError from None
        yield from walk.take(block)
        if source.is_repaired:
            raise NotFlatError
        if not block:
            return


def _make_parser(encoding: XmlEncoding) -> expat.XMLParserType:
    """Says whether it is well formed; stops where a tag could be none."""
    parser = expat.ParserCreate(encoding.instead, " ")
    parser.CommentHandler = _refuse
    parser.StartCdataSectionHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.StartDoctypeDeclHandler = _refuse
    return parser


def _refuse(*_: Any) -> NoReturn:
    raise NotFlatError


class _Walk:
    """From tag to tag, block by block."""

    def __init__(self, name: bytes, depth: int, limit: int) -> None:
        tag = rb"(<" + re.escape(name) + _ATTRIBUTES + rb"/?>)"
        self._first = re.compile(tag)
        self._next = re.compile(rb"[ \t\r\n]*" + tag)
        self._rest = re.compile(_CLOSING_TAGS % depth)
        self._closing = b"</" + name
        self._limit = limit
        # What is not passed yet, and the byte of the file at which it begins.
        self._data = b""
        self._base = 0
        # Of the record under way, how far its end was looked for.
        self._looked: int | None = None
        # What the first record says is the namespace of names without a prefix; so must the others.
        self._namespace: list[bytes] | None = None

    def take(self, block: bytes) -> Iterator[int]:
        """The records that begin there; none: the file is over."""
        self._data += block
        at = 0
        while True:
            if self._looked is None:
                start = self._find_start(at)
                if start is None:
                    break
                yield self._base + start
                at = start
            end = self._find_end()
            if end is None:
                break
            at = end
        self._move(at)
        if len(self._data) > self._limit + _BLOCK:
            raise NotFlatError
        if not block and (self._looked is not None or not self._rest.fullmatch(self._data)):
            raise NotFlatError

    def _find_start(self, at: int) -> int | None:
        is_first = self._namespace is None
        found = self._first.search(self._data) if is_first else self._next.match(self._data, at)
        if found is None:
            return None
        tag = found[1]
        namespace = _find_namespace(tag) if b"xmlns" in tag else []
        if self._namespace is None:
            self._namespace = namespace
        if tag.endswith(b"/>") or namespace != self._namespace:
            raise NotFlatError
        self._looked = found.end()
        return found.start(1)

    def _find_end(self) -> int | None:
        data, closing = self._data, self._closing
        looked = self._looked or 0
        while (found := data.find(closing, looked)) >= 0:
            looked = found + len(closing)
            behind = data[looked : looked + 1]
            if behind == b">":
                self._looked = None
                return looked + 1
            if not behind:
                self._looked = found
                return None
            if behind in b" \t\r\n":
                raise NotFlatError
        self._looked = max(looked, len(data) - len(closing))
        return None

    def _move(self, at: int) -> None:
        self._data = self._data[at:]
        self._base += at
        if self._looked is not None:
            self._looked -= at


def _find_namespace(tag: bytes) -> list[bytes]:
    return [value for name, value in _ATTRIBUTE.findall(tag) if name == b"xmlns"]
