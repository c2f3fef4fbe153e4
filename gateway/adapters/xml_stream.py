"""Safe streaming of the records out of an XML file of any size, memory flat.

Refused for the whole feed: a DOCTYPE (and with it every DTD and entity; protocols of the formats
we read need none), XML that is not well formed, and a stretch without a record that is longer
than a record may be. What came before the break was already given. A record that is longer or
deeper than a tree should be costs only itself: where it ends is found without one.
"""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import BinaryIO, Final, NamedTuple

from lxml import etree

from gateway.adapters.broken import BrokenFeed, Tell, tell_nobody
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import UNKNOWN_HASH, find_poison
from gateway.adapters.xml_bytes import XmlBytes, XmlEncoding
from gateway.adapters.xml_prolog import check_prolog
from gateway.adapters.xml_scan import Break, Stretch, XmlScan, find_byte
from schemas.catalogue import reading
from schemas.fault import Fault
from schemas.finding import Finding
from schemas.record import SourceRecord

_CHUNK: Final = 32_768
# A start tag or a comment of more than so many records is no feed.
_MOST_IN_A_TAG: Final = 4


class Skipped(NamedTuple):
    """A record that was passed over: sha256 of its bytes, and why; or our own fault over it."""

    raw_hash: bytes
    finding: Finding | None
    fault: Fault | None = None

    def make_record(self, number: int, locator: str) -> SourceRecord:
        findings = () if self.finding is None else (self.finding,)
        return SourceRecord(number, locator, None, self.raw_hash, findings, fault=self.fault)


class XmlFeed:
    """The elements at a path, one by one. ``path``: ``{namespace}name`` of each step from the root
    to the records; ``also``: names of elements beside them that are wanted too."""

    def __init__(
        self,
        stream: BinaryIO,
        path: Sequence[str],
        *,
        limits: Limits,
        also: Sequence[str] = (),
        tell: Tell = tell_nobody,
    ) -> None:
        self._stream = stream
        self._path = tuple(path)
        self._above = tuple(reversed(self._path[:-1]))
        self._wanted = frozenset({self._path[-1], *also})
        self._also = frozenset(also)
        self._limits = limits
        self._tell = tell
        self._limit = limits.record_bytes + 2 * _CHUNK
        self._encoding = XmlEncoding(stream)
        self._bytes = XmlBytes(stream, self._encoding)
        self._scan: XmlScan | None = None
        self._count = 0
        self._is_missing = bool(also)

    @property
    def is_repaired(self) -> bool:
        """Whether the records so far may hold the mark of a byte that no XML may hold."""
        return self._bytes.is_repaired

    def __iter__(self) -> Iterator[etree._Element | Skipped]:
        """An element is emptied, and what stands before it removed, as soon as the next one is
        asked for: take what you need, or copy it. Raises BrokenFeed where the file cannot be read
        on."""
        if self._encoding.finding:
            self._tell(self._encoding.finding)
        stretch: Stretch | None = None
        while True:
            source = _Source(self._bytes, self._limit)
            try:
                if stretch is None:
                    check_prolog(self._bytes, self._encoding)
                    self._bytes.seek(0)
                else:
                    source.head = self._reopen(stretch)
                    self._bytes.seek(stretch.end)
                yield from self._parse(source)
            except Exception as error:  # noqa: BLE001 - raised again where it is no record's
                stretch, skipped = self._step_over(error, source)
            else:
                return
            self._count += 1
            yield skipped
            if not stretch.around:  # the record was the root
                self._check_rest()
                return

    def _parse(self, source: "_Source") -> Iterator[etree._Element]:
        # The events before a syntax error are given first (lxml 6.1, held by a test).
        # Entities need no switch here: without a DOCTYPE none can be declared, and one that is not
        # is a syntax error (resolve_entities=False would hide where).
        context = etree.iterparse(
            source,
            events=("end",),
            tag=tuple(self._wanted),
            load_dtd=False,
            no_network=True,
            huge_tree=True,  # the source is bounded between two records
            remove_comments=True,
            remove_pis=True,
            encoding=self._encoding.instead,
        )
        above, wanted, also, last = self._above, self._wanted, self._also, self._path[-1]
        try:
            for _, element in context:
                around = tuple(one.tag for one in element.iterancestors())
                if not wanted.isdisjoint(around):
                    continue  # inside another that is wanted
                source.since_record = 0
                if element.tag == last and around == above:
                    self._count += 1
                    yield element
                elif element.tag in also:
                    yield element
                    self._is_missing = False
                _clear(element)
        except etree.XMLSyntaxError as error:
            # A prefix that is not declared is only told when all was read: it stays in the name,
            # and the name is no field of any profile.
            if getattr(error, "code", 0) != etree.ErrorTypes.NS_ERR_UNDEFINED_NAMESPACE:
                raise

    def _step_over(self, error: Exception, source: "_Source") -> tuple[Stretch, Skipped]:
        """The record at which the reading stopped; raises where it can go on behind none."""
        if isinstance(error, etree.XMLSyntaxError):
            stretch = self._find_record(source)
            if stretch is None:
                raise self._broken(error) from None
            problem = _problem_of(error)
            return stretch, self._skip(stretch, reading.XML_RECORD_REFUSED.at(problem=problem))
        if isinstance(error, _TooLongError):
            stretch = self._find_record(source)
            if stretch is None:
                raise self._too_long() from None
            limit = self._limits.record_bytes
            return stretch, self._skip(stretch, reading.XML_RECORD_TOO_LONG.at(limit=limit))
        fault = find_poison(error)
        stretch = self._second_look().find_record(self._count + 1)
        # What is wanted beside the records (a Bundle's type) is not passed over with one.
        if stretch is None or self._is_missing:
            raise error
        return stretch, Skipped(UNKNOWN_HASH, None, fault)

    def _find_record(self, source: "_Source") -> Stretch | None:
        """The next record in the file, if it is the one that could not be read."""
        found = self._second_look().find_record(self._count + 1)
        if found is None or (
            source.is_over and found.end - found.start < self._limits.record_bytes
        ):
            return None
        return found

    def _second_look(self) -> XmlScan:
        if self._scan is None:
            most = _MOST_IN_A_TAG * self._limits.record_bytes
            self._scan = XmlScan(self._stream, self._encoding, self._path, most)
        return self._scan

    def _broken(self, error: etree.XMLSyntaxError) -> BrokenFeed:
        line, column = error.position
        found = self._second_look().find_break()
        if found is None:
            found = Break(line or 0, column or 0, find_byte(self._stream, line or 1, column or 1))
        problem = _problem_of(error)
        return BrokenFeed(
            reading.XML_BROKEN.at(
                line=found.line, column=found.column, byte=found.byte, problem=problem
            )
        )

    def _check_rest(self) -> None:
        if found := self._second_look().find_break():
            raise BrokenFeed(
                reading.XML_BROKEN.at(
                    line=found.line, column=found.column, byte=found.byte, problem="syntax"
                )
            )

    def _too_long(self) -> BrokenFeed:
        return BrokenFeed(reading.XML_NO_RECORD.at(limit=self._limit))

    def _reopen(self, stretch: Stretch) -> bytes:
        """A beginning for the rest of the file: the tags that are open there."""
        if wide := self._encoding.wide:
            return f"\ufeff{stretch.around}".encode(wide)
        said = self._encoding.said
        declared = f'<?xml version="1.0" encoding="{said}"?>'
        return f"{declared}{stretch.around}".encode(said, "xmlcharrefreplace")

    def _skip(self, stretch: Stretch, finding: Finding) -> Skipped:
        digest, left = sha256(), stretch.end - stretch.start
        self._stream.seek(stretch.start)
        while left and (chunk := self._stream.read(min(left, _CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        return Skipped(digest.digest(), finding)


class _TooLongError(Exception):
    """More bytes since the last record than the tree may take."""


class _Source:
    """What the parser reads from: a head, then the rest, with a limit on the bytes between two
    records so that the tree in memory stays bounded."""

    def __init__(self, source: XmlBytes, limit: int) -> None:
        self._source = source
        self._limit = limit
        self.head = b""
        self.since_record = 0
        self.is_over = False

    def read(self, _size: int = -1) -> bytes:
        if self.head:
            chunk, self.head = self.head, b""
        else:
            chunk = self._source.read(_CHUNK)
        self.since_record += len(chunk)
        if self.since_record > self._limit:
            self.is_over = True
            raise _TooLongError
        return chunk


def _clear(element: etree._Element) -> None:
    """Frees the element and everything complete before it, on its own and every outer level."""
    element.clear()
    level: etree._Element | None = element
    while level is not None:
        parent = level.getparent()
        if parent is not None:
            while level.getprevious() is not None:
                del parent[0]
        level = parent


def _problem_of(error: etree.XMLSyntaxError) -> str:
    """The parser's kind of error by name ("tag name mismatch"): its wording may quote the file."""
    # Not from the error log, which may still hold an error of another file.
    code: int = getattr(error, "code", 0)
    names = (name for name, value in vars(etree.ErrorTypes).items() if value == code)
    return next(names, "syntax").removeprefix("ERR_").replace("_", " ").lower()
