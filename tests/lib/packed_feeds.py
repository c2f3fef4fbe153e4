"""Builders of packed feeds, sound and hostile."""

import gzip
import io
import zipfile
from collections.abc import Iterable

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.limits import Limits
from gateway.adapters.packing import find_packing, unpack
from schemas.finding import Finding

_NOON = (2026, 11, 22, 12, 0, 0)


def make_gzip(*contents: bytes) -> bytes:
    """The contents as gzips one after the other."""
    return b"".join(gzip.compress(content, mtime=0) for content in contents)


def make_zip(
    files: Iterable[tuple[str, bytes]],
    *,
    method: int = zipfile.ZIP_DEFLATED,
    streamed: bool = False,
) -> bytes:
    """``streamed``: written as through a pipe, so that sizes stand behind each file."""
    stream = io.BytesIO()
    with zipfile.ZipFile(_Pipe(stream) if streamed else stream, "w", method) as packed:
        for name, content in files:
            info = zipfile.ZipInfo(name, _NOON)
            info.compress_type = method
            packed.writestr(info, content)
    return stream.getvalue()


class _Pipe(io.RawIOBase):
    """Cannot seek."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, content: "bytes | memoryview") -> int:  # type: ignore[override]
        return self._stream.write(content)


def unpack_all(
    packed: bytes, limits: Limits | None = None
) -> tuple[list[tuple[str, bytes]], list[Finding]]:
    """What comes out, by name, and everything that is found; a file over a cap is left out."""
    stream = io.BytesIO(packed)
    contents: list[tuple[str, bytes]] = []
    findings: list[Finding] = []
    try:
        how = find_packing(stream)
        assert how is not None
        for found in unpack(stream, how, limits=limits or Limits()):
            if isinstance(found, Finding):
                findings.append(found)
                continue
            pieces = []
            try:
                while piece := found.read(1 << 20):
                    pieces.append(piece)
            except BrokenFeed as refused:
                findings.append(refused.finding)
                continue
            contents.append((found.name, b"".join(pieces)))
            if found.finding:
                findings.append(found.finding)
    except BrokenFeed as broken:
        findings.append(broken.finding)
    return contents, findings
