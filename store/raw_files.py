"""Raw files: the bytes of each feed as they came, write-once under their sha256."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from schemas.errors import GatewayError, UnavailableError, UnknownError

_BLOCK = 1 << 20
_READ_ONLY = 0o444


class RawFile(msgspec.Struct, frozen=True):
    """``size`` in bytes."""

    sha256: str
    size: int


class DamagedError(GatewayError):
    """A raw file does not hold the bytes it was stored with."""


class RawFiles:
    """A folder of raw files, ``ab/cd/<sha256>`` each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, stream: BinaryIO) -> RawFile:
        """Store what the stream holds. On return it is on the disk; a call cut short leaves
        nothing that could be taken for a raw file. The same bytes again are left as they are."""
        try:
            return self._write(stream)
        except OSError as error:
            # A full or failing disk; the reason's number, as its text would name our paths.
            message = f"the raw file could not be stored: errno {error.errno}"
            raise UnavailableError(message) from error

    def _write(self, stream: BinaryIO) -> RawFile:
        incoming = self._folder / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        # Beside the final place, so that the link stays within one file system.
        with tempfile.NamedTemporaryFile(dir=incoming, buffering=0) as target:
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
                _write_all(target.fileno(), block)
            target.flush()
            os.fchmod(target.fileno(), _READ_ONLY)
            os.fsync(target.fileno())
            self._link(Path(target.name), self._path(digest.hexdigest()))
        return RawFile(digest.hexdigest(), size)

    def _link(self, written: Path, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            # Unlike a rename, a link never puts itself in the place of a file that is there.
            os.link(written, path)
        # Also where it was there: whoever made it may not have got this far.
        for folder in (path.parent, path.parent.parent, self._folder):
            _sync_folder(folder)

    def open(self, sha256: str) -> BinaryIO:
        """The bytes, from the start. UnknownError where there are none."""
        try:
            return self._path(sha256).open("rb")
        except FileNotFoundError:
            raise UnknownError(f"no raw file {sha256}") from None

    def verify(self, sha256: str) -> RawFile:
        """DamagedError where the bytes are no longer those that were stored."""
        digest, size = hashlib.sha256(), 0
        with self.open(sha256) as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
                size += len(block)
        if digest.hexdigest() != sha256:
            raise DamagedError(f"raw file {sha256} is damaged")
        return RawFile(sha256, size)

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise UnknownError("not a sha256")
        return self._folder / sha256[:2] / sha256[2:4] / sha256


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
