"""Feeds to measure on: made once, by all cores, and kept outside the repository.

A feed is made of chunks, each with a seed of its own, so that several processes make it and the
first events of a long feed are those of a shorter one.
"""

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from gateway.generator import write_feed
from tests.benchmarks.measuring import SEED

_CHUNK = 20_000


class Feed(NamedTuple):
    """The generator's format, that of the source, and how a chunk's first record begins and its
    last one ends, where something stands around them."""

    generated: str
    source: str
    first: bytes = b""
    behind: bytes = b""


FEEDS = {
    "fhir": Feed("fhir-5", "fhir"),
    "fhir-xml": Feed("fhir-xml-5", "fhir", b"<entry>", b"</Bundle>"),
    "xml": Feed("xml", "xml", b"<incident ", b"</incidents>"),
    "csv": Feed("csv", "csv", b"\n"),
}


def find_cache() -> Path:
    given = os.environ.get("LRMS_BENCH_FEEDS")
    folder = Path(given) if given else Path(tempfile.gettempdir()) / "lrms-bench-feeds"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_feed(name: str, events: int, *, seed: int = SEED) -> Path:
    """The same bytes for the same words; made now, or found."""
    path = find_cache() / f"{FEEDS[name].generated}-{events}-{seed}.feed"
    if path.exists():
        return path
    # Whole, or not there: whoever is stopped half-way leaves nothing that could be taken for it.
    half = path.with_suffix(f".{os.getpid()}")
    try:
        with half.open("wb") as stream:
            stream.writelines(_make_all(name, events, seed))
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    return path


def _make_all(name: str, events: int, seed: int) -> Iterator[bytes]:
    numbers = range(0, events, _CHUNK)
    jobs = [(name, min(_CHUNK, events - number), seed + number // _CHUNK) for number in numbers]
    chunks = (
        map(_make_chunk, jobs)
        if len(jobs) == 1
        else ProcessPoolExecutor(mp_context=get_context("spawn")).map(_make_chunk, jobs)
    )
    for place, chunk in enumerate(chunks):
        yield _cut(FEEDS[name], chunk, is_first=place == 0, is_last=place == len(jobs) - 1)


def _make_chunk(job: tuple[str, int, int]) -> bytes:
    name, events, seed = job
    stream = BytesIO()
    write_feed(stream, events=events, format=FEEDS[name].generated, seed=seed)
    return stream.getvalue()


def _cut(feed: Feed, chunk: bytes, *, is_first: bool, is_last: bool) -> bytes:
    """Without what stands before the first record, or behind the last, of all but the outermost."""
    start = 0
    if not is_first and feed.first:
        at = chunk.index(feed.first)
        # Of a CSV, behind the line of its header.
        start = at if feed.first.strip() else at + 1
    end = len(chunk) if is_last or not feed.behind else chunk.rindex(feed.behind)
    return chunk[start:end]
