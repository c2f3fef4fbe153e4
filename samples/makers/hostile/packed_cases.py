"""Hostile gzip and zip."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Literal

from samples.makers.hostile.case import Case, Hostile, Must, must
from samples.makers.hostile.sound import make_csv, make_lines

ALL = must("accepted", 3, 0)
_CSV = make_csv().encode()
_PACKED = gzip.compress(_CSV, mtime=0)
Format = Literal["fhir", "csv"]


def _gzip(
    name: str, feed: bytes, why: str, outcome: Must, feed_format: Format = "csv", **limits: int
) -> Hostile:
    case = Case(why=why, format=feed_format, must=outcome, limits=limits)
    return Hostile(f"gzip-{name}", "gz", feed, case)


def _zip(
    name: str, feed: bytes, why: str, outcome: Must, feed_format: Format = "csv", **limits: int
) -> Hostile:
    case = Case(why=why, format=feed_format, must=outcome, limits=limits)
    return Hostile(f"zip-{name}", "zip", feed, case)


def _archive(*members: tuple[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            # A fixed date, so that the same maker makes the same file.
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return stream.getvalue()


def make_cases() -> Iterator[Hostile]:
    yield from _make_gzip()
    yield from _make_zip()


def _make_gzip() -> Iterator[Hostile]:
    half = len(_CSV) // 2
    two = gzip.compress(_CSV[:half], mtime=0) + gzip.compress(_CSV[half:], mtime=0)
    yield _gzip("plain", _PACKED, "a gzipped CSV", ALL)
    yield _gzip("two-members", two, "two gzip members, one file", ALL)
    rows = make_lines().encode() * 40
    packed = gzip.compress(rows, compresslevel=0, mtime=0)
    # Stored without compression, a cut leaves whole records before it.
    yield _gzip(
        "cut-off",
        packed[: len(packed) // 2],
        "a gzip that ends half-way: what came out before waits for a decision",
        must("held", 59, 0, "PACK-002"),
        "fhir",
    )
    wrong = _PACKED[:-8] + bytes([_PACKED[-8] ^ 1]) + _PACKED[-7:]
    yield _gzip(
        "wrong-checksum",
        wrong,
        "the checksum at its end is wrong",
        must("rejected", 0, 0, "PACK-011"),
    )
    yield _gzip(
        "garbage-behind",
        _PACKED + b"garbage",
        "something behind the gzip that is none",
        must("held", 3, 0, "PACK-008"),
    )
    yield _gzip(
        "bomb",
        gzip.compress(_CSV + b"\n" * 40_000_000, mtime=0),
        "40 kB that unpack to 40 MB",
        must("rejected", 0, 0, "PACK-004"),
    )
    yield _gzip(
        "too-big",
        _PACKED,
        "more bytes unpacked than allowed",
        must("rejected", 0, 0, "PACK-003"),
        max_unpacked_bytes=200,
    )
    yield _gzip(
        "in-gzip",
        gzip.compress(_PACKED, mtime=0),
        "a gzip in a gzip",
        must("rejected", 0, 0, "PACK-005"),
    )


def _make_zip() -> Iterator[Hostile]:
    second = _CSV.replace(b"H-", b"J-")
    yield _zip("one", _archive(("march.csv", _CSV)), "a zip of one file", ALL)
    yield _zip(
        "two",
        _archive(("march.csv", _CSV), ("april.csv", second)),
        "a zip of two files",
        must("accepted", 6, 0),
    )
    yield _zip(
        "outside-paths",
        _archive(("../../etc/march.csv", _CSV)),
        "a name that climbs out of the folder: names are never used as paths",
        ALL,
    )
    yield _zip(
        "one-bad-member",
        _damage(_archive(("march.csv", _CSV), ("april.csv", second))),
        "one of two files is damaged: the other is not touched by it",
        must("held", 3, 0, "PACK-011"),
    )
    yield _zip(
        "in-zip",
        _archive(("inner.zip", _archive(("march.csv", _CSV))), ("april.csv", second)),
        "a zip in a zip",
        must("held", 3, 0, "PACK-005"),
    )
    yield _zip(
        "no-files",
        _archive(("folder/", b"")),
        "a zip without a file",
        must("rejected", 0, 0, "PACK-009", "READ-090"),
    )
    yield _zip(
        "too-many-members",
        _archive(*((f"{number}.csv", _CSV) for number in range(5))),
        "more files than allowed",
        must("rejected", 0, 0, "EXP-012"),
        max_members=3,
    )


def _damage(archive: bytes) -> bytes:
    """A byte of the first member's data is another; its name and size stay."""
    start = archive.index(b"march.csv") + len(b"march.csv") + 20
    broken = bytearray(archive)
    broken[start] ^= 0xFF
    assert zlib.crc32(bytes(broken)) != zlib.crc32(archive)  # noqa: S101 - of this maker itself
    return bytes(broken)
