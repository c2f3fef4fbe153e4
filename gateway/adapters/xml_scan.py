"""A second look at an XML file, for what the parser with the tree cannot say: the byte at which it
breaks, and where a record ends that is too long or too deep for a tree.

It runs behind the reading, only when something is wrong, and once over the file however often it
is asked: expat, without a tree, memory flat.
"""

from collections import deque
from collections.abc import Sequence
from typing import BinaryIO, Final, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from gateway.adapters.xml_bytes import XmlBytes, XmlEncoding

_CHUNK: Final = 1 << 18
_MAX_DEPTH: Final = 100_000


class Stretch(NamedTuple):
    """A record in the file, from byte ``start`` to ``end``; ``around`` are the start tags that are
    open there."""

    number: int
    start: int
    end: int
    around: str


class Break(NamedTuple):
    """Where the file cannot be read on; line and column from 1, byte from 0."""

    line: int
    column: int
    byte: int


class _TooDeepError(Exception):
    """More levels than any parser need keep."""


def _name(encoding: XmlEncoding) -> str | None:
    """What this parser is to take the file for, whatever it declares."""
    return encoding.wide.upper().replace("-16-", "-16") if encoding.wide else encoding.instead


class XmlScan:
    """Finds the records at a path (``{namespace}name`` of each step) by their number, from 1."""

    def __init__(
        self, stream: BinaryIO, encoding: XmlEncoding, path: Sequence[str], most_in_a_tag: int
    ) -> None:
        self._source = XmlBytes(stream, encoding)
        self._path = path
        self._most_in_a_tag = most_in_a_tag
        self._parser = parser = expat.ParserCreate(_name(encoding))
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.DefaultHandler = self._other
        parser.ordered_attributes = True
        self._depth = self._count = self._matched = self._fed = 0
        # Of the open elements down to the records: start tag, and namespace of each prefix.
        self._open: list[tuple[str, dict[str, str]]] = []
        self._start_byte = 0
        self._is_ending = False
        self._found: deque[Stretch] = deque()
        self._is_at_end = False
        self.broken: Break | None = None

    def find_record(self, number: int) -> Stretch | None:
        """None where the file ends, or breaks, before the record does."""
        while True:
            while self._found:
                if self._found[0].number == number:
                    return self._found[0]
                self._found.popleft()
            if not self._read_on():
                return None

    def find_break(self) -> Break | None:
        """Where the file breaks; None where this parser finds nothing wrong with it."""
        while self._read_on():
            self._found.clear()
        return self.broken

    def _read_on(self) -> bool:
        if self._is_at_end or self.broken:
            return False
        chunk = self._source.read(_CHUNK)
        self._fed += len(chunk)
        self._is_at_end = not chunk
        parser = self._parser
        try:
            parser.Parse(chunk, not chunk)
        except expat.ExpatError:
            self._stop(parser.ErrorByteIndex)
        except _TooDeepError:
            self._stop(parser.CurrentByteIndex)
        except (LookupError, ValueError):
            # An encoding this parser does not know: it can say nothing of the file.
            self._is_at_end = True
        if self._is_at_end and not self.broken:
            self._end_record(self._fed)
        if self._fed - parser.CurrentByteIndex > self._most_in_a_tag and not self.broken:
            self._stop(parser.CurrentByteIndex)
        return True

    def _stop(self, byte: int) -> None:
        parser = self._parser
        self._end_record(max(byte, 0))
        self.broken = Break(parser.ErrorLineNumber, parser.ErrorColumnNumber + 1, max(byte, 0))

    def _start(self, name: str, attributes: list[str]) -> None:
        if self._is_ending:
            self._end_record(self._parser.CurrentByteIndex)
        depth = self._depth
        self._depth = depth + 1
        if depth > _MAX_DEPTH:
            raise _TooDeepError
        if depth >= len(self._path) or depth != self._matched:
            return
        pairs = list(zip(attributes[::2], attributes[1::2], strict=True))
        known = self._open[-1][1] if self._open else {}
        declared = {key[6:]: uri for key, uri in pairs if key == "xmlns" or key[:6] == "xmlns:"}
        known = known | declared
        prefix, _, local = name.rpartition(":")
        uri = known.get(prefix)
        if (f"{{{uri}}}{local}" if uri else local) != self._path[depth]:
            return
        self._matched = depth + 1
        if self._matched == len(self._path):
            self._start_byte = self._parser.CurrentByteIndex
        else:
            written = "".join(f" {key}={quoteattr(value)}" for key, value in pairs)
            self._open.append((f"<{name}{written}>", known))

    def _end(self, _name: str) -> None:
        if self._is_ending:
            self._end_record(self._parser.CurrentByteIndex)
        self._depth -= 1
        if self._matched > self._depth:
            if self._matched == len(self._path):
                # Where its end tag ends is where the next thing begins.
                self._is_ending = True
            elif self._open:
                self._open.pop()
            self._matched = self._depth

    def _other(self, _text: str) -> None:
        if self._is_ending:
            self._end_record(self._parser.CurrentByteIndex)

    def _end_record(self, byte: int) -> None:
        if self._is_ending:
            self._is_ending = False
            self._count += 1
            around = "".join(tag for tag, _ in self._open)
            self._found.append(Stretch(self._count, self._start_byte, byte, around))


def find_byte(stream: BinaryIO, line: int, column: int) -> int:
    """Of a line and a column, where no parser tells the byte: near enough."""
    stream.seek(0)
    start = 0
    for _ in range(line - 1):
        piece = stream.readline(_CHUNK)
        while piece and not piece.endswith(b"\n"):
            start += len(piece)
            piece = stream.readline(_CHUNK)
        start += len(piece)
    return start + column - 1
