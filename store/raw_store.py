"""Where raw files are kept: in a folder of this machine, or in an object store that many share."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol

from schemas.batch import Part
from store.raw_files import RawFile, RawFiles, Readable


class RawStore(Protocol):
    """The bytes of each feed as they came, write-once under their sha256. What each method
    promises stands in ``store.raw_files``."""

    def write(self, stream: Readable) -> RawFile: ...
    def adopt(self, path: Path) -> RawFile: ...
    def open(self, sha256: str) -> BinaryIO: ...
    def open_verified(
        self, sha256: str, part: Part | None = None
    ) -> AbstractContextManager[BinaryIO]: ...
    def holds_any(self) -> bool: ...
    def holds(self, sha256: str) -> bool: ...
    def remove(self, sha256: str) -> None: ...


def open_raw_store(url: str, folder: Path) -> RawStore:
    """The object store at ``url``, or the folder where there is none."""
    if not url:
        return RawFiles(folder)
    # The clients of S3 take half a second to import, and most gateways need none.
    from store.object_files import ObjectFiles  # noqa: PLC0415

    return ObjectFiles(url)
