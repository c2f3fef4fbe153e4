"""Vendor XML → source records, by the layout its profile names, memory flat.

The content of a record is flat: path from the record element → text, or a list of texts where the
path occurs several times; a repeated group of the profile → a list of such dicts. Names are as
the profile writes them (its prefixes; ``{namespace}name`` for a namespace it does not name).
Comments, processing instructions, blank text and xsi:* attributes carry nothing.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any, BinaryIO, Final, NamedTuple

from lxml import etree

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.xml_stream import find_root, iterate_elements
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.record import SourceRecord

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
# Names a feed may invent without end; this many are remembered.
_MAX_REMEMBERED: Final = 10_000
_MAX_NAME: Final = 100

Content = dict[str, Any]


def read_xml(
    stream: BinaryIO, part: Part, profile: Profile, *, limits: Limits
) -> Iterator[SourceRecord]:
    """The records at the profile's ``record`` path. ``limits.record_bytes`` is counted in
    characters of text here; BrokenFeed where the file cannot be read on, after what came before."""
    names = _Names(profile.namespaces)
    steps = (profile.record or "").strip("/").split("/")
    tags = [names.tag_of(step) for step in steps]
    stream.seek(part.start)
    root = find_root(stream)
    if root is not None and root != tags[0]:
        shown_root = names.name_of(root)[:_MAX_NAME]
        raise BrokenFeed(reading.XML_OTHER_ROOT.at(root=shown_root, expected=tags[0]))
    repeats = {group.at for group in profile.repeated.values() if group.at is not None}
    flatten = _Flattening(names, repeats)
    above = tuple(reversed(tags[:-1]))
    # Positions count over the file; only below the root itself is that a plain child position.
    path = "/" + "/".join(steps)
    locate = f"{path}[%d]" if len(steps) == 2 else f"({path})[%d]"
    number = part.first_record
    for element in iterate_elements(stream, [tags[-1]], limits=limits):
        if tuple(one.tag for one in element.iterancestors()) != above:
            continue
        content, raw, size = flatten.read(element)
        if size > limits.record_bytes:
            findings = (reading.XML_RECORD_TOO_LONG.at(limit=limits.record_bytes),)
            local_id = _find_id(content, profile)
            yield SourceRecord(number, locate % number, None, raw, findings, local_id)
        else:
            yield SourceRecord(number, locate % number, content, raw)
        number += 1


def _find_id(content: Content, profile: Profile) -> str | None:
    """The sender's id of a record that is too long, unless that is what is too long."""
    found = content.get(profile.local_id.field) if profile.local_id else None
    return found.strip() if isinstance(found, str) and len(found) <= _MAX_NAME else None


class _Names:
    """Names in a profile's prefixes ↔ ``{namespace}name``."""

    def __init__(self, namespaces: dict[str, str]) -> None:
        self._namespaces = {**namespaces, "xml": _XML}
        self._prefixes = {uri: prefix for prefix, uri in self._namespaces.items()}

    def tag_of(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        uri = self._namespaces.get(prefix)
        return f"{{{uri}}}{local}" if uri else local

    def name_of(self, tag: str) -> str:
        uri, _, local = tag.rpartition("}")
        if not uri:
            # Outside every namespace: told apart from names in the profile's default one.
            return f"{{}}{local}" if "" in self._namespaces else local
        prefix = self._prefixes.get(uri[1:])
        if prefix is None:
            return tag
        return f"{prefix}:{local}" if prefix else local

    def attribute_of(self, name: str) -> str:
        """Attributes without a prefix are in no namespace, whatever the default."""
        return f"@{self.name_of(name)}" if name.startswith("{") else f"@{name}"


class _Spot(NamedTuple):
    """Where an element stands: its path from the occurrence of a repeated group around it (or
    from the record), its path from the record, and whether it is such an occurrence itself."""

    path: str
    whole: str
    is_repeat: bool


class _Flattening:
    """One element with everything in it → flat content. Paths are put together once and kept."""

    def __init__(self, names: _Names, repeats: set[str]) -> None:
        self._names = names
        self._repeats = repeats
        self._spots: dict[tuple[str, str], _Spot] = {}
        self._raw: list[str] = []

    def read(self, record: etree._Element) -> tuple[Content, bytes, int]:
        """The content, sha256 over its names and texts in their order, and its size."""
        self._raw.clear()
        content: Content = {}
        self._add_attributes(record, "", "", content)
        self._walk(record, "", "", content)
        raw = "\x1f".join(self._raw)
        return content, sha256(raw.encode()).digest(), len(raw)

    def _walk(self, parent: etree._Element, path: str, whole: str, content: Content) -> None:
        """What stands inside ``parent``; the paths are its own, empty for the record."""
        if (text := parent.text) and not text.isspace():
            self._add(path or ".", whole or ".", text, content)
        spots, raw = self._spots, self._raw
        for child in parent:
            tag: Any = child.tag
            spot = spots.get((whole, tag)) or self._find_spot(path, whole, tag)
            if spot.is_repeat:
                inner: Content = {}
                content.setdefault(spot.path, []).append(inner)
                raw.append(spot.whole)
                self._add_attributes(child, "", spot.whole, inner)
                self._walk(child, "", spot.whole, inner)
            elif len(child) or child.keys():
                self._add_attributes(child, f"{spot.path}/", spot.whole, content)
                self._walk(child, spot.path, spot.whole, content)
            elif (text := child.text) and not text.isspace():
                if spot.path in content:
                    self._add(spot.path, spot.whole, text, content)
                else:
                    content[spot.path] = text
                    raw += (spot.whole, text)
            # Text between elements belongs to the element around them.
            if (text := child.tail) and not text.isspace():
                self._add(path or ".", whole or ".", text, content)

    def _add(self, path: str, whole: str, text: str, content: Content) -> None:
        self._raw += (whole, text)
        there = content.get(path)
        if there is None:
            content[path] = text
        elif isinstance(there, list):
            there.append(text)
        else:
            content[path] = [there, text]

    def _add_attributes(
        self, element: etree._Element, start: str, whole: str, content: Content
    ) -> None:
        for tag, value in element.items():
            text = str(value)
            if text and not text.isspace() and not str(tag).startswith(_XSI):
                name = self._names.attribute_of(str(tag))
                self._add(start + name, f"{whole}/{name}", text, content)

    def _find_spot(self, path: str, whole: str, tag: str) -> _Spot:
        name = self._names.name_of(tag)
        new_whole = f"{whole}/{name}" if whole else name
        new_path = f"{path}/{name}" if path else name
        spot = _Spot(new_path, new_whole, new_whole in self._repeats)
        if len(self._spots) < _MAX_REMEMBERED:
            self._spots[whole, tag] = spot
        return spot
