"""FHIR as XML: one AdverseEvent, or a Bundle of any size, as the dicts FHIR JSON would give.

``raw_hash`` is over the exclusive canonical form (c14n) of the AdverseEvent, or of the entry.
What JSON has no place for (an attribute FHIR does not know, text between elements) is kept under a
name no FHIR element has, so that the mapper accounts for it.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from lxml import etree

from gateway.adapters.broken import BrokenFeed, Tell, tell_nobody
from gateway.adapters.fhir_plain import PlainXmlReader
from gateway.adapters.fhir_records import BUNDLE_TYPES, check_request, make_record, show_type
from gateway.adapters.json_strict import find_long_text
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import keep_poisoned
from gateway.adapters.xml_bytes import MARK
from gateway.adapters.xml_prolog import find_root
from gateway.adapters.xml_stream import Skipped, XmlFeed
from mappers.fhir_notes import named
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.finding import Finding
from schemas.record import SourceRecord

_FHIR: Final = "{http://hl7.org/fhir}"
_XHTML_DIV: Final = "{http://www.w3.org/1999/xhtml}div"
_SCHEMA_INSTANCE: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_EVENT: Final = f"{_FHIR}AdverseEvent"
_BUNDLE: Final = f"{_FHIR}Bundle"
_ENTRY: Final = f"{_FHIR}entry"
_TYPE: Final = f"{_FHIR}type"
_ROOT: Final = "/AdverseEvent"
BUNDLE_PATH: Final = (_BUNDLE, _ENTRY)
# Lists in JSON also where they hold one (STU3 and R4 agree on these).
_LISTS: Final = frozenset(
    {"extension", "modifierExtension", "contained", "profile", "coding", "tag", "security"}
    | {"suspectEntity", "name", "given", "telecom", "address", "link", "instantiatesUri"}
)
_RESOURCES_INSIDE: Final = frozenset({"contained", "resource"})
_MARK: Final = MARK.encode()
_ATTRIBUTES: Final = ("url", "id")
_BOOLEANS: Final = {"true": True, "false": False}


class _TooDeepError(Exception):
    """The element is nested deeper than the limit."""


def read_fhir_xml(
    stream: BinaryIO,
    part: Part,
    *,
    limits: Limits,
    tell: Tell = tell_nobody,
    counted_only: bool = False,
    mapped_only: bool = False,
) -> Iterator[SourceRecord]:
    """The AdverseEvents of one document. Raises BrokenFeed where it cannot be read on, at a
    DOCTYPE, and where a Bundle is of a type that is not a feed. ``counted_only``: records come
    without their content, in a fifth of the time. ``mapped_only``: as ``fhir_json`` has it."""
    root = find_root(stream)
    plain = PlainXmlReader(limits) if mapped_only else None
    if root == _BUNDLE:
        feed = open_bundle(stream, limits, tell)
        yield from _read_bundle(feed, part, limits, plain, counted_only=counted_only)
        return
    feed = XmlFeed(stream, (_EVENT,), limits=limits, tell=tell)
    for element in feed:
        number = part.first_record
        make = _RecordMaker(number, _ROOT, limits, feed, plain, counted_only=counted_only)
        yield make.skip(element) if isinstance(element, Skipped) else make.make(element)
        root = _EVENT
    if root != _EVENT:
        raise BrokenFeed(reading.NO_FHIR_ROOT.at(found=_name_root(root or "")))


def _name_root(tag: str) -> str:
    name = named(tag.rpartition("}")[2])
    return name if tag.startswith(_FHIR) else f"{name} outside the namespace {_FHIR[1:-1]}"


def open_bundle(stream: BinaryIO, limits: Limits, tell: Tell) -> XmlFeed:
    """For :func:`walk_entries`."""
    return XmlFeed(stream, BUNDLE_PATH, also=(_TYPE,), limits=limits, tell=tell)


def walk_entries(feed: XmlFeed) -> Iterator[etree._Element | Skipped]:
    """The entries of a Bundle. BrokenFeed where it is of a type that is not a feed, or cannot be
    read on."""
    bundle_type = None
    for element in feed:
        if not isinstance(element, Skipped) and element.tag == _TYPE:
            parent = element.getparent()
            if parent is not None and parent.tag == _BUNDLE:
                bundle_type = element.get("value")
                _check_type(bundle_type)
            continue
        _check_type(bundle_type)
        yield element
    _check_type(bundle_type)


def _read_bundle(
    feed: XmlFeed,
    part: Part,
    limits: Limits,
    plain: PlainXmlReader | None,
    *,
    counted_only: bool,
) -> Iterator[SourceRecord]:
    number = part.first_record
    for position, element in enumerate(walk_entries(feed), start=part.first_line):
        locator = f"/Bundle/entry[{position}]"
        make = _RecordMaker(number, locator, limits, feed, plain, counted_only=counted_only)
        yield make.skip(element) if isinstance(element, Skipped) else make.make(element)
        number += 1


def _check_type(bundle_type: str | None) -> None:
    if bundle_type not in BUNDLE_TYPES:
        raise BrokenFeed(reading.BUNDLE_TYPE.at(type=show_type(bundle_type)))


class _RecordMaker:
    """Makes one record of what stands in its place: an AdverseEvent, or an entry of a Bundle."""

    def __init__(
        self,
        number: int,
        locator: str,
        limits: Limits,
        feed: XmlFeed,
        plain: PlainXmlReader | None,
        *,
        counted_only: bool,
    ) -> None:
        self._locator = locator
        self._plain = plain
        self._counted_only = counted_only
        self._number = number
        self._limits = limits
        self._feed = feed

    def skip(self, skipped: Skipped) -> SourceRecord:
        return make_record(self._number, self._locator, None, skipped.raw_hash, skipped.finding)

    def make(self, whole: etree._Element) -> SourceRecord:
        if self._counted_only:
            return SourceRecord(self._number, self._locator, None, b"")
        try:
            return self._make(whole)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            return keep_poisoned(error, self._number, self._locator)

    def _make(self, whole: etree._Element) -> SourceRecord:
        canonical = etree.tostring(whole, method="c14n", exclusive=True, with_tail=False)
        raw_hash = hashlib.sha256(canonical).digest()
        finding = self._find_trouble(canonical)
        if finding is None and self._plain is not None:
            event = self._plain.read(canonical)
            if event is not None:
                self._step_in(_EVENT)
                return SourceRecord(self._number, self._locator, event, raw_hash)
        # Here, and not where the entry is held on to: while Python still holds a child, lxml
        # clears it in time quadratic in the number of its children (lxml 6.1, 2026-11-22).
        resource = self._find_resource(whole)
        if finding is None and whole is not resource:
            finding = _check_request(whole)
        return self._read(resource, canonical, raw_hash, finding)

    def _find_resource(self, whole: etree._Element) -> etree._Element | None:
        if self._locator == _ROOT:
            return whole
        resource = next(iter(whole.iterfind(f"{_FHIR}resource/*")), None)
        if resource is not None:
            self._step_in(resource.tag)
        return resource

    def _step_in(self, tag: str | bytes | bytearray | etree.QName) -> None:
        if self._locator != _ROOT:
            self._locator += f"/resource/{_local_name(tag)}"

    def _read(
        self,
        resource: etree._Element | None,
        canonical: bytes,
        raw_hash: bytes,
        finding: Finding | None,
    ) -> SourceRecord:
        content: Any = None
        if resource is not None and finding is None:
            limits = self._limits
            try:
                content = _read_resource(resource, limits.depth)
            except _TooDeepError:
                finding = reading.NESTED_TOO_DEEP.at(limit=limits.depth)
            else:
                if len(canonical) > limits.text_chars:
                    finding = _find_long_text(content, limits)
        return make_record(self._number, self._locator, content, raw_hash, finding)

    def _find_trouble(self, canonical: bytes) -> Finding | None:
        if len(canonical) > self._limits.record_bytes:
            return reading.RECORD_TOO_LONG.at(limit=self._limits.record_bytes)
        if self._feed.is_repaired and _MARK in canonical:
            return reading.XML_BAD_CHARACTERS.at()
        return None


def _find_long_text(content: Any, limits: Limits) -> Finding | None:
    path = find_long_text(content, limits.text_chars)
    return reading.TEXT_TOO_LONG.at(field=path, limit=limits.text_chars) if path else None


def _check_request(entry: etree._Element) -> Finding | None:
    request = entry.find(f"{_FHIR}request")
    if request is None:
        return None
    method = request.find(f"{_FHIR}method")
    asked = None if method is None else method.get("value")
    return check_request({"request": {"method": asked}})


def _read_resource(element: etree._Element, levels: int) -> dict[str, Any]:
    content: dict[str, Any] = {"resourceType": _local_name(element.tag)}
    content.update(_read_object(element, levels, is_resource=True))
    return content


def _read_object(
    element: etree._Element, levels: int, *, is_resource: bool = False
) -> dict[str, Any]:
    """``levels``: how many may be nested, this one included."""
    if levels < 1:
        raise _TooDeepError
    content: dict[str, Any] = {}
    attributes: Any = element.items()
    for name, value in attributes:
        if name in _ATTRIBUTES:
            content[name] = value
        elif not name.startswith(_SCHEMA_INSTANCE):
            content[f"@{name}"] = value
    if (text := element.text) is not None and text.strip():
        content["#text"] = text
    for child in element:
        if (tail := child.tail) is not None and tail.strip():
            content["#text"] = tail
        name = child.tag.removeprefix(_FHIR)
        if is_resource and name == "text" and child.find(_XHTML_DIV) is not None:
            continue
        _read_child(content, name, child, levels - 1)
    return content


def _read_child(content: dict[str, Any], name: str, child: etree._Element, levels: int) -> None:
    text = child.get("value")
    if text is None:
        if name in _RESOURCES_INSIDE and len(child) == 1:
            _add(content, name, _read_resource(child[0], levels))
        else:
            _add(content, name, _read_object(child, levels))
        return
    convert = _PRIMITIVES.get(name)
    _add(content, name, text if convert is None else convert(text))
    # JSON gives what a plain value carries beside itself under its name with an underscore.
    if len(child) or len(child.keys()) > 1 or child.text is not None:
        beside = _read_object(child, levels)
        beside.pop("@value", None)
        if beside:
            _add(content, f"_{name}", beside)


def _add(content: dict[str, Any], name: str, value: Any) -> None:
    if name in content:
        before = content[name]
        if type(before) is list:
            before.append(value)
        else:
            content[name] = [before, value]
    else:
        content[name] = [value] if name in _LISTS else value


def _read_integer(text: str) -> Any:
    # What is no number stays text: the mapper says what is wrong with it, and where.
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 20 else text


def _read_boolean(text: str) -> Any:
    return _BOOLEANS.get(text, text)


_PRIMITIVES: Final[dict[str, Callable[[str], Any]]] = {
    "valueInteger": _read_integer,
    "valuePositiveInt": _read_integer,
    "valueUnsignedInt": _read_integer,
    "valueBoolean": _read_boolean,
    "userSelected": _read_boolean,
    "active": _read_boolean,
}


def _local_name(tag: Any) -> str:
    """The name as JSON has it; another namespace is kept, and so is not taken for FHIR."""
    name = str(tag)
    return name.removeprefix(_FHIR)
