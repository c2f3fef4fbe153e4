"""The list of files at the end of a zip, and the header before each file; whatever they say is
checked against the bytes. Source: PKWARE's APPNOTE.TXT 6.3.10, 4.3.7 to 4.3.16 and 4.5.3."""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from schemas.catalogue import packing
from schemas.catalogue.expectations import TOO_MANY_MEMBERS
from schemas.values import plain, storable

_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_HEADER: Final = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT: Final = 0xFFFF
_SEE_ZIP64: Final = 0xFFFFFFFF
_ZIP64: Final = 1
_ENCRYPTED: Final = 0x2041  # encrypted, strongly encrypted, or with its header masked
_SIZE_BEHIND: Final = 0x8
_UTF_8: Final = 0x800
_LONGEST_NAME: Final = 80
_OF_COMPUTERS: Final = frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_OF_WORKBOOKS: Final = frozenset({"[Content_Types].xml", "xl/workbook.xml"})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of a file. ``offset``: of its header; ``packed_size`` is None where only the
    data itself tells it, ``checksum`` where it is not known before."""

    name: str
    offset: int
    method: int
    is_encrypted: bool
    packed_size: int | None
    checksum: int | None

    @property
    def is_folder(self) -> bool:
        return self.name.endswith("/")

    @property
    def is_junk(self) -> bool:
        """What a Mac or Windows adds for itself."""
        last = self.name.rpartition("/")[2]
        in_mac = self.name.startswith("__MACOSX/") or last.startswith("._")
        return in_mac or last.casefold() in _OF_COMPUTERS

    @property
    def is_of_workbook(self) -> bool:
        return self.name in _OF_WORKBOOKS

    @property
    def shown(self) -> str:
        """The name as a person may see it, shortened at its start."""
        return plain(self.name)[-_LONGEST_NAME:]


class Listed(msgspec.Struct, frozen=True):
    """The files of a zip, and how many entries are none that anybody sends."""

    files: list[Entry]
    folders: int
    junk: int


def list_files(entries: Iterator[Entry], limits: Limits) -> Listed:
    """BrokenFeed where they are more than may be, or those of a workbook."""
    files: list[Entry] = []
    folders = junk = 0
    for entry in entries:
        if entry.is_of_workbook:
            raise BrokenFeed(packing.WORKBOOK.at())
        if entry.is_folder or entry.is_junk:
            folders, junk = folders + entry.is_folder, junk + (not entry.is_folder)
            continue
        if len(files) == limits.members:
            raise BrokenFeed(TOO_MANY_MEMBERS.at(limit=limits.members))
        files.append(entry)
    return Listed(files, folders, junk)


class Directory(NamedTuple):
    """Where the list of files begins and ends, and how many entries it says it has."""

    start: int
    end: int
    entries: int


def find_directory(stream: BinaryIO) -> Directory | None:
    """The list of files at the end of a zip; None where there is none."""
    size = stream.seek(0, io.SEEK_END)
    start = max(0, size - _END.size - _LONGEST_COMMENT)
    stream.seek(start)
    tail = stream.read(size - start)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return None
    *_, entries, _, offset, _ = _END.unpack_from(tail, at)
    found = _find_directory_64(stream, start + at) or Directory(offset, start + at, entries)
    return found if found.start <= found.end else None


def _find_directory_64(stream: BinaryIO, end: int) -> Directory | None:
    raw = _read(stream, end - _LOCATOR_64.size, _LOCATOR_64.size)
    if not raw.startswith(b"PK\x06\x07") or len(raw) < _LOCATOR_64.size:
        return None
    _, _, position, _ = _LOCATOR_64.unpack(raw)
    raw = _read(stream, position, _END_64.size) if position < end else b""
    if not raw.startswith(b"PK\x06\x06") or len(raw) < _END_64.size:
        return None
    *_, entries, _, offset = _END_64.unpack(raw)
    return Directory(offset, position, entries)


def read_directory(stream: BinaryIO, directory: Directory) -> Iterator[Entry]:
    """The entries in their order; LookupError where one is not what it should be, or where they
    do not end where the list does: a file that is left out of the count would be lost."""
    offset = directory.start
    for _ in range(directory.entries):
        raw = _read(stream, offset, _ENTRY.size)
        if not raw.startswith(b"PK\x01\x02") or len(raw) < _ENTRY.size:
            raise LookupError(offset)
        _, _, _, flags, method, _, _, crc, packed, size, *lengths, _, _, _, header = _ENTRY.unpack(
            raw
        )
        name_size, extra_size, comment_size = lengths
        name = _read(stream, offset + _ENTRY.size, name_size)
        extra = _read(stream, offset + _ENTRY.size + name_size, extra_size)
        wide = _read_zip64(extra, [size, packed, header])
        yield Entry(
            name=_decode(name, flags),
            offset=wide[2],
            method=method,
            is_encrypted=bool(flags & _ENCRYPTED),
            packed_size=wide[1],
            checksum=crc,
        )
        offset += _ENTRY.size + name_size + extra_size + comment_size
    if offset != directory.end:
        raise LookupError(offset)


def read_header(stream: BinaryIO, offset: int) -> tuple[Entry, int] | None:
    """The header before a file, and where the file begins; None where there is none."""
    raw = _read(stream, offset, _HEADER.size)
    if not raw.startswith(b"PK\x03\x04") or len(raw) < _HEADER.size:
        return None
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _HEADER.unpack(raw)
    name = _read(stream, offset + _HEADER.size, name_size)
    start = offset + _HEADER.size + name_size
    extra = _read(stream, start, extra_size)
    if len(name) < name_size or len(extra) < extra_size:
        return None
    is_behind = bool(flags & _SIZE_BEHIND)
    entry = Entry(
        name=_decode(name, flags),
        offset=offset,
        method=method,
        is_encrypted=bool(flags & _ENCRYPTED),
        packed_size=None if is_behind else _read_zip64(extra, [size, packed])[1],
        checksum=None if is_behind else crc,
    )
    return entry, start + extra_size


def _read_zip64(extra: bytes, values: list[int]) -> list[int]:
    """The values, those that did not fit taken from the extra field, where they stand in this
    order."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64:
            wide = iter(struct.unpack_from(f"<{len(extra[4 : 4 + length]) // 8}Q", extra, 4))
            return [next(wide, one) if one == _SEE_ZIP64 else one for one in values]
        extra = extra[4 + length :]
    return values


def _decode(name: bytes, flags: int) -> str:
    return storable(name.decode("utf-8" if flags & _UTF_8 else "cp437", "replace"))


def _read(stream: BinaryIO, offset: int, size: int) -> bytes:
    if offset < 0:
        return b""
    stream.seek(offset)
    return stream.read(size)
