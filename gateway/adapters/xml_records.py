"""Vendor XML → source records, by the layout its profile names, memory flat."""

from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed, Tell, tell_nobody
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import keep_poisoned
from gateway.adapters.xml_bytes import MARK
from gateway.adapters.xml_flatten import (
    Content,
    Flat,
    Flattening,
    Names,
    count_fields,
    find_long_text,
)
from gateway.adapters.xml_prolog import find_root
from gateway.adapters.xml_stream import Skipped, XmlFeed
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.finding import Finding
from schemas.record import SourceRecord

_MAX_NAME: Final = 100


def read_xml(
    stream: BinaryIO,
    part: Part,
    profile: Profile,
    *,
    limits: Limits,
    tell: Tell = tell_nobody,
    counted_only: bool = False,
) -> Iterator[SourceRecord]:
    """The records at the profile's ``record`` path. ``limits.record_bytes`` is counted in
    characters of text here; BrokenFeed where the file cannot be read on, after what came before.
    ``counted_only``: records come without their content, in less than half the time."""
    names = Names(profile.namespaces)
    steps = _list_steps(profile)
    tags = find_path(stream, profile)
    flattening = Flattening(profile, names, limits)
    feed = XmlFeed(stream, tags, limits=limits, tell=tell)
    # Positions count over the file; only below the root itself is that a plain child position.
    path = "/" + "/".join(steps)
    locate = f"{path}[%d]" if len(steps) == 2 else f"({path})[%d]"
    for place, element in enumerate(feed):
        number, locator = part.first_record + place, locate % (part.first_line + place)
        if counted_only:
            yield SourceRecord(number, locator, None, b"")
            continue
        if isinstance(element, Skipped):
            yield element.make_record(number, locator)
            continue
        try:
            flat = flattening.read(element)
            record = _make_record(
                number, locator, flat, profile, limits, is_repaired=feed.is_repaired
            )
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            record = keep_poisoned(error, number, locator)
        yield record


def find_path(stream: BinaryIO, profile: Profile) -> list[str]:
    """The tag of each step from the root to the records. BrokenFeed where the file has another
    root."""
    names = Names(profile.namespaces)
    tags = [names.tag_of(step) for step in _list_steps(profile)]
    root = find_root(stream)
    if root is not None and root != tags[0]:
        shown_root = names.name_of(root)[:_MAX_NAME]
        raise BrokenFeed(reading.XML_OTHER_ROOT.at(root=shown_root, expected=tags[0]))
    return tags


def _list_steps(profile: Profile) -> list[str]:
    return (profile.record or "").strip("/").split("/")


def _make_record(
    number: int,
    locator: str,
    flat: Flat,
    profile: Profile,
    limits: Limits,
    *,
    is_repaired: bool,
) -> SourceRecord:
    finding = _find_trouble(flat, limits, is_repaired=is_repaired)
    if finding is None:
        return SourceRecord(number, locator, flat.content, flat.raw_hash)
    local_id = _find_id(flat.content, profile)
    return SourceRecord(number, locator, None, flat.raw_hash, (finding,), local_id)


def _find_trouble(flat: Flat, limits: Limits, *, is_repaired: bool) -> Finding | None:
    content, size, raw, _, is_whole = flat
    if not is_whole:
        return reading.NESTED_TOO_DEEP.at(limit=limits.depth)
    if size > limits.record_bytes:
        return reading.XML_RECORD_TOO_LONG.at(limit=limits.record_bytes)
    if is_repaired and MARK in raw:
        return reading.XML_BAD_CHARACTERS.at()
    if size > limits.text_chars and (field := find_long_text(content, limits.text_chars)):
        return reading.TEXT_TOO_LONG.at(field=field, limit=limits.text_chars)
    # A field is at least a name, a text and two marks between them.
    if size > 3 * limits.columns and count_fields(content) > limits.columns:
        return reading.TOO_MANY_FIELDS.at(limit=limits.columns)
    return None


def _find_id(content: Content, profile: Profile) -> str | None:
    """The sender's id of a record that is refused, unless that is what is wrong with it."""
    found = content.get(profile.local_id.field) if profile.local_id else None
    is_sure = isinstance(found, str) and len(found) <= _MAX_NAME and MARK not in found
    return found.strip() if is_sure and isinstance(found, str) else None
