"""zip: its files one by one, by the list at its end, or where that is gone from its start."""

import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.unpacking import Inflating, Member, Meter, Stored
from gateway.adapters.zip_directory import (
    Entry,
    Listed,
    find_directory,
    list_files,
    read_directory,
    read_header,
)
from schemas.catalogue import expectations, packing
from schemas.finding import Finding

_STORED: Final = 0
_DEFLATED: Final = 8
_METHODS: Final = {9: "deflate64", 12: "bzip2", 14: "LZMA", 93: "zstd", 95: "xz", 99: "AES"}
_RAW: Final = -15
_NO_SIZE: Final = "where it ends is told only in the list of files, which is missing"
_SHORTEST_HEADER: Final = 30
# What may stand between a file whose size is told behind it and the next header.
_SIZES_BEHIND: Final = 24


def read_zip(stream: BinaryIO, limits: Limits) -> Iterator[Member | Finding]:
    meter, size = Meter(limits), stream.seek(0, io.SEEK_END)
    listed = _list(stream, limits)
    if listed is None:
        yield from _walk(stream, size, meter, limits)
        return
    apart, over = _tell_apart(listed.files)
    if over:
        found = packing.OVERLAPPING_MEMBERS.at(files=len(over), byte=min(over))
        yield found
    for entry in apart:
        if meter.is_full:
            return
        start = _find_start(stream, entry)
        end = min(size, start + (entry.packed_size or 0))
        yield _refuse(entry) or ZipMember(stream, entry, (start, end), meter)
    if listed.folders or listed.junk:
        yield packing.LEFT_OUT.at(folders=listed.folders, files=listed.junk)


def _list(stream: BinaryIO, limits: Limits) -> Listed | None:
    found = find_directory(stream)
    if found is None:
        return None
    try:
        return list_files(read_directory(stream, found), limits)
    except LookupError:
        return None


def _tell_apart(files: list[Entry]) -> tuple[list[Entry], list[int]]:
    """The files that lie apart, in the order of the list, and where the others begin: a file that
    lies on another is how a small zip unpacks to endless amounts."""
    over: list[int] = []
    apart: list[Entry] = []
    end = 0
    for entry in sorted(files, key=lambda one: one.offset):
        if entry.offset < end:
            over.append(entry.offset)
            continue
        apart.append(entry)
        end = entry.offset + _SHORTEST_HEADER + (entry.packed_size or 0)
    chosen = {id(entry) for entry in apart}
    return [entry for entry in files if id(entry) in chosen], over


def _find_start(stream: BinaryIO, entry: Entry) -> int:
    found = read_header(stream, entry.offset)
    # Where there is no header, nothing comes out, and its checksum tells that.
    return found[1] if found else stream.seek(0, io.SEEK_END)


def _refuse(entry: Entry) -> Finding | None:
    problem = ""
    if entry.is_encrypted:
        problem = "it is encrypted"
    elif entry.method not in (_STORED, _DEFLATED):
        name = _METHODS.get(entry.method, "another method")
        problem = f"it is packed by {name} (method {entry.method})"
    return packing.MEMBER_NOT_READ.at(what=_name(entry), problem=problem) if problem else None


def _name(entry: Entry) -> str:
    return f"the file '{entry.shown}' in the zip"


def _walk(stream: BinaryIO, size: int, meter: Meter, limits: Limits) -> Iterator[Member | Finding]:
    """Header after header from the start, as far as each file tells where the next one is."""
    position, files = 0, 0
    while (found := read_header(stream, position)) and not meter.is_full:
        entry, start = found
        if list_files(iter([entry]), limits).files:
            files += 1
            if files > limits.members:
                raise BrokenFeed(expectations.TOO_MANY_MEMBERS.at(limit=limits.members))
            is_endless = entry.packed_size is None and entry.method == _STORED
            refusal = _refuse(entry)
            if is_endless or refusal:
                yield refusal or packing.MEMBER_NOT_READ.at(what=_name(entry), problem=_NO_SIZE)
            else:
                end = size if entry.packed_size is None else min(size, start + entry.packed_size)
                member = ZipMember(stream, entry, (start, end), meter, is_cut_told=True)
                yield member
                start = member.position
        if entry.packed_size is None:
            position = _find_next(stream, start)
        else:
            position = found[1] + entry.packed_size
    yield packing.ZIP_BROKEN_OFF.at(byte=min(position, size))


def _find_next(stream: BinaryIO, position: int) -> int:
    stream.seek(position)
    behind = stream.read(_SIZES_BEHIND + 4)
    at = max(behind.find(b"PK\x03\x04"), behind.find(b"PK\x01\x02"), 0)
    return position + at


class ZipMember(Member):
    """One file of a zip, from byte to byte. ``is_cut_told``: that the zip ends before it does is
    told of the zip, not of the file."""

    def __init__(
        self,
        stream: BinaryIO,
        entry: Entry,
        place: tuple[int, int],
        meter: Meter,
        *,
        is_cut_told: bool = False,
    ) -> None:
        self.name = entry.shown
        self._entry = entry
        self._start, self._end = place
        self._meter = meter
        self._is_cut_told = is_cut_told
        self._size = stream.seek(0, io.SEEK_END)
        self._data: Inflating | Stored
        if entry.method == _STORED:
            self._data = Stored(stream, *place)
        else:
            self._data = Inflating(stream, *place, _RAW)
        self._unpacked = 0
        self._checksum = 0
        self._is_done = False

    @property
    def position(self) -> int:
        return self._data.position

    def read(self, _size: int = -1, /) -> bytes:
        piece = self._data.take()
        if piece:
            self._unpacked += len(piece)
            self._checksum = zlib.crc32(piece, self._checksum)
            packed = self.position - self._start
            what = _name(self._entry)
            self._meter.count(what, len(piece), packed=packed, unpacked=self._unpacked)
        elif not self._is_done:
            self._is_done = True
            self._check()
        return piece

    def _check(self) -> None:
        is_wrong = self._data.is_ended and self._entry.checksum not in (None, self._checksum)
        if is_wrong or (isinstance(self._data, Inflating) and self._data.is_damaged):
            raise BrokenFeed(packing.DAMAGED.at(what=_name(self._entry), byte=self.position))
        if self._data.is_ended:
            return
        self.is_broken = True
        if not self._is_cut_told or self.position < self._size:
            self.finding = packing.BROKEN_OFF.at(what=_name(self._entry), byte=self.position)
