"""A record over which the reader itself fails, by a fault of ours: it must not cost its
neighbours."""

from hashlib import sha256
from typing import Final

from gateway.adapters.broken import BrokenFeed
from schemas.fault import Fault, find_fault, is_of_a_record
from schemas.record import SourceRecord

# Of a record whose own bytes are not at hand.
UNKNOWN_HASH: Final = sha256(b"").digest()


def keep_poisoned(
    error: Exception, number: int, locator: str, raw: bytes = b"", local_id: str | None = None
) -> SourceRecord:
    """The record without content, to be quarantined. Raises the error again where it is a signal
    about the feed, or not the record's."""
    fault = find_poison(error)
    return SourceRecord(number, locator, None, sha256(raw).digest(), (), local_id, fault)


def find_poison(error: Exception) -> Fault:
    """The fault of a reader over one record; raises the error again as :func:`keep_poisoned`."""
    check_poison(error)
    return find_fault(error)


def check_poison(error: Exception) -> None:
    """Raises the error again where it is not one record's."""
    if isinstance(error, BrokenFeed) or not is_of_a_record(error):
        raise error
