"""Which encoding a CSV file is in: its byte order mark, else one pass over its bytes.

No mark: UTF-8 where all of it is; Windows-1252 where what is not ASCII is mostly not UTF-8; UTF-8
where it mostly is, so that one bad byte in a gigabyte costs its own row and nothing else. (Text in
Windows-1252 is almost never valid UTF-8: that takes pairs such as ``Ã©`` and no lone ``é``.) The
same where the mark says UTF-8: some exports write it before anything.
"""

import codecs
import re
from typing import BinaryIO, Final

from schemas.catalogue import reading
from schemas.finding import Finding

_CHUNK: Final = 1 << 20
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BAD: Final = re.compile("[\udc80-\udcff]")
_GOOD: Final = re.compile("[^\x00-\x7f\udc80-\udcff]")


def find_encoding(stream: BinaryIO) -> str:
    """The Python name of the encoding; the stream is left at its start."""
    stream.seek(0)
    head = stream.read(_CHUNK)
    stream.seek(0)
    is_marked = head.startswith(codecs.BOM_UTF8)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if not is_marked and (unmarked := _find_unmarked_utf_16(head)):
        return unmarked
    stream.seek(len(codecs.BOM_UTF8) if is_marked else 0)
    bad, good = _count_utf_8(stream)
    stream.seek(0)
    if bad > good:
        return "cp1252"
    return "utf-8-sig" if is_marked else "utf-8"


def skip_false_mark(stream: BinaryIO, encoding: str) -> Finding | None:
    """At the start of the stream: steps over a mark of UTF-8 where the text is not UTF-8, and tells
    so."""
    if encoding == "cp1252" and stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8:
        return reading.FALSE_MARK.at(encoding="Windows-1252")
    stream.seek(0)
    return None


def _find_unmarked_utf_16(head: bytes) -> str | None:
    """ASCII text in UTF-16 has a zero as every second byte; a header is ASCII, near enough."""
    start = head[:64]
    zeros = start[1::2].count(0), start[::2].count(0)
    half = len(start) // 2
    if half >= 4 and zeros[0] >= half * 0.9 and zeros[1] == 0:
        return "utf-16-le"
    if half >= 4 and zeros[1] >= half * 0.9 and zeros[0] == 0:
        return "utf-16-be"
    return None


def _count_utf_8(stream: BinaryIO) -> tuple[int, int]:
    """Bytes that are not UTF-8, and characters beyond ASCII that are."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    bad = good = 0
    while chunk := stream.read(_CHUNK):
        text = decoder.decode(chunk)
        if not text.isascii():
            bad += len(_BAD.findall(text))
            good += len(_GOOD.findall(text))
    tail = decoder.decode(b"", final=True)
    return bad + len(tail), good
