"""FHIR as XML: one AdverseEvent, or a Bundle of any size, as the dicts FHIR JSON would give.

``raw_hash`` is over the exclusive canonical form (c14n) of the AdverseEvent, or of the entry.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from lxml import etree

from gateway.adapters.broken import BrokenFeed, Tell, tell_nobody
from gateway.adapters.fhir_plain import PlainXmlReader
from gateway.adapters.fhir_records import BUNDLE_TYPES, check_request, make_record, show_type
from gateway.adapters.fhir_xml_tree import FHIR, TooDeepError, get_local_name, read_resource
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

_EVENT: Final = f"{FHIR}AdverseEvent"
_BUNDLE: Final = f"{FHIR}Bundle"
_ENTRY: Final = f"{FHIR}entry"
_TYPE: Final = f"{FHIR}type"
_ROOT: Final = "/AdverseEvent"
BUNDLE_PATH: Final = (_BUNDLE, _ENTRY)
_MARK: Final = MARK.encode()


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
    return name if tag.startswith(FHIR) else f"{name} outside the namespace {FHIR[1:-1]}"


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
        return skipped.make_record(self._number, self._locator)

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
        resource = next(iter(whole.iterfind(f"{FHIR}resource/*")), None)
        if resource is not None:
            self._step_in(resource.tag)
        return resource

    def _step_in(self, tag: str | bytes | bytearray | etree.QName) -> None:
        if self._locator != _ROOT:
            self._locator += f"/resource/{get_local_name(tag)}"

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
                content = read_resource(resource, limits.depth)
            except TooDeepError:
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
    request = entry.find(f"{FHIR}request")
    if request is None:
        return None
    method = request.find(f"{FHIR}method")
    asked = None if method is None else method.get("value")
    return check_request({"request": {"method": asked}})
