"""Raw files: the bytes of each feed as they came, write-once under their sha256."""

import errno
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from schemas.batch import Part
from schemas.errors import GatewayError, UnavailableError, UnknownError
from store.disk import failures_told, sync_folder, word_errno, write_all

# Read and written at a time.
BLOCK = 1 << 20
# Python's own 8 KiB hold two events: their lines take three times as long to read (2026-11-28).
_BUFFER = 128 << 10
_READ_ONLY = 0o444
# What was not written to for so long was left by a killed process, however slow the sender.
_LEFT_SECONDS = 24 * 3600


class RawFile(msgspec.Struct, frozen=True):
    """``size`` in bytes."""

    sha256: str
    size: int


class Readable(Protocol):
    """What gives bytes: a stream, or a file as it comes out of a packed feed."""

    def read(self, size: int = -1, /) -> bytes: ...


class DamagedError(GatewayError):
    """A raw file is gone, or does not hold the bytes it was stored with. To receive the same file
    again puts it right."""


class RawFiles:
    """A folder of raw files, ``ab/cd/<sha256>`` each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, stream: Readable) -> RawFile:
        """Store what the stream holds. On return it is on the disk; a call cut short leaves
        nothing that could be taken for a raw file. The same bytes again are left as they are,
        unless what is there is damaged."""
        with failures_told("the raw file could not be stored"):
            return self._write(stream)

    def adopt(self, path: Path) -> RawFile:
        """Store a whole file that nobody writes to any more, as :meth:`write` would, but without
        copying it where it lies in the same file system: it stays where it is, read-only, and is
        the raw file too. To remove it afterwards is the caller's."""
        with failures_told("the raw file could not be stored"), path.open("rb") as stream:
            sha256 = hash_range(stream)
            size = stream.tell()
            os.fchmod(stream.fileno(), _READ_ONLY)
            os.fsync(stream.fileno())
            try:
                self._link(path, self._path(sha256))
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
                stream.seek(0)
                return self._write(stream)
        return RawFile(sha256, size)

    def _write(self, stream: Readable) -> RawFile:
        incoming = self._folder / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        _sweep(incoming)
        # Beside the final place, so that the link stays within one file system.
        with tempfile.NamedTemporaryFile(dir=incoming, buffering=0) as target:
            raw = _copy(stream, target.fileno())
            os.fchmod(target.fileno(), _READ_ONLY)
            os.fsync(target.fileno())
            self._link(Path(target.name), self._path(raw.sha256))
        return raw

    def _link(self, written: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # Unlike a rename, a link never puts itself in the place of a file that is there.
            os.link(written, path)
        except FileExistsError:
            if _hash_file(path) != path.name:
                _replace(path, written)
        # Also where it was there: whoever made it may not have got this far.
        for folder in (path.parent, path.parent.parent, self._folder):
            sync_folder(folder)

    def open(self, sha256: str) -> BinaryIO:
        """The bytes as they are now, from the start; DamagedError where there are none."""
        try:
            return self._path(sha256).open("rb", buffering=_BUFFER)
        except FileNotFoundError:
            raise DamagedError(f"raw file {sha256} is gone: receive the same file again") from None
        except OSError as error:
            raise UnavailableError(f"a raw file cannot be opened: {word_errno(error)}") from error

    @contextmanager
    def open_verified(self, sha256: str, part: Part | None = None) -> Iterator[BinaryIO]:
        """The bytes, from the start, once those of ``part`` (none: all of them) were seen to be
        the ones that were stored; DamagedError where they are not. Costs a second a gigabyte."""
        with self.open(sha256) as stream:
            check_bytes(stream, sha256, part)
            yield stream

    def holds_any(self) -> bool:
        """Some feed is kept here, whoever received it."""
        return any(path.is_file() for path in self._folder.glob("[0-9a-f][0-9a-f]/*/*"))

    def holds(self, sha256: str) -> bool:
        """It is there; whether undamaged, ``open_verified`` says."""
        return self._path(sha256).is_file()

    def remove(self, sha256: str) -> None:
        """For a sandbox that is reset, and for what was marked as pruned (``store.pruned_files``).
        One that is gone is left so."""
        with failures_told("a raw file cannot be removed"):
            self._path(sha256).unlink(missing_ok=True)

    def _path(self, sha256: str) -> Path:
        return self._folder / place_of(sha256)


def place_of(sha256: str) -> Path:
    """Where in the raw store a file is: in folders that stay small."""
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise UnknownError("not a sha256")
    return Path(sha256[:2], sha256[2:4], sha256)


def check_bytes(stream: BinaryIO, sha256: str, part: Part | None) -> None:
    """DamagedError unless the bytes of ``part`` (none: all of them) are those that were stored. The
    stream is at its start afterwards."""
    found = hash_range(stream, part.start, part.end) if part else hash_range(stream)
    if found != (part.sha256 if part else sha256):
        raise DamagedError(f"raw file {sha256} is damaged: receive the same file again")
    stream.seek(0)


def hash_range(stream: BinaryIO, start: int = 0, end: int | None = None) -> str:
    """sha256 of the bytes from ``start`` to ``end`` (exclusive; none: the last one)."""
    stream.seek(start)
    digest, left = hashlib.sha256(), sys.maxsize if end is None else end - start
    while block := stream.read(min(BLOCK, left)):
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


def _copy(stream: Readable, target: int) -> RawFile:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += write_all(target, block)
    return RawFile(digest.hexdigest(), size)


def _hash_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hash_range(stream)


def _replace(path: Path, written: Path) -> None:
    """Whoever reads the damaged file meanwhile goes on reading that."""
    beside = written.with_name(f"{written.name}-whole")
    os.link(written, beside)
    beside.replace(path)


def _sweep(incoming: Path) -> None:
    """Removes what killed processes left half-written."""
    oldest = time.time() - _LEFT_SECONDS
    for path in incoming.iterdir():
        # Another process may sweep, or finish, at the same time.
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
