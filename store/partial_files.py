"""Partial files: the bytes of an upload that came so far, each acknowledged only once it is on the
disk.

An upload has two files: its bytes, and the offsets that they were safe up to, a line each. The
last whole line counts; bytes behind it were never acknowledged and are written over. Whoever writes
holds a lock on the offsets, for one block and never while waiting for a sender: of two that write
at the same offset one comes first, and the other is told where the upload stands.
"""

import fcntl
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from schemas.errors import UnavailableError, UnknownError, WrongUseError
from store.disk import failures_told, sync_folder, write_all

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LINE = re.compile(rb"[0-9]{19}\n")
_LINE_BYTES = 20
_BYTES, _OFFSETS = ".part", ".offsets"
_FAILED = "the upload could not be stored"
_WAIT_STEP = 0.05


class OffsetError(WrongUseError):
    """The bytes were not meant for where the upload stands: ``offset``."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the upload stands at {offset}")
        self.offset = offset


class TooLongError(WrongUseError):
    """More bytes than the upload was said to have, or may have."""


class BusyError(WrongUseError):
    """Somebody else is writing to this upload, or receiving it."""


class PartialFiles:
    """A folder of partial files. An id that is none of ours (32 of 0-9, a-f) is unknown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, id: str) -> None:  # noqa: A002
        """An empty one; on return it is on the disk."""
        with failures_told(_FAILED):
            self._folder.mkdir(parents=True, exist_ok=True)
            for ending in (_BYTES, _OFFSETS):
                os.close(os.open(self._path(id, ending), os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(self._folder)

    def find_offset(self, id: str) -> int:  # noqa: A002
        """How many of its bytes are safe. UnknownError where there is no such file."""
        with failures_told(_FAILED), self._open_offsets(id) as descriptor:
            offset = _read_last(descriptor)[0]
            # Whoever wrote the line may not have got as far as this.
            os.fsync(descriptor)
        return offset

    def append(
        self,
        id: str,  # noqa: A002
        offset: int,
        blocks: Iterable[bytes],
        *,
        length: int,
    ) -> int:
        """Add bytes at ``offset``, all or none of them; where the upload stands then, with
        everything before it on the disk. OffsetError where it stands elsewhere, TooLongError where
        it would be longer than ``length``, BusyError where somebody else writes, UnknownError
        where it is gone."""
        with self.lock(id) as lines, failures_told(_FAILED):
            stands, number = _read_last(lines)
            if stands != offset:
                raise OffsetError(stands)
            with self._path(id, _BYTES).open("r+b", buffering=0) as target:
                target.seek(offset)
                for block in blocks:
                    if offset + len(block) > length:
                        raise TooLongError(f"the upload was said to have {length} bytes")
                    offset += write_all(target.fileno(), block)
                os.fsync(target.fileno())
            if offset != stands:
                # Behind the last line that counts, over what a kill may have left of another.
                os.pwrite(lines, b"%019d\n" % offset, number * _LINE_BYTES)
                os.fsync(lines)
        return offset

    @contextmanager
    def lock(self, id: str, *, seconds: float = 0) -> Iterator[int]:  # noqa: A002
        """Nobody else writes meanwhile, in any process. BusyError where somebody still does after
        ``seconds``."""
        with self._open_offsets(id) as descriptor:
            with failures_told(_FAILED):
                _acquire(descriptor, seconds)
            # Whoever held it before may have removed the upload.
            if not os.fstat(descriptor).st_nlink:
                raise UnknownError("no such upload")
            yield descriptor

    def get_path(self, id: str, length: int) -> Path:  # noqa: A002
        """Where the bytes are, once all came: call it with the lock held."""
        path = self._path(id, _BYTES)
        with failures_told(_FAILED):
            if path.stat().st_size != length or self.find_offset(id) != length:
                raise WrongUseError("the upload is not whole")
        return path

    def remove(self, id: str) -> None:  # noqa: A002
        """Call it with the lock held. One that is gone is left so."""
        with failures_told(_FAILED):
            # The offsets last: while they are there, so is the lock.
            for ending in (_BYTES, _OFFSETS):
                self._path(id, ending).unlink(missing_ok=True)

    @contextmanager
    def open_spool(self) -> Iterator[BinaryIO]:
        """A file without a name for bytes that are not to be kept yet; a kill leaves nothing."""
        with failures_told(_FAILED):
            self._folder.mkdir(parents=True, exist_ok=True)
            spool = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115
        with spool:
            yield spool

    @contextmanager
    def _open_offsets(self, id: str) -> Iterator[int]:  # noqa: A002
        path = self._path(id, _OFFSETS)
        try:
            with failures_told(_FAILED):
                descriptor = os.open(path, os.O_RDWR)
        except UnavailableError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise UnknownError("no such upload") from None
            raise
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _path(self, id: str, ending: str) -> Path:  # noqa: A002
        if not _ID.fullmatch(id):
            raise UnknownError("no such upload")
        return self._folder / f"{id}{ending}"


def _acquire(descriptor: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise BusyError("somebody else is writing to this upload") from None
            time.sleep(_WAIT_STEP)
        else:
            return


def _read_last(lines: int) -> tuple[int, int]:
    """The offset on the last whole line, and the number of the line to write next."""
    number = os.fstat(lines).st_size // _LINE_BYTES
    while number:
        line = os.pread(lines, _LINE_BYTES, (number - 1) * _LINE_BYTES)
        if _LINE.fullmatch(line):
            return int(line), number
        number -= 1
    return 0, 0
