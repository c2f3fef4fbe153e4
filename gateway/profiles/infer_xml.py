"""The record element and the namespaces of an XML file, without building a tree."""

from typing import BinaryIO, Final, NamedTuple

from lxml import etree

from gateway.profiles.infer_shape import DEEPEST, HEAD, MOST_PATHS, Seen, Steps, find_records

_CHUNK: Final = 64 * 1024
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML: Final = "http://www.w3.org/XML/1998/namespace"


class XmlSurvey(NamedTuple):
    record: str
    namespaces: dict[str, str]


def survey_xml(stream: BinaryIO) -> XmlSurvey | None:
    """None where not even the root could be read. A DOCTYPE ends the survey: reading refuses it
    and says so."""
    target = _XmlTarget()
    parser = etree.XMLParser(
        target=target,  # type: ignore[arg-type] # the stubs ask for comment() and pi() too
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    stream.seek(0)
    read = 0
    try:
        while not target.is_over and read < HEAD and (chunk := stream.read(_CHUNK)):
            parser.feed(chunk)
            read += len(chunk)
    except etree.XMLSyntaxError:
        pass  # what came before it is surveyed; reading says where it broke
    finally:
        stream.seek(0)
    target.close_open()
    seen = target.seen
    if not seen.counts:
        return None
    namespaces = _name_namespaces(target)
    prefixes = {uri: prefix for prefix, uri in namespaces.items()}
    record = "/".join(_prefixed(tag, prefixes) for tag in find_records(seen))
    return XmlSurvey(record, namespaces)


class _XmlTarget:
    """Counts elements by their path. Sizes are characters of text and attributes."""

    def __init__(self) -> None:
        self.seen = Seen({}, {}, set())
        self.is_over = False
        self.without = False
        # Namespace → how many names are in it.
        self.of_elements: dict[str, int] = {}
        self.of_attributes: dict[str, int] = {}
        self._open: list[tuple[Steps, int]] = []
        self._total = 0

    def doctype(self, *_: object) -> None:
        self.is_over = True

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        above = self._open[-1][0] if self._open else ()
        path = (*above, tag)
        self._open.append((path, self._total))
        if len(path) > DEEPEST or len(self.seen.counts) > MOST_PATHS:
            return
        self.seen.counts[path] = self.seen.counts.get(path, 0) + 1
        self._note_namespace(tag, self.of_elements)
        self.without = self.without or not tag.startswith("{")
        told = [name for name in attributes if not name.startswith(_XSI)]
        for name in told:
            self._note_namespace(name, self.of_attributes)
            self._total += len(attributes[name])
        if told:
            self.seen.complex.add(path)
        if above:
            self.seen.complex.add(above)

    def _note_namespace(self, tag: str, into: dict[str, int]) -> None:
        if tag.startswith("{"):
            uri = tag[1:].partition("}")[0]
            into[uri] = into.get(uri, 0) + 1

    def data(self, text: str) -> None:
        self._total += len(text.strip())

    def end(self, _tag: str) -> None:
        path, start = self._open.pop()
        self.seen.sizes[path] = self.seen.sizes.get(path, 0) + self._total - start

    def close(self) -> None:
        """Asked for by lxml of every target."""

    def close_open(self) -> None:
        """What the head broke off in counts as far as it goes."""
        while self._open:
            self.end("")


def _name_namespaces(target: _XmlTarget) -> dict[str, str]:
    """Prefix → namespace. The namespace of most elements needs none, unless there are elements in
    no namespace at all or attributes in this one (attributes take no default)."""
    found: dict[str, str] = {}
    uris = sorted(target.of_elements, key=lambda uri: -target.of_elements[uri])
    if uris and not target.without and uris[0] not in target.of_attributes:
        found[""] = uris.pop(0)
    uris += [uri for uri in target.of_attributes if uri not in target.of_elements]
    named = [uri for uri in uris if uri != _XML]
    return found | {f"n{number}": uri for number, uri in enumerate(named, start=1)}


def _prefixed(tag: str, prefixes: dict[str, str]) -> str:
    uri, _, local = tag.rpartition("}")
    prefix = prefixes.get(uri[1:], "") if uri else ""
    return f"{prefix}:{local}" if prefix else local
