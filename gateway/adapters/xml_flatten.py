"""One XML element → the flat content a mapping profile reads.

Path from the record element → text, or a list of texts where the path occurs several times; a
repeated group of the profile → a list of such dicts. Names are as the profile writes them (its
prefixes; ``{namespace}name`` for a namespace it does not name). Where the profile tells elements
apart by an attribute, the step of the path is ``field[@name='x']``, and the attribute itself is
said. Comments, processing instructions, blank text and xsi:* attributes carry nothing.
"""

import re
from hashlib import sha256
from typing import Any, Final, NamedTuple

from lxml import etree

from gateway.adapters.limits import Limits
from gateway.adapters.profile_reads import list_read
from mappers.profile_model import Profile

_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_PREDICATE: Final = re.compile(r"([^/\[\]]+)\[@([^=\[\]]+)='[^']*'\]")
# Of an attribute that tells elements apart, a value that may be the name of a field.
_PLAIN_VALUE: Final = re.compile(r"[\w .:/()&?,#%+-]{1,80}")
# Names a feed may invent without end; this many are remembered.
_MAX_REMEMBERED: Final = 10_000
_MANY_PIECES: Final = 2_000

Content = dict[str, Any]


class _TooDeepError(Exception):
    """The record is nested deeper than the limit."""


class Names:
    """Names in a profile's prefixes ↔ ``{namespace}name``."""

    def __init__(self, namespaces: dict[str, str]) -> None:
        self._namespaces = {**namespaces, "xml": _XML}
        self._prefixes = {uri: prefix for prefix, uri in self._namespaces.items()}

    def tag_of(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        uri = self._namespaces.get(prefix)
        return f"{{{uri}}}{local}" if uri else local

    def tag_of_attribute(self, name: str) -> str:
        return self.tag_of(name) if ":" in name else name

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


class Flat(NamedTuple):
    """``raw`` is what ``raw_hash`` is over, the names and texts of the record in their order, and
    ``size`` its length; empty where that is more than a record may be. Not ``is_whole``: nested too
    deeply, and read as far as that came."""

    content: Content
    size: int
    raw: str
    raw_hash: bytes
    is_whole: bool


class Flattening:
    """One element with everything in it → flat content. Paths are put together once and kept."""

    def __init__(self, profile: Profile, names: Names, limits: Limits) -> None:
        self._names = names
        self._depth = limits.depth
        self._longest = limits.record_bytes
        self._repeats = {group.at for group in profile.repeated.values() if group.at is not None}
        self._predicates = _find_predicates(profile, names)
        self._spots: dict[tuple[str, str], _Spot] = {}
        self._raw: list[str] = []

    def read(self, record: etree._Element) -> "Flat":
        self._raw.clear()
        content: Content = {}
        is_whole = True
        try:
            self._add_attributes(record, "", "", content)
            self._walk(record, "", "", content, self._depth)
        except _TooDeepError:
            is_whole = False
        pieces = self._raw
        # Long paths over many texts: together they may be much more than the record is.
        if len(pieces) > _MANY_PIECES:
            size = sum(map(len, pieces)) + len(pieces)
            if size > self._longest:
                return Flat(content, size, "", _hash(pieces), is_whole)
        raw = "\x1f".join(pieces)
        return Flat(content, len(raw), raw, sha256(raw.encode()).digest(), is_whole)

    def _walk(
        self, parent: etree._Element, path: str, whole: str, content: Content, levels: int
    ) -> None:
        """What stands inside ``parent``; the paths are its own, empty for the record. ``levels``:
        how many may be nested, that of the parent included."""
        if levels < 1:
            raise _TooDeepError
        if (text := parent.text) and not text.isspace():
            self._add(path or ".", whole or ".", text, content)
        spots, raw = self._spots, self._raw
        for child in parent:
            tag: Any = child.tag
            said = None
            spot = spots.get((whole, tag))
            if spot is None:
                spot, said = self._find_told_apart(child, path, whole, tag)
            if spot.is_repeat:
                inner: Content = {}
                content.setdefault(spot.path, []).append(inner)
                raw.append(spot.whole)
                self._add_attributes(child, "", spot.whole, inner, said)
                self._walk(child, "", spot.whole, inner, levels - 1)
            elif len(child) or child.keys():
                self._add_attributes(child, f"{spot.path}/", spot.whole, content, said)
                self._walk(child, spot.path, spot.whole, content, levels - 1)
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
        self,
        element: etree._Element,
        start: str,
        whole: str,
        content: Content,
        said: str | None = None,
    ) -> None:
        """All but the one that is ``said`` by the path."""
        for tag, value in element.items():
            text = str(value)
            if text and not text.isspace() and tag != said and not str(tag).startswith(_XSI):
                name = self._names.attribute_of(str(tag))
                self._add(start + name, f"{whole}/{name}", text, content)

    def _find_spot(self, path: str, whole: str, tag: str, predicate: str = "") -> _Spot:
        name = self._names.name_of(tag) + predicate
        new_whole = f"{whole}/{name}" if whole else name
        new_path = f"{path}/{name}" if path else name
        spot = _Spot(new_path, new_whole, new_whole in self._repeats)
        is_alone = tag in self._predicates and not predicate
        if len(self._spots) < _MAX_REMEMBERED and not is_alone:
            self._spots[whole, tag + predicate] = spot
        return spot

    def _find_told_apart(
        self, child: etree._Element, path: str, whole: str, tag: str
    ) -> tuple[_Spot, str | None]:
        """Also the attribute by which the profile tells these elements apart, if it is there and
        has a value that may stand in a path. The name alone of such has no spot that is kept."""
        for attribute, name in self._predicates.get(tag, ()):
            value = child.get(attribute)
            if value is not None and _PLAIN_VALUE.fullmatch(str(value)):
                predicate = f"[@{name}='{value}']"
                spot = self._spots.get((whole, tag + predicate))
                return spot or self._find_spot(path, whole, tag, predicate), attribute
        return self._find_spot(path, whole, tag), None


def _hash(pieces: list[str]) -> bytes:
    """As if they were joined."""
    digest = sha256(pieces[0].encode())
    for piece in pieces[1:]:
        digest.update(b"\x1f" + piece.encode())
    return digest.digest()


def count_fields(content: Content) -> int:
    """How many different fields there are, in the record and in its repeated groups."""
    count = len(content)
    for value in content.values():
        if isinstance(value, list) and isinstance(value[0], dict):
            names = {name for one in value for name in one}
            count += len(names)
    return count


def find_long_text(content: Content, limit: int) -> str | None:
    """The path of a text of more than ``limit`` characters."""
    for path, value in content.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                if found := find_long_text(one, limit):
                    return f"{path}/{found}"
            elif len(one) > limit:
                return path
    return None


def _find_predicates(profile: Profile, names: Names) -> dict[str, list[tuple[str, str]]]:
    """Element → the attributes by which the profile tells such elements apart, as a parser names
    them and as the profile does."""
    found: dict[str, list[tuple[str, str]]] = {}
    groups = (group.at for group in profile.repeated.values() if group.at is not None)
    for path in (*list_read(profile), *profile.ignored, *groups):
        for step, attribute in _PREDICATE.findall(path):
            told = (names.tag_of_attribute(attribute), attribute)
            attributes = found.setdefault(names.tag_of(step), [])
            if told not in attributes:
                attributes.append(told)
    return found
