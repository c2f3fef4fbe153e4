"""JSON, or XML → plain AdverseEvent (``mappers.fhir_plain``), in one pass over its bytes."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

import msgspec

from gateway.adapters.fhir_xml_json import JsonWriter
from gateway.adapters.json_strict import may_repeat_keys
from gateway.adapters.limits import Limits
from mappers.fhir_plain import DEPTH, PlainEntry, PlainEvent
from mappers.fhir_plain_types import compile_entry, compile_plain
from schemas.prepared import LOOKING
from schemas.taxonomy import TAXONOMY_VERSIONS

_PROFILE: Final = b"/patient-safety-adverse-event-"
# To compile one for an address takes as long as to read hundreds of records; a feed has one.
_MOST_ADDRESSES: Final = 4
_MOST_ADDRESS: Final = 300
_encode: Final = msgspec.json.Encoder().encode
T = TypeVar("T")


class Decoders(NamedTuple):
    """Bytes → AdverseEvent, or an entry of a Bundle; msgspec's errors where it is not plain."""

    event: Callable[[bytes], PlainEvent]
    entry: Callable[[bytes], PlainEntry]


class PlainReader:
    """Reads the plain ones among the records of one feed, or of one source."""

    def __init__(self, limits: Limits) -> None:
        is_deep_enough = limits.depth >= DEPTH
        self._most_bytes = min(limits.record_bytes, limits.text_chars) if is_deep_enough else -1
        # By the address of the profile; None where it is not one we know.
        self._decoders: dict[bytes, Decoders | None] = {}

    def read(self, raw: bytes, *, is_ours: bool = False) -> PlainEvent | None:
        """As strict as ``read_json``. None says nothing: read it the general way. ``is_ours``: it
        was written as we write JSON, so that it has to be what is written again, to the byte but
        for the order of keys."""
        decoders = self._find_decoders(raw)
        return None if decoders is None else self._read(raw, decoders.event, is_ours=is_ours)

    def read_entry(self, raw: bytes, *, is_ours: bool = False) -> PlainEvent | None:
        """The same of an entry of a Bundle."""
        decoders = self._find_decoders(raw)
        entry = None if decoders is None else self._read(raw, decoders.entry, is_ours=is_ours)
        return None if entry is None else entry.resource

    def _read(self, raw: bytes, decode: Callable[[bytes], T], *, is_ours: bool) -> T | None:
        if len(raw) > self._most_bytes:
            return None
        try:
            found = decode(raw)
        except (msgspec.DecodeError, UnicodeError):
            return None
        written = _encode(found)
        is_as_long = len(written) == len(raw)
        if is_ours or b"\\" not in raw:
            # As long, without blanks and escapes: no key was dropped because it was there twice.
            is_whole = is_as_long or not (is_ours or may_repeat_keys(raw, written))
        else:
            is_whole = b"\\u0000" not in raw and not may_repeat_keys(raw, written)
        return found if is_whole else None

    def _find_decoders(self, raw: bytes) -> Decoders | None:
        """By the first address in it that may be of the national profile. Where a text looks like
        one, the record is read the general way, and that is all."""
        at = raw.find(_PROFILE)
        start = raw.rfind(b'"', 0, at) + 1
        address = raw[start : raw.find(b'"', at)]
        known = self._decoders
        if address in known:
            return known[address]
        if at < 0 or len(known) >= _MOST_ADDRESSES or len(address) > _MOST_ADDRESS:
            return None
        found = known[address] = _find_decoders(address)
        return found


class PlainXmlReader:
    """The same of records in canonical XML."""

    def __init__(self, limits: Limits) -> None:
        self._reader = PlainReader(limits)
        self._writer = JsonWriter()
        self._longest = limits.text_chars

    def read(self, canonical: bytes) -> PlainEvent | None:
        """Of an AdverseEvent, or of an entry of a Bundle. None says nothing."""
        if len(canonical) > self._longest:
            return None
        json = self._writer.write(canonical)
        if json is None:
            return None
        if canonical.startswith(b"<entry"):
            return self._reader.read_entry(json, is_ours=True)
        return self._reader.read(json, is_ours=True)


def _find_decoders(profile: bytes) -> Decoders | None:
    address, slash, name = profile.rpartition(b"/")
    version = name.rpartition(b"-")[2].decode(errors="replace")
    if version not in TAXONOMY_VERSIONS or not address.isascii() or b"\\" in address:
        return None
    with LOOKING:
        return _make_decoders(version, (address + slash).decode())


@lru_cache(maxsize=32)
def _make_decoders(version: str, address: str) -> Decoders:
    event = compile_plain(version, address)
    entry = compile_entry(event)
    return Decoders(msgspec.json.Decoder(event).decode, msgspec.json.Decoder(entry).decode)
