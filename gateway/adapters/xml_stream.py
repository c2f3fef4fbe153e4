"""Safe streaming of chosen elements out of an XML file of any size, memory flat.

Refused for the whole feed: a DOCTYPE (and with it every DTD and entity; protocols of the formats
we read need none), XML that is not well formed, and a stretch without a record that is longer
than a record may be. What came before the break was already given.
"""

from collections.abc import Collection, Iterator
from typing import BinaryIO, Final

from lxml import etree

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.catalogue import reading

_CHUNK: Final = 32_768
# A prolog (declaration, comments) longer than this before the root element is no feed.
_MAX_PROLOG: Final = 65_536


def iterate_elements(
    stream: BinaryIO, wanted: Collection[str], *, limits: Limits
) -> Iterator[etree._Element]:
    """Each element whose tag (``{namespace}name``) is wanted, outermost, when its end was read.

    The element is emptied and its preceding siblings are removed as soon as the next one is asked
    for: take what you need, or copy it. Raises BrokenFeed where the file cannot be read on.
    """
    source = _Source(stream, 2 * limits.record_bytes + _CHUNK)
    try:
        source.head = _read_prolog(stream)
        # The events before a syntax error are given first (lxml 6.1, held by a test).
        # Entities need no switch here: without a DOCTYPE none can be declared, and one that is not
        # is a syntax error (resolve_entities=False would hide where).
        context = etree.iterparse(
            source,
            events=("end",),
            tag=tuple(wanted),
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        wanted_tags = frozenset(wanted)
        for _, element in context:
            if any(above.tag in wanted_tags for above in element.iterancestors()):
                continue
            source.since_record = 0
            yield element
            _clear(element)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise BrokenFeed(
            reading.XML_BROKEN.at(line=line or 0, column=column or 0, problem=_problem_of(error))
        ) from None


def find_root(stream: BinaryIO) -> str | None:
    """The tag (``{namespace}name``) of the root element, the stream left where it was; None where
    no root can be read. Never raises on content."""
    start = stream.tell()
    try:
        prolog = _Prolog()
        _feed_prolog(stream, prolog)
    except etree.XMLSyntaxError:
        return None
    finally:
        stream.seek(start)
    return prolog.root


class _Prolog:
    """A parser target that sees what stands before the root element, and the root's tag."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.has_doctype = False

    def doctype(self, *_: object) -> None:
        self.has_doctype = True

    def start(self, tag: str, _attributes: object) -> None:
        self.root = self.root or tag

    def close(self) -> None:
        """Asked for by lxml of every target."""


def _feed_prolog(stream: BinaryIO, prolog: _Prolog) -> bytes:
    parser = etree.XMLParser(
        target=prolog,  # type: ignore[arg-type] # the stubs ask for comment() and pi() too
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    head = bytearray()
    while prolog.root is None and not prolog.has_doctype and len(head) < _MAX_PROLOG:
        chunk = stream.read(2048)
        if not chunk:
            if head:
                parser.close()  # only now is the root of a very short file told
            break
        head += chunk
        parser.feed(chunk)
    return bytes(head)


def _read_prolog(stream: BinaryIO) -> bytes:
    """The bytes up to some way behind the root's start tag. The DOCTYPE is met here, before any
    parser with a tree has seen it: its entities are never built, let alone expanded."""
    prolog = _Prolog()
    start = stream.tell()
    try:
        head = _feed_prolog(stream, prolog)
    except etree.XMLSyntaxError:
        if prolog.root is None and not prolog.has_doctype:
            raise
        # Broken behind the root's start: the streaming parser will say where.
        stream.seek(start)
        head = b""
    if prolog.has_doctype:
        raise BrokenFeed(reading.XML_DOCTYPE.at())
    if prolog.root is None:
        raise BrokenFeed(reading.XML_NO_ROOT.at(limit=_MAX_PROLOG))
    return head


class _Source:
    """What the parser reads from: the head again, then the rest, with a limit on the bytes
    between two records so that the tree in memory stays bounded."""

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.head = b""
        self.since_record = 0

    def read(self, _size: int = -1) -> bytes:
        if self.head:
            chunk, self.head = self.head, b""
        else:
            chunk = self._stream.read(_CHUNK)
        self.since_record += len(chunk)
        if self.since_record > self._limit:
            raise BrokenFeed(reading.XML_NO_RECORD.at(limit=self._limit))
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
