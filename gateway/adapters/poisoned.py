"""A record over which the reader itself fails, by a fault of ours: it must not cost its
neighbours."""

from hashlib import sha256
from typing import Final

from gateway.adapters.broken import BrokenFeed
from schemas.fault import find_fault, is_of_a_record
from schemas.record import SourceRecord

# Of a record whose own bytes are not at hand.
UNKNOWN_HASH: Final = sha256(b"").digest()


def keep_poisoned(
    error: Exception, number: int, locator: str, raw: bytes = b"", local_id: str | None = None
) -> SourceRecord:
    """The record without content, to be quarantined. Raises the error again where it is a signal
    about the feed, or not the record's."""
    if isinstance(error, BrokenFeed) or not is_of_a_record(error):
        raise error
    raw_hash = sha256(raw).digest()
    return SourceRecord(number, locator, None, raw_hash, (), local_id, find_fault(error))
