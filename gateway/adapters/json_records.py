"""Vendor JSON → source records: the objects at the pointer its profile names, or one a line.

Documents one behind the other are read one after another: where an object or a list ends is never
in doubt. ``raw_hash`` is over the bytes of the record.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, Protocol

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.json_flatten import EACH, Flattening, count_fields, find_text, unescape
from gateway.adapters.json_lines import iterate_lines
from gateway.adapters.json_stream import JsonStream
from gateway.adapters.json_strict import read_json_as_written, show_key
from gateway.adapters.limits import Limits
from gateway.adapters.poisoned import keep_poisoned
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.catalogue import reading
from schemas.finding import Finding
from schemas.record import SourceRecord

_WHOLE: Final = "document"
_MAX_ID: Final = 100
# An object with more keys than this is no envelope but a table by some key, which may be content.
_MAX_KEYS: Final = 50
_MAX_SHOWN: Final = 10
_KINDS: Final = {'"': "a text", "{": "an object", "[": "a list", "t": "true", "f": "false"}
_TYPES: Final = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def read_json_records(
    stream: BinaryIO, part: Part, profile: Profile, *, limits: Limits, by_line: bool
) -> Iterator[SourceRecord]:
    """The records of the part, flattened (:mod:`gateway.adapters.json_flatten`). ``by_line``: each
    line that is not blank is a record (NDJSON). BrokenFeed where the feed cannot be read on, or
    has no records where the profile looks for them; after what came before."""
    make = _RecordMaker(profile, limits)
    if by_line:
        for line in iterate_lines(stream, part, limits.record_bytes):
            if line.error is not None:
                yield keep_poisoned(line.error, line.number, line.locator)
            else:
                yield make.make(line.number, line.locator, line.raw, line.raw_hash)
        return
    document = JsonStream(stream, part.start, part.end)
    yield from Documents(document, part, profile.record or "", make).read()


class _RecordMaker:
    def __init__(self, profile: Profile, limits: Limits) -> None:
        self.limits = limits
        self._flattening = Flattening(profile)
        self._id = profile.local_id.field if profile.local_id else None

    def make(
        self, number: int, locator: str, raw: bytes | None, raw_hash: bytes = b""
    ) -> SourceRecord:
        """``raw`` is None for a record that was stepped over; ``raw_hash`` is its hash then."""
        limits = self.limits
        if raw is None:
            finding = reading.RECORD_TOO_LONG.at(limit=limits.record_bytes)
            return SourceRecord(number, locator, None, raw_hash, (finding,))
        try:
            return self._make(number, locator, raw)
        except Exception as error:  # noqa: BLE001 - a fault of ours costs this record alone
            return keep_poisoned(error, number, locator, raw)

    def _make(self, number: int, locator: str, raw: bytes) -> SourceRecord:
        limits, digest = self.limits, hashlib.sha256(raw).digest()
        value, trouble = read_json_as_written(raw, limits)
        if trouble is None and value.__class__ is dict:
            content = self._flattening.flatten(value)
            # A field is at least a key in quotes, a colon and a value.
            if len(raw) <= 4 * limits.columns or count_fields(content) <= limits.columns:
                return SourceRecord(number, locator, content, digest)
            trouble = reading.TOO_MANY_FIELDS.at(limit=limits.columns)
        return SourceRecord(
            number,
            locator,
            None,
            digest,
            (
                trouble
                or reading.NOT_AN_OBJECT.at(found=_TYPES.get(type(value), "a number or null")),
            ),
            self._find_id(value),
        )

    def _find_id(self, value: Any) -> str | None:
        found = find_text(value, self._id) if self._id else None
        return found if found and len(found) <= _MAX_ID else None


class Maker(Protocol):
    """Makes something of a record, given as :meth:`JsonStream.take_value` does."""

    limits: Limits

    def make(
        self, number: int, locator: str, raw: bytes | None, raw_hash: bytes = b""
    ) -> SourceRecord: ...


class Documents:
    """Walks down to the records of each document, and on to its end."""

    def __init__(self, document: JsonStream, part: Part, pointer: str, make: Maker) -> None:
        self._document = document
        self._number = part.first_record
        # Of its list so many records are in parts before this one.
        self._before = part.first_line - 1
        self._pointer = pointer
        self._steps = [unescape(step) for step in pointer.split("/")[1:]]
        self._make = make
        self._is_found = False
        # Where the pointer could not be followed: of the first place only.
        self._missed: list[Finding] = []

    def read(self) -> Iterator[SourceRecord]:
        count = 0
        while mark := self._document.peek():
            if mark not in "{[":
                raise self._document.broken()
            count += 1
            self._is_found = False
            self._missed = []
            start = f"{_WHOLE} {count}" if count > 1 else ""
            yield from self._walk(0, start)
            if self._missed and not self._is_found:
                raise BrokenFeed(self._missed[0])

    def _walk(self, depth: int, at: str) -> Iterator[SourceRecord]:
        """The records at or below the next value, whose pointer is ``at``."""
        mark = self._document.peek()
        if depth == len(self._steps):
            if mark == "[":
                yield from self._walk_list(depth, at, None)
            elif mark == "{":
                self._is_found = True
                yield self._take_record(at or _WHOLE)
            else:
                self._miss(depth, _KINDS.get(mark, "no list or object"))
                self._step_over()
            return
        step = self._steps[depth]
        if mark == "{":
            yield from self._walk_object(depth, at, step)
        elif mark == "[" and (step == EACH or step.isdecimal()):
            yield from self._walk_list(depth + 1, at, None if step == EACH else int(step))
        else:
            self._miss(depth, _KINDS.get(mark, "no list or object"))
            self._step_over()

    def _walk_object(self, depth: int, at: str, step: str) -> Iterator[SourceRecord]:
        document = self._document
        document.take("{")
        keys: list[str] = []
        is_there = False
        while not document.take("}"):
            key = document.take_key()
            if len(keys) <= _MAX_KEYS:
                keys.append(show_key(key))
            if key == step and is_there:
                raise document.broken()  # given twice: which one is meant?
            if key == step:
                is_there = True
                yield from self._walk(depth + 1, f"{at}/{key}")
            else:
                self._step_over()
            document.take_separator("}")
        if not is_there:
            self._miss(depth, f"an object {_word_keys(keys)}")

    def _walk_list(self, depth: int, at: str, only: int | None) -> Iterator[SourceRecord]:
        """The items of a list: records, or what leads to them (of one item, if ``only``)."""
        document = self._document
        document.take("[")
        is_of_records = depth == len(self._steps)
        self._is_found = self._is_found or (is_of_records and only is None)
        position = 0
        while not document.take("]"):
            if only is not None and position != only:
                self._step_over()
            elif is_of_records and only is None:
                yield self._take_record(f"{at}/{self._before + position}")
            else:
                yield from self._walk(depth, f"{at}/{position}")
            document.take_separator("]")
            position += 1
        if only is not None and position <= only:
            self._miss(depth - 1, f"a list of {position}")

    def _take_record(self, locator: str) -> SourceRecord:
        document = self._document
        raw = document.take_value(self._make.limits.record_bytes)
        record = self._make.make(self._number, locator, raw, document.skipped)
        self._number += 1
        return record

    def _step_over(self) -> None:
        self._document.take_value(self._make.limits.record_bytes)

    def _miss(self, depth: int, found: str) -> None:
        if not self._missed:
            where = "/".join(["", *self._steps[:depth]]) or "its root"
            pointer = self._pointer or "the root"
            self._missed.append(
                reading.NO_RECORDS_THERE.at(pointer=pointer, where=where, found=found)
            )


def _word_keys(keys: list[str]) -> str:
    if not keys:
        return "without any key"
    if len(keys) > _MAX_KEYS:
        return f"of more than {_MAX_KEYS} keys"
    more = f" and {len(keys) - _MAX_SHOWN} more" if len(keys) > _MAX_SHOWN else ""
    return f"of the keys {', '.join(keys[:_MAX_SHOWN])}{more}"
