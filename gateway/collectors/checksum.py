"""The checksum that a sender wrote beside what it sent. MESH passes it on and does not say how it
is made (API of 2026): it is told from its length."""

import base64
import binascii
import hashlib
import re
from typing import Any, Final

from store.raw_files import Readable

_BY_BYTES: Final = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2})+")
_NAMED: Final = re.compile(r"(?:md5|sha-?\d+)\s*[:=]\s*", re.IGNORECASE)


class Checksum:
    """Counts along while the bytes are read. One of a form we do not know cannot be checked, and
    fits."""

    def __init__(self, text: str | None) -> None:
        self._wanted = _parse(_NAMED.sub("", (text or "").strip(), count=1))
        # MD5 guards against accidents here, as its sender means it; not against anybody.
        self._digest: Any = (
            hashlib.new(_BY_BYTES[len(self._wanted)], usedforsecurity=False)
            if self._wanted
            else None
        )

    def update(self, block: bytes) -> None:
        if self._digest is not None:
            self._digest.update(block)

    def fits(self) -> bool:
        return self._digest is None or self._digest.digest() == self._wanted


class ChecksummedStream:
    """A stream that counts along."""

    def __init__(self, stream: Readable, checksum: Checksum) -> None:
        self._stream = stream
        self._checksum = checksum

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._checksum.update(block)
        return block


def _parse(text: str) -> bytes:
    if _HEX.fullmatch(text) and len(text) // 2 in _BY_BYTES:
        return bytes.fromhex(text)
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return found if len(found) in _BY_BYTES else b""
