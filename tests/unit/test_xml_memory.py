"""XML is read in flat memory, however long the feed."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import Any

from gateway.adapters.limits import Limits
from gateway.adapters.xml_records import read_xml
from gateway.adapters.xml_stream import XmlFeed
from tests.lib.xml_feeds import LRMS, NAMESPACE, PART


class _Endless(io.RawIOBase):
    """A feed of so many records that is never in memory as a whole."""

    def __init__(self, records: int) -> None:
        self._pieces = self._make(records)
        self._rest = b""
        self._place = 0

    @staticmethod
    def _make(records: int) -> Iterator[bytes]:
        yield f'<incidents xmlns="{NAMESPACE}">'.encode()
        for number in range(records):
            yield f"<incident id='{number}'><narrative>{'x' * 500}</narrative></incident>".encode()
        yield b"</incidents>"

    def seek(self, offset: int, whence: int = 0) -> int:
        assert offset == 0
        self._pieces, self._rest, self._place = self._make(20_000), b"", 0
        return offset

    def tell(self) -> int:
        return self._place

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        self._place += len(taken)
        return taken


def test_memory_stays_flat() -> None:
    stream: Any = _Endless(20_000)  # 11 MB of XML
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_xml(stream, PART, LRMS, limits=Limits(record_bytes=50_000)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


def test_elements_before_a_record_are_freed_on_every_level() -> None:
    xml = b"<a>" + b"<w><n/><n/><r/></w>" * 50 + b"</a>"
    left = [
        len(element.getroottree().getroot().xpath("//*"))
        for element in XmlFeed(io.BytesIO(xml), ("a", "w", "r"), limits=Limits(record_bytes=10_000))
    ]
    # The parser builds a chunk ahead, so there is less each time; what lies behind is gone but for
    # the ward before with its emptied record.
    assert left == sorted(left, reverse=True)
    assert left[-1] == len(["a", "w", "r", "w", "n", "n", "r"])
