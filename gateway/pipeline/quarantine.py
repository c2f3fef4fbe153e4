"""Records over which our own code fails: each is kept apart, and its part goes on; unless they are
too many to be the fault of single records."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from schemas.batch import Part
from schemas.catalogue import ours
from schemas.errors import FaultError, GatewayError
from schemas.fault import Fault, find_fault, is_of_a_record
from schemas.judged import JudgedRecord
from schemas.record import SourceRecord
from store.failures import RefusedError

log = logging.getLogger(__name__)

# So few may always be; beyond, at most this share of what is loaded at once.
_FEW: Final = 10
_SHARE: Final = 0.05
# Loads some records of a part in one transaction, the last ones or not; the part as it is then.
Load = Callable[[Part, Sequence[JudgedRecord], bool], Part]


def quarantine(record: SourceRecord | JudgedRecord, fault: Fault) -> JudgedRecord:
    """The record as it is kept: nothing that was found out about it until then is trusted."""
    return JudgedRecord(
        number=record.number,
        locator=record.locator,
        local_id=None,
        raw_hash=record.raw_hash,
        acceptance=None,
        findings=(ours.QUARANTINED.at(fault=fault.id),),
        fault=fault,
    )


class Quarantine:
    """Watches over one part. ``most``: how many of it may be quarantined; ``kept``: how many are
    already. The trace of a fault goes to the log once, under its id."""

    def __init__(self, batch_id: str, most: int, *, kept: int = 0) -> None:
        self._batch_id = batch_id
        self._most = most
        self._kept = kept
        self._logged: set[str] = set()
        # Of the records that are loaded at once.
        self._size = self._found = 0

    def load(
        self, part: Part, records: Sequence[JudgedRecord], load: Load, *, is_last: bool
    ) -> Part:
        """Loads them; what the store refuses is found by halves, until it stands alone and is
        quarantined. FaultError where too many are: what is not loaded then waits, so that the part
        goes on there once we are mended."""
        self._size, self._found = len(records), 0
        self._count([record for record in records if record.fault is not None])
        return self._load(part, records, load, is_last)

    def _load(self, part: Part, records: Sequence[JudgedRecord], load: Load, is_last: bool) -> Part:
        try:
            return load(part, records, is_last)
        except Exception as error:
            if not is_refused(error, records):
                raise
            fault = find_fault(error)
        if len(records) == 1:
            kept = [quarantine(records[0], fault)]
            self._count(kept)
            return load(part, kept, is_last)
        half = len(records) // 2
        part = self._load(part, records[:half], load, is_last=False)
        return self._load(part, records[half:], load, is_last=is_last)

    def _count(self, kept: Sequence[JudgedRecord]) -> None:
        for record in kept:
            log_fault(self._batch_id, record, self._logged)
        self._kept += len(kept)
        self._found += len(kept)
        if self._kept > self._most or self._found > max(_FEW, _SHARE * self._size):
            raise FaultError(
                f"a fault of the gateway in batch {self._batch_id}: it fails over"
                f" {self._found} of {self._size} records, which cannot be each one's own; what was"
                f" loaded stays, run it again once mended (lrms-gateway record fault"
                f" {next(iter(self._logged), '')})"
            )


def log_fault(batch_id: str, record: JudgedRecord, logged: set[str]) -> None:
    """Of a quarantined record; the trace of each fault once."""
    fault = record.fault
    if fault is None:
        return
    if fault.id not in logged:
        logged.add(fault.id)
        log.error("fault %s: %s\n  %s", fault.id, fault.kind, "\n  ".join(fault.trace))
    log.warning("batch %s record %d is quarantined: fault %s", batch_id, record.number, fault.id)


def is_refused(error: Exception, records: Sequence[JudgedRecord]) -> bool:
    """Whether it may be the fault of one of the records, of which more can be found out."""
    if not records or (len(records) == 1 and records[0].fault is not None):
        return False
    if isinstance(error, GatewayError):
        return isinstance(error, RefusedError)
    return is_of_a_record(error)
