"""Writing to the disk so that it stays there, and what is said where the disk fails."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.errors import UnavailableError


@contextmanager
def failures_told(what: str) -> Iterator[None]:
    """A full or failing disk as UnavailableError, with the reason by its number: the error's own
    text would name our paths."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"{what}: {word_errno(error)}") from error


def word_errno(error: OSError) -> str:
    """As ``No space left on device (errno 28)``."""
    number = error.errno or 0
    return f"{os.strerror(number) if number else type(error).__name__} (errno {number})"


def write_all(descriptor: int, block: bytes) -> int:
    """How many: all of them, which ``os.write`` does not promise."""
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(block)


def sync_folder(folder: Path) -> None:
    """The names in it are on the disk, as the bytes of a file are after its fsync."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
