"""The bytes of an XML file as a parser may have them: what no XML may hold costs its record only.

A control character, a reference to one (``&#x1;``) or a byte outside the encoding ends any XML
parser. Each byte of such is replaced by DEL, which XML allows and nobody sends: places in the file
stay what they are, and the reader refuses the records in which it finds the mark.
"""

import codecs
import re
from typing import BinaryIO, Final

from schemas.catalogue import reading
from schemas.finding import Finding

MARK: Final = "\x7f"
_MARK: Final = MARK.encode()
_HEAD: Final = 1024
_DECLARED: Final = re.compile(rb"""^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CONTROLS: Final = tuple(byte for byte in range(32) if byte not in b"\t\n\r")
_WITHOUT_CONTROLS: Final = bytes(ord(MARK) if byte in _CONTROLS else byte for byte in range(256))
_REFERENCES: Final = re.compile(
    rb"&#(?:x0*(?:[0-8bcef]|1[0-9a-f]|d[89a-f][0-9a-f]{2}|fff[ef])"
    rb"|0*(?:[0-8]|1[124-9]|2[0-9]|3[01]));",
    re.IGNORECASE,
)
_MAX_REFERENCE: Final = 24
_NO_CHARACTERS: Final = ("\ufffe".encode(), "\uffff".encode())
# Bytes that are not UTF-8, as they travel; and the two characters that are none.
_NO_TEXT: Final = re.compile("[\udc80-\udcff\ufffe\uffff]")
# Encodings of one byte a character, ASCII in their first half.
_NARROW: Final = re.compile(r"us-ascii|ascii|iso-?8859-\d+|latin-?1|(windows-|cp)125\d")


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return not any(one in data for one in _NO_CHARACTERS)


def _mark_as_long(found: re.Match[str]) -> str:
    """As many marks as there were bytes: 1 of what was no UTF-8, 3 of U+FFFE and U+FFFF."""
    return MARK * len(found[0].encode("utf-8", "surrogateescape"))


class XmlBytes:
    """Reads a stream from its start on, whoever else reads it too. ``is_repaired`` once a byte
    was replaced."""

    def __init__(self, stream: BinaryIO, encoding: "XmlEncoding") -> None:
        self._stream = stream
        self._encoding = encoding
        self._place = 0
        self._rest = b""
        self.is_repaired = False

    def seek(self, place: int) -> None:
        self._place, self._rest = place, b""

    def read(self, size: int) -> bytes:
        """About ``size`` bytes; none at the end."""
        while True:
            if self._stream.tell() != self._place:
                self._stream.seek(self._place)
            chunk = self._stream.read(size)
            self._place += len(chunk)
            data = self._rest + chunk
            self._rest = b""
            if not self._encoding.is_narrow:
                return data
            given = self._repair(data, is_last=not chunk)
            if given or not chunk:
                return given

    def _repair(self, data: bytes, *, is_last: bool) -> bytes:
        if not is_last:
            data = self._hold_back(data)
        # To look for one byte after the other is the fastest way there is (32 kB: 8 µs).
        is_clean = not any(byte in data for byte in _CONTROLS)
        good = data if is_clean else data.translate(_WITHOUT_CONTROLS)
        if b"&" in good and b"&#" in good:
            good = _REFERENCES.sub(lambda found: _MARK * len(found[0]), good)
        if self._encoding.is_utf_8 and not good.isascii() and not _is_text(good):
            text = good.decode("utf-8", "surrogateescape")
            good = _NO_TEXT.sub(_mark_as_long, text).encode()
        self.is_repaired = self.is_repaired or good != data
        return good

    def _hold_back(self, data: bytes) -> bytes:
        """Without the beginning of a character or of a reference at its end, which are kept."""
        cut = len(data)
        at = data.rfind(b"&", max(0, cut - _MAX_REFERENCE))
        if at >= 0 and b";" not in data[at:]:
            cut = at
        elif self._encoding.is_utf_8:
            for back, byte in enumerate(data[-1:-4:-1], start=1):
                if byte >= 0xC0:
                    cut -= back
                    break
                if byte < 0x80:
                    break
        self._rest = data[cut:]
        return data[:cut]


def _find_wide(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, b"<\0")):
        return "utf-16-le"
    return "utf-16-be" if head.startswith((codecs.BOM_UTF16_BE, b"\0<")) else None


class XmlEncoding:
    """What a file is in, by the form of its first bytes before their words. ``instead`` is what a
    parser is to believe in place of a false declaration, ``finding`` tells of it. ``is_narrow``:
    ASCII is ASCII in it, so bytes can be replaced. ``wide``: which UTF-16 it is, if any."""

    def __init__(self, stream: BinaryIO) -> None:
        stream.seek(0)
        head = stream.read(_HEAD)
        stream.seek(0)
        self.said = "utf-8"
        self.instead: str | None = None
        self.finding: Finding | None = None
        self.is_utf_8 = self.is_narrow = False
        self.wide = _find_wide(head)
        if self.wide or b"\0" in head[:4]:
            return
        declared = _DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
        self.said = said = declared[1].decode().lower() if declared else "utf-8"
        if said.startswith(("utf-16", "utf-32")):
            # A program that wrote text "in UTF-16" and saved it in UTF-8 leaves this behind.
            self.said = self.instead = "utf-8"
            self.finding = reading.XML_FALSE_DECLARATION.at(said=said.upper(), encoding="UTF-8")
        self.is_utf_8 = bool(self.instead) or said in ("utf-8", "utf8")
        self.is_narrow = self.is_utf_8 or bool(_NARROW.fullmatch(said))
