"""Hashes of large raw files, on cores that have nothing else to do while a feed is planned. Those
in an object store are fetched byte by byte, and hashed one after the other."""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO, Final

from schemas.batch import Part
from store.raw_files import DamagedError, check_bytes, hash_range
from store.raw_store import RawStore

_BLOCK: Final = 1 << 20
# Below that, a thread costs more than it saves.
_SMALL: Final = 8 << 20
_THREADS: Final = 4


@contextmanager
def open_checked(
    raw: RawStore, sha256: str, size: int
) -> Iterator[tuple[BinaryIO, Callable[[], None]]]:
    """The bytes of a raw file, and what is to be called before anything that is made of them is
    kept: it raises DamagedError where they are not those that were stored."""
    with raw.open(sha256) as stream:
        file = _find_file(stream) if size >= _SMALL else None
        if file is None:
            check_bytes(stream, sha256, None)
            yield stream, _do_nothing
            return
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(_hash, file, 0, size)

            def check() -> None:
                if found.result() != sha256 or os.fstat(file).st_size != size:
                    raise DamagedError(f"raw file {sha256} is damaged: receive the same file again")

            yield stream, check


def hash_parts(stream: BinaryIO, parts: Sequence[Part]) -> list[str]:
    """The sha256 of the bytes of each."""
    file = _find_file(stream) if len(parts) > 1 else None
    if file is None:
        return [hash_range(stream, part.start, part.end) for part in parts]
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(lambda part: _hash(file, part.start, part.end), parts))


def _find_file(stream: BinaryIO) -> int | None:
    """The file behind the stream, where there is one."""
    try:
        return stream.fileno()
    except OSError:
        return None


def _hash(file: int, start: int, end: int) -> str:
    """Read past the stream's own place, which is somebody else's."""
    digest = hashlib.sha256()
    while start < end and (block := os.pread(file, min(_BLOCK, end - start), start)):
        digest.update(block)
        start += len(block)
    return digest.hexdigest()


def _do_nothing() -> None:
    """All is checked already."""
