"""What a received feed holds: itself, or the files that came packed in it, kept as it is."""

import io
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO, Final

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.csv_encoding import find_encoding
from gateway.adapters.limits import Limits
from gateway.adapters.packing import Packing, find_nested, find_packing, unpack
from gateway.adapters.shapes import find_shape
from gateway.adapters.unpacking import Member
from gateway.pipeline.feeds import FeedTerms
from schemas.batch import Shape
from schemas.catalogue import expectations, packing, word_message
from schemas.finding import Finding
from store.raw_files import RawFile
from store.raw_store import RawStore

# Read line by line: cut anywhere, what is left still reads.
LINE_SHAPES: Final[frozenset[Shape]] = frozenset({"csv", "ndjson", "fhir-ndjson"})
_LAST_LINE: Final = 1 << 20


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Something to read: the feed itself, or, with the ``sha256`` it is kept under, a file that
    was packed in it. ``size``: the bytes to read; ``member``: its name, where it is one of
    several."""

    shape: Shape
    size: int
    sha256: str = ""
    member: str = ""


class OpenFeed(msgspec.Struct, frozen=True):
    """A feed with its contents told apart, and what was found on the way; none: nothing of it can
    be read. What was packed is in ``kept``."""

    terms: FeedTerms
    stream: BinaryIO
    kept: RawStore
    contents: list[Content]
    findings: list[Finding]

    @property
    def is_packed(self) -> bool:
        return any(content.sha256 for content in self.contents)

    def open(self, content: Content) -> AbstractContextManager[BinaryIO]:
        return self.kept.open(content.sha256) if content.sha256 else nullcontext(self.stream)


def open_contents(terms: FeedTerms, stream: BinaryIO, kept: RawStore) -> OpenFeed:
    """``stream`` must be seekable. Done again (after a kill), it keeps the same files again."""
    telling = _Telling(terms, kept)
    size = stream.seek(0, io.SEEK_END)
    try:
        _check_size(size, terms.limits)
        how = find_packing(stream)
        if how is None:
            telling.contents.append(Content(shape=telling.find_shape(stream), size=size))
        else:
            telling.unpack(stream, how)
    except BrokenFeed as broken:
        telling.findings.append(broken.finding)
    return OpenFeed(terms, stream, kept, telling.contents, telling.findings)


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.feed_bytes:
        raise BrokenFeed(expectations.FEED_TOO_LARGE.at(bytes=size, limit=limits.feed_bytes))


class _Telling:
    def __init__(self, terms: FeedTerms, kept: RawStore) -> None:
        self._terms = terms
        self._kept = kept
        self._names: Counter[str] = Counter()
        self.contents: list[Content] = []
        self.findings: list[Finding] = []

    def find_shape(self, stream: BinaryIO) -> Shape:
        terms = self._terms
        pointer = terms.profile.record if terms.profile else None
        return find_shape(stream, terms.format, limits=terms.limits, pointer=pointer)

    def unpack(self, stream: BinaryIO, how: Packing) -> None:
        files = 0
        for found in unpack(stream, how, limits=self._terms.limits):
            if isinstance(found, Finding):
                self.findings.append(found)
                files += found.code == packing.MEMBER_NOT_READ.code
            else:
                files += 1
                self._take(found)
        if files == 1:
            self.contents = [msgspec.structs.replace(one, member="") for one in self.contents]

    def _take(self, member: Member) -> None:
        try:
            kept = self._kept.write(member)
            if member.finding:
                self.findings.append(member.finding)
            self._tell(member, kept)
        except BrokenFeed as refused:
            if not member.is_broken:
                self.findings.append(refused.finding)

    def _tell(self, member: Member, kept: RawFile) -> None:
        with self._kept.open(kept.sha256) as stream:
            nested = find_nested(stream)
            if nested:
                raise _refuse(member, f"it is packed itself, as {nested}")
            try:
                shape = self.find_shape(stream)
            except BrokenFeed as broken:
                if not member.name:
                    raise
                raise _refuse(member, word_message(broken.finding)) from None
            is_cut = member.is_broken and shape in LINE_SHAPES
            size = _find_last_line_end(stream, kept.size) if is_cut else kept.size
        self._names[member.name] += 1
        again = self._names[member.name]
        name = member.name if again == 1 else f"{member.name} ({again})"
        self.contents.append(Content(shape=shape, size=size, sha256=kept.sha256, member=name))


def _refuse(member: Member, problem: str) -> BrokenFeed:
    what = f"the file '{member.name}' in the zip" if member.name else "the gzip"
    return BrokenFeed(packing.MEMBER_NOT_READ.at(what=what, problem=problem))


def _find_last_line_end(stream: BinaryIO, size: int) -> int:
    """Half a last line must not be taken for a whole one, with half a narrative."""
    encoding = find_encoding(stream)
    wide = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
    end = "\n".encode(wide.removesuffix("-sig"))
    start = max(0, size - _LAST_LINE) // 4 * 4
    stream.seek(start)
    tail = stream.read()
    at = tail.rfind(end)
    while at > 0 and at % len(end):
        at = tail.rfind(end, 0, at + len(end) - 1)
    return start + at + len(end) if at >= 0 else size
