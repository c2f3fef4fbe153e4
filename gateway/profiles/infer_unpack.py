"""A packed feed, opened for a draft: of a zip its first file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.packing import Packing, find_packing, unpack
from schemas.catalogue import word_message
from schemas.errors import WrongUseError
from schemas.finding import Finding
from schemas.values import plain
from store.raw_files import RawFiles


@contextmanager
def open_unpacked(stream: BinaryIO, limits: Limits) -> Iterator[tuple[BinaryIO, list[str]]]:
    """The bytes to look at, and what is to be said of how they came; WrongUseError where nothing
    comes out."""
    try:
        packed = find_packing(stream)
    except BrokenFeed as error:
        raise WrongUseError(word_message(error.finding)) from None
    if packed is None:
        yield stream, []
        return
    with TemporaryDirectory() as folder:
        kept = RawFiles(Path(folder))
        sha256, said = _unpack_first(stream, packed, kept, limits)
        with kept.open(sha256) as content:
            yield content, said


def _unpack_first(
    stream: BinaryIO, packed: Packing, kept: RawFiles, limits: Limits
) -> tuple[str, list[str]]:
    problem = "there is no file in it"
    try:
        for found in unpack(stream, packed, limits=limits):
            if not isinstance(found, Finding):
                name = f", '{plain(found.name)}'" if found.name else ""
                said = [f"the first file of a zip{name}" if packed == "zip" else "packed as gzip"]
                return kept.write(found).sha256, said
            problem = word_message(found)
    except BrokenFeed as error:
        problem = word_message(error.finding)
    raise WrongUseError(f"the {packed} cannot be unpacked: {problem}")
