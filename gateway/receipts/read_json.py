"""Reads a receipt that was written as JSON, while it comes: from another gateway, or from where a
dry run's is kept."""

from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from gateway.receipts.build import ReceiptStream
from schemas.errors import GatewayError
from schemas.receipt import Receipt, ReceiptRecord

_T = TypeVar("_T")
_RECORDS_FOLLOW: Final = b'"records":['
_head: Final = msgspec.json.Decoder(Receipt)
_record: Final = msgspec.json.Decoder(ReceiptRecord)


def read_json(pieces: Iterable[bytes]) -> ReceiptStream:
    """Its head, then a record a line, as :func:`gateway.receipts.write.write_json` writes it; one
    that is laid out otherwise is read as a whole."""
    lines = _split(pieces)
    start = next(lines, b"")
    if start.endswith(_RECORDS_FOLLOW):
        return ReceiptStream(_read(start + b"]}", _head), _read_records(lines))
    whole = _read(start + b"".join(lines), _head)
    return ReceiptStream(whole, iter(whole.records))


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
    yield rest


def _read_records(lines: Iterable[bytes]) -> Iterator[ReceiptRecord]:
    for line in lines:
        if text := line.strip().removesuffix(b"]}").rstrip(b","):
            yield _read(text, _record)


def _read(text: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError):
        raise GatewayError("the receipt is not one that this version can read") from None
