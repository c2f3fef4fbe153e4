"""Where a FHIR Bundle in JSON, or a JSON document with a list of records, may be cut: between two
items of that one list. Walked as its reader walks it."""

from typing import Any, BinaryIO, Final

import msgspec

from gateway.adapters.around import MOST_HEAD, Around
from gateway.adapters.broken import BrokenFeed
from gateway.adapters.fhir_json import Bundle, is_next_bundle
from gateway.adapters.indexing import Index, Piece
from gateway.adapters.json_flatten import EACH, unescape
from gateway.adapters.json_records import Documents
from gateway.adapters.json_stream import JsonStream
from gateway.adapters.limits import Limits
from mappers.profile_model import Profile
from schemas.batch import Part
from schemas.record import SourceRecord

# Of any of the types that are read: a part has it so that its reader need not see the feed's own.
_BUNDLE: Final = Around(head=b'{"resourceType":"Bundle","type":"collection","entry":[', tail=b"]}")
_NOTHING: Final = SourceRecord(0, "", None, b"")


def index_fhir_json(
    stream: BinaryIO, index: Index, limits: Limits, *, size: int, part_bytes: int
) -> None:
    document = JsonStream(stream, 0, size)
    items = _Items(document, index, limits, part_bytes)
    documents = 0
    try:
        while document.peek():
            documents += 1
            before = document.mark()
            is_bundle = is_next_bundle(document, limits)
            document.return_to(before)
            if is_bundle:
                for _ in _CountedBundle(document, items, limits).read():
                    pass
            else:
                document.take_value(limits.record_bytes)
                index.count(limits)
    except BrokenFeed as broken:
        index.stop(broken)
    if documents == 1:
        items.cut(_BUNDLE)


def index_json(
    stream: BinaryIO, index: Index, profile: Profile, limits: Limits, *, size: int, part_bytes: int
) -> None:
    document = JsonStream(stream, 0, size)
    items = _Items(document, index, limits, part_bytes)
    pointer = profile.record or ""
    counting = _Counting(items, limits)
    try:
        for _ in Documents(document, _whole(size), pointer, counting).read():
            pass
    except BrokenFeed as broken:
        index.stop(broken)
    around = _find_around([unescape(step) for step in pointer.split("/")[1:]])
    if around is not None and len(counting.lists) == 1:
        items.cut(around)


def _find_around(steps: list[str]) -> Around | None:
    """The list as it stands in the document. A step into a list, which may hold several lists of
    records, is told by no name."""
    if any(step == EACH or step.isdecimal() for step in steps):
        return None
    opened = b"".join(b"{%b:" % msgspec.json.encode(step) for step in steps)
    return Around(head=opened + b"[", tail=b"]" + b"}" * len(steps))


def _whole(size: int) -> Part:
    return Part(batch_number=0, number=0, start=0, end=size)


class _Items:
    """Takes the items of the list one by one, each when the document stands behind it."""

    def __init__(self, document: JsonStream, index: Index, limits: Limits, part_bytes: int) -> None:
        self._document = document
        self._index = index
        self._limits = limits
        self._part_bytes = part_bytes
        self._pieces: list[Piece] = []
        self._end = 0

    def take(self, raw: bytes | None, place: int) -> None:
        """``raw`` is None for one that was stepped over: no part begins with it. ``place``: in its
        list, from 1."""
        number = self._index.count(self._limits)
        end = self._document.place
        pieces = self._pieces
        if raw is not None:
            start = end - len(raw)
            if pieces and start - pieces[-1].start >= self._part_bytes:
                pieces[-1] = pieces[-1]._replace(end=self._end)
                pieces.append(Piece(start, end, number, place))
            elif not pieces and place == 1:
                pieces.append(Piece(start, end, number, place))
        self._end = end

    def cut(self, around: Around) -> None:
        pieces = self._pieces
        if len(pieces) < 2 or self._index.is_broken or len(around.head) > MOST_HEAD:
            return
        pieces[-1] = pieces[-1]._replace(end=self._end)
        self._index.pieces = [piece._replace(around=around) for piece in pieces]


class _CountedBundle(Bundle):
    """A Bundle whose entries are not read."""

    def __init__(self, document: JsonStream, items: _Items, limits: Limits) -> None:
        super().__init__(document, 0, "", 0, limits)
        self._items = items

    def make_record(self, raw: bytes | None, locator: str) -> SourceRecord:
        self._items.take(raw, int(locator.split("/")[2]) + 1)
        return _NOTHING


class _Counting:
    """In the place of what makes records. ``lists``: the pointers of the lists they stand in."""

    def __init__(self, items: _Items, limits: Limits) -> None:
        self.limits = limits
        self.lists: set[str] = set()
        self._items = items

    def make(self, _number: int, locator: str, raw: bytes | None, *_: Any) -> SourceRecord:
        at, is_item, place = locator.rpartition("/")
        # Few lists tell as much as many.
        if len(self.lists) < 2:
            self.lists.add(at if is_item else locator)
        self._items.take(raw, int(place) + 1 if is_item and place.isdecimal() else 0)
        return _NOTHING
