"""What stands before the root element of an XML file, and the name of the root."""

from typing import BinaryIO, Final

from lxml import etree

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.xml_bytes import XmlBytes, XmlEncoding
from schemas.catalogue import reading

# A prolog (declaration, comments) longer than this before the root element is no feed.
_MAX_PROLOG: Final = 65_536


def check_prolog(source: XmlBytes, encoding: XmlEncoding) -> None:
    """Raises BrokenFeed where there is no root element, and at a DOCTYPE: it is met here, before
    any parser with a tree has seen it, so its entities are never built, let alone expanded."""
    prolog = _Prolog()
    try:
        _feed_prolog(source, prolog, encoding)
    except etree.XMLSyntaxError:
        if prolog.root is None and not prolog.has_doctype:
            raise
        # Broken behind the root's start: the streaming parser will say where.
    if prolog.has_doctype:
        raise BrokenFeed(reading.XML_DOCTYPE.at())
    if prolog.root is None:
        raise BrokenFeed(reading.XML_NO_ROOT.at(limit=_MAX_PROLOG))


def find_root(stream: BinaryIO) -> str | None:
    """The tag (``{namespace}name``) of the root element, the stream left at its start; None where
    no root can be read. Never raises on content."""
    prolog = _Prolog()
    encoding = XmlEncoding(stream)
    try:
        _feed_prolog(XmlBytes(stream, encoding), prolog, encoding)
    except etree.XMLSyntaxError:
        return None
    finally:
        stream.seek(0)
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


def _feed_prolog(source: XmlBytes, prolog: _Prolog, encoding: XmlEncoding) -> None:
    parser = etree.XMLParser(
        target=prolog,  # type: ignore[arg-type] # the stubs ask for comment() and pi() too
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        encoding=encoding.instead,
    )
    length = 0
    while prolog.root is None and not prolog.has_doctype and length < _MAX_PROLOG:
        chunk = source.read(2048)
        if not chunk:
            if length:
                parser.close()  # only now is the root of a very short file told
            return
        length += len(chunk)
        parser.feed(chunk)
