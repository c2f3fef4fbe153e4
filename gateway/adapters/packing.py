"""Feeds that come packed: recognised by their first bytes, unpacked member by member.

Nothing of a packed feed is trusted, neither sizes nor names; memory stays flat. A name of a member
is only ever shown.
"""

from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.gzip_members import read_gzip
from gateway.adapters.limits import Limits
from gateway.adapters.unpacking import Member
from gateway.adapters.zip_members import read_zip
from schemas.catalogue import packing
from schemas.finding import Finding

Packing = Literal["gzip", "zip"]

_READ: Final[tuple[tuple[bytes, Packing], ...]] = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
)
_OTHERS: Final = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x1f\x9d", "compress"),
)
_OLD_WORKBOOK: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Behind the digit of a bzip2 comes its first block, or its end; a CSV may well begin with BZh.
_BZIP2_BLOCKS: Final = (b"1AY&SY", b"\x17rE8P\x90")
_TAR: Final = (257, b"ustar")


def find_packing(stream: BinaryIO) -> Packing | None:
    """How the feed is packed, None where it is not; BrokenFeed where it is otherwise."""
    stream.seek(0)
    head = stream.read(512)
    stream.seek(0)
    for magic, name in _READ:
        if head.startswith(magic):
            return name
    if head.startswith(_OLD_WORKBOOK):
        raise BrokenFeed(packing.WORKBOOK.at())
    if other := _find_other(head):
        raise BrokenFeed(packing.OTHER_PACKING.at(packing=other))
    return None


def find_nested(stream: BinaryIO) -> str | None:
    """What a file that came out of a packed feed is, where that is packed itself."""
    stream.seek(0)
    head = stream.read(512)
    stream.seek(0)
    read = (name for magic, name in _READ if head.startswith(magic))
    return next(read, None) or _find_other(head)


def unpack(stream: BinaryIO, how: Packing, *, limits: Limits) -> Iterator[Member | Finding]:
    """The files of a packed feed, each to be read before the next is asked for, and what is wrong
    with the whole, in its place. BrokenFeed where not even its files can be told."""
    return read_gzip(stream, limits) if how == "gzip" else read_zip(stream, limits)


def _find_other(head: bytes) -> str | None:
    place, magic = _TAR
    if head[place : place + len(magic)] == magic:
        return "tar"
    for magic, name in _OTHERS:
        if head.startswith(magic) and (name != "bzip2" or head[4:10] in _BZIP2_BLOCKS):
            return name
    return None
