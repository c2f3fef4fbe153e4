"""Where an XML file may be cut: before any of its records.

Where they stand one behind the other, :mod:`gateway.adapters.xml_flat` finds them. Elsewhere the
same parser as for reading counts the records; beside it the bytes are searched for where elements
of their name begin. If there are as many, these are they: a true one is never missed. If there are
not, if a record is refused for its length, or anything else could depend on where a read begins,
the file is one part.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO, Final, NamedTuple
from xml.sax.saxutils import quoteattr

from lxml import etree

from gateway.adapters.around import MOST_HEAD, Around
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_xml import BUNDLE_PATH, open_bundle, read_fhir_xml, walk_entries
from gateway.adapters.indexing import Index, Piece
from gateway.adapters.limits import Limits
from gateway.adapters.xml_bytes import XmlEncoding
from gateway.adapters.xml_flat import NotFlatError, iterate_flat
from gateway.adapters.xml_prolog import find_root
from gateway.adapters.xml_records import find_path
from gateway.adapters.xml_starts import Starts
from gateway.adapters.xml_stream import Skipped, XmlFeed
from mappers.profile_model import Profile
from schemas.batch import Part

_DECLARATION: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>")
_HEAD: Final = 1024
# Of any of the types that are read: a part has it so that its reader need not see the file's own.
_BUNDLE_TYPE: Final = '<%stype value="collection"/>'
Elements = Iterator[etree._Element | Skipped]  # noqa: SLF001 - its only name


def index_fhir_xml(
    stream: BinaryIO, index: Index, limits: Limits, *, size: int, part_bytes: int
) -> None:
    if find_root(stream) != BUNDLE_PATH[0]:
        _count(stream, index, limits, size)
        return
    feed = open_bundle(stream, limits, index.tell)
    cutting = _Cutting(stream, BUNDLE_PATH, feed, limits, bundled=True)
    cutting.run(walk_entries(feed), index, size=size, part_bytes=part_bytes)


def _count(stream: BinaryIO, index: Index, limits: Limits, size: int) -> None:
    """Of what is no Bundle: one record, or none."""
    whole = Part(batch_number=0, number=0, start=0, end=size)
    try:
        for _ in read_fhir_xml(stream, whole, limits=limits, tell=index.tell, counted_only=True):
            index.count(limits)
    except BrokenFeed as broken:
        index.stop(broken)


def index_xml(
    stream: BinaryIO,
    index: Index,
    profile: Profile,
    limits: Limits,
    *,
    size: int,
    part_bytes: int,
) -> None:
    try:
        path = find_path(stream, profile)
    except BrokenFeed as broken:
        index.stop(broken)
        return
    feed = XmlFeed(stream, path, limits=limits, tell=index.tell)
    cutting = _Cutting(stream, path, feed, limits, bundled=False)
    cutting.run(iter(feed), index, size=size, part_bytes=part_bytes)


class _Cutting:
    def __init__(
        self,
        stream: BinaryIO,
        path: Sequence[str],
        feed: XmlFeed,
        limits: Limits,
        *,
        bundled: bool,
    ) -> None:
        self._stream = stream
        self._feed = feed
        self._limits = limits
        self._bundled = bundled
        self._depth = len(path) - 1
        self._encoding = XmlEncoding(stream)
        self._name = path[-1].rpartition("}")[2]
        # Bytes are searched as they are: in UTF-16, or for a name beyond ASCII, they are not.
        self._is_sure = self._encoding.is_narrow and self._name.isascii() and self._depth > 0
        self._said = self._encoding.said
        self._scan = Starts(stream, self._name.encode()) if self._is_sure else None
        self._starts = iter(self._scan or ())
        stream.seek(0)
        found = _DECLARATION.match(stream.read(_HEAD))
        stream.seek(0)
        self._declaration = found[0] if found else b""

    def run(self, elements: Elements, index: Index, *, size: int, part_bytes: int) -> None:
        try:
            first = next(elements, None)
        except BrokenFeed as broken:
            index.stop(broken)
            return
        if first is None:
            return
        flat = self._find_flat(first, index.before, size, part_bytes)
        if flat is None:
            self._walk(chain([first], elements), index, size=size, part_bytes=part_bytes)
        else:
            index.records += flat.records
            index.pieces = flat.pieces

    def _find_flat(
        self, first: etree._Element | Skipped, before: int, size: int, part_bytes: int
    ) -> "_Flat | None":
        """The records, where they stand one behind the other; None where that is not sure, or
        where anything is to be told of them."""
        if not self._is_sure or isinstance(first, Skipped) or first.prefix:
            return None
        # All of them have the same parent.
        around = self._find_around(first)
        pieces = _Pieces(before, size, part_bytes)
        terms = {"depth": self._depth, "limit": self._limits.record_bytes}
        records = last = 0
        try:
            for start in iterate_flat(self._stream, self._encoding, self._name.encode(), **terms):
                records += 1
                number = before + records
                if start - last > self._limits.record_bytes or number > self._limits.records:
                    return None
                last = start
                if pieces.is_full(start, number):
                    pieces.cut(start, number, records, *around)
        except NotFlatError:
            return None
        is_sure = self._is_sure and size - last <= self._limits.record_bytes
        return _Flat(records, pieces.made if is_sure else [])

    def _walk(self, elements: Elements, index: Index, *, size: int, part_bytes: int) -> None:
        last = 0
        pieces = _Pieces(index.before, size, part_bytes)
        try:
            for place, element in enumerate(elements, start=1):
                number = index.count(self._limits)
                start = next(self._starts, None) if self._is_sure else None
                if start is None or start - last > self._limits.record_bytes:
                    self._is_sure = False
                    continue
                last = start
                if pieces.is_full(start, number) and not isinstance(element, Skipped):
                    pieces.cut(start, number, place, *self._find_around(element))
        except BrokenFeed as broken:
            index.stop(broken)
        if pieces.made and not index.is_broken and self._is_as_read(size - last):
            index.pieces = pieces.made

    def _is_as_read(self, rest: int) -> bool:
        """Whether all that was found in the bytes is what the parser found, and nothing else makes
        a part read otherwise than the whole."""
        if not self._is_sure or rest > self._limits.record_bytes:
            return False
        is_over = next(self._starts, None) is None
        marked = self._scan is not None and self._scan.has_mark
        return is_over and not (marked and self._feed.is_repaired)

    def _find_around(self, element: etree._Element) -> tuple[Around, bytes]:
        """What stands before a part that begins with the element; and what is to be put behind the
        part before it."""
        tags = list(_find_open(element))
        opened = "".join(tag for tag, _ in tags)
        if self._bundled:
            prefix = next(iter(element.iterancestors())).prefix
            opened += _BUNDLE_TYPE % (f"{prefix}:" if prefix else "")
        closing = "".join(f"</{name}>" for _, name in reversed(tags))
        head = self._declaration + opened.encode(self._said, "xmlcharrefreplace")
        self._is_sure = self._is_sure and len(head) <= MOST_HEAD
        return Around(head=head), closing.encode(self._said, "xmlcharrefreplace")


class _Flat(NamedTuple):
    """How many records there are, and the pieces; none where the file is one."""

    records: int
    pieces: list[Piece]


class _Pieces:
    """Cut one after the other. ``made``: none where the file is one."""

    def __init__(self, before: int, size: int, part_bytes: int) -> None:
        self._part_bytes = part_bytes
        self._pieces = [Piece(0, size, before + 1, 1, Around())]

    @property
    def made(self) -> list[Piece]:
        return self._pieces if len(self._pieces) > 1 else []

    def is_full(self, start: int, number: int) -> bool:
        """Whether the record that begins there, with that number, may begin the next piece."""
        last = self._pieces[-1]
        return start - last.start >= self._part_bytes and number > last.first_record

    def cut(self, start: int, number: int, place: int, around: Around, tail: bytes) -> None:
        """It does. ``around`` stands before it, ``tail`` is put behind the piece before."""
        last = self._pieces[-1]
        head = last.around.head if last.around else b""
        self._pieces[-1] = last._replace(end=start, around=Around(head=head, tail=tail))
        self._pieces.append(Piece(start, last.end, number, place, around))


def _find_open(element: etree._Element) -> Iterator[tuple[str, str]]:
    """The tags that are open around an element, outermost first, and their names as written; of
    their attributes only the namespaces, which are all that a record takes from them."""
    known: dict[str | None, str] = {}
    for one in reversed(list(element.iterancestors())):
        local = str(one.tag).rpartition("}")[2]
        name = f"{one.prefix}:{local}" if one.prefix else local
        declared = {key: uri for key, uri in one.nsmap.items() if known.get(key) != uri}
        if None in known and None not in one.nsmap:
            declared[None] = ""
        known = dict(one.nsmap)
        written = "".join(
            f" xmlns{f':{key}' if key else ''}={quoteattr(uri)}" for key, uri in declared.items()
        )
        yield f"<{name}{written}>", name
