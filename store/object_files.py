"""Raw files in an object store (S3, and what speaks like it), which gateways on several machines
share: the same bytes under the same names as in a folder (``store.raw_files``)."""

import hashlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import fsspec
from botocore.exceptions import BotoCoreError, ClientError

from schemas.batch import Part
from schemas.errors import UnavailableError, WrongUseError
from store.raw_files import (
    BLOCK,
    DamagedError,
    RawFile,
    Readable,
    check_bytes,
    hash_range,
    place_of,
)

# Fetched at a time where a feed is read from its start to its end.
_FETCHED: Final = 8 << 20


class ObjectFiles:
    """``url``: a bucket and a folder in it, ``s3://bucket/raw``. Who we are, and where the store
    is, say the variables that every client of S3 reads (``AWS_…``). Objects are put whole, so that
    none is ever there in part; the same bytes again are put again, which mends a damaged one."""

    def __init__(self, url: str) -> None:
        protocol, _, place = url.partition("://")
        if protocol != "s3" or not place.strip("/"):
            raise WrongUseError("LRMS_RAW_URL cannot be read; accepted: s3://bucket/folder")
        # Listings are not kept: another machine may have put, or removed, what we ask for.
        self._files: Any = fsspec.filesystem(protocol, use_listings_cache=False)
        self._root = place.strip("/")

    def write(self, stream: Readable) -> RawFile:
        """Its name is known only when all of it has come: until then it is a temporary file."""
        with _failures_told("the raw file could not be stored"):
            with tempfile.NamedTemporaryFile() as spool:
                digest, size = hashlib.sha256(), 0
                while block := stream.read(BLOCK):
                    digest.update(block)
                    size += len(block)
                    spool.write(block)
                spool.flush()
                kept = RawFile(digest.hexdigest(), size)
                self._files.put_file(spool.name, self._path(kept.sha256))
            return kept

    def adopt(self, path: Path) -> RawFile:
        with _failures_told("the raw file could not be stored"):
            with path.open("rb") as stream:
                kept = RawFile(hash_range(stream), stream.tell())
            self._files.put_file(str(path), self._path(kept.sha256))
            return kept

    def open(self, sha256: str) -> BinaryIO:
        try:
            with _failures_told("a raw file cannot be opened"):
                found = self._files.open(self._path(sha256), "rb", block_size=_FETCHED)
        except FileNotFoundError:
            raise DamagedError(f"raw file {sha256} is gone: receive the same file again") from None
        return cast("BinaryIO", io.BufferedReader(_Told(found), BLOCK))

    @contextmanager
    def open_verified(self, sha256: str, part: Part | None = None) -> Iterator[BinaryIO]:
        with self.open(sha256) as stream:
            check_bytes(stream, sha256, part)
            yield stream

    def holds_any(self) -> bool:
        with _failures_told("raw files cannot be looked for"):
            return bool(self._files.exists(self._root) and self._files.find(self._root, maxdepth=3))

    def holds(self, sha256: str) -> bool:
        with _failures_told("a raw file cannot be looked for"):
            return bool(self._files.exists(self._path(sha256)))

    def remove(self, sha256: str) -> None:
        with _failures_told("a raw file cannot be removed"):
            if self._files.exists(self._path(sha256)):
                self._files.rm_file(self._path(sha256))

    def _path(self, sha256: str) -> str:
        return f"{self._root}/{place_of(sha256).as_posix()}"


class _Told(io.RawIOBase):
    """An object's bytes; where they stop coming it is an error of ours that may pass."""

    def __init__(self, found: Any) -> None:
        self._found = found

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        with _failures_told("a raw file could not be read"):
            return int(self._found.readinto(buffer))

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._found.seek(offset, whence))

    def tell(self) -> int:
        return int(self._found.tell())

    def close(self) -> None:
        self._found.close()
        super().close()


@contextmanager
def _failures_told(what: str) -> Iterator[None]:
    """What the object store, or the way to it, says: by its kind, never by its text, which names
    addresses and accounts. That an object is not there is for the caller."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, BotoCoreError, ClientError) as error:
        raise UnavailableError(f"{what}: {type(error).__name__}") from None
