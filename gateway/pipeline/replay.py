"""Replay records that were not loaded: read again, judged anew, and loaded in their own place in
the order of arrival, so that an older content never overwrites a newer one (docs/adr/0017)."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.foresee import Foreseen, Foresight
from gateway.pipeline.quarantine import is_refused, log_fault, quarantine
from gateway.pipeline.read_again import ReadAgain, judge_again
from gateway.pipeline.verdict import decide_verdict
from gateway.receipts.build import word_finding
from schemas.batch import Batch
from schemas.fault import find_fault
from schemas.finding import Finding
from schemas.judged import JudgedRecord
from schemas.quarantine import UnloadedFilter, UnloadedRecord
from schemas.receipt import ReceiptFinding
from schemas.statuses import Disposition
from schemas.stored import ReceiptLine

log = logging.getLogger(__name__)

MOST: Final = 1_000
_PAGE: Final = 1_000
_CHUNK: Final = 200
_LOADING: Final = "its batch is still being loaded"
_MEANWHILE: Final = "it was replayed or corrected meanwhile"


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record, or would. ``after`` None: it could not be tried; ``why`` says
    why. ``is_changed``: its receipt line is another than before."""

    batch_id: str
    number: int
    locator: str
    local_id: str | None
    before: Disposition
    after: Disposition | None
    reference: str | None = None
    revision: int | None = None
    is_changed: bool = False
    why: str = ""
    findings: list[ReceiptFinding] = []


class Pace:
    """At most so many records a minute; 0: as fast as may be."""

    def __init__(
        self,
        per_minute: int,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_minute = per_minute
        self._monotonic = monotonic
        self._sleep = sleep
        self._begun = monotonic()
        self._done = 0

    @property
    def at_once(self) -> int:
        """How many are one transaction: some ten seconds' worth."""
        return min(_CHUNK, max(1, self._per_minute // 6)) if self._per_minute else _CHUNK

    def wait(self, done: int) -> None:
        """So many more are done."""
        self._done += done
        if self._per_minute:
            due = self._begun + 60 * self._done / self._per_minute
            self._sleep(max(0.0, due - self._monotonic()))


def replay_records(
    gateway: Gateway,
    wanted: UnloadedFilter,
    *,
    for_real: bool = False,
    most: int = MOST,
    pace: Pace | None = None,
) -> Iterator[Replayed]:
    """What becomes of the open records that are wanted, in order of arrival, at most ``most``;
    without ``for_real``, what would. Used up, it is done; left half-way, what was given is done.

    A record is replayed once: loaded, it is open no more. What was announced is not announced
    again: alerts are keyed by event, organisation and kind.
    """
    replaying = _Replaying(gateway, pace or Pace(0, gateway.monotonic), for_real=for_real)
    asked = msgspec.structs.replace(wanted, settlement="open", feeds_only=True)
    left = most
    while left > 0:
        with gateway.store.read() as work:
            found = work.unloaded.find(asked, min(left, _PAGE), oldest_first=True)
        if not found:
            return
        for _, records in groupby(found, key=lambda one: one.batch.number):
            yield from replaying.replay(list(records))
        left -= len(found)
        last = found[-1]
        asked = msgspec.structs.replace(asked, after=(last.batch.id, last.line.number))


class _Replaying:
    def __init__(self, gateway: Gateway, pace: Pace, *, for_real: bool) -> None:
        self._gateway = gateway
        self._pace = pace
        self._foresight = None if for_real else Foresight(gateway)
        self._logged: set[str] = set()

    def replay(self, records: Sequence[UnloadedRecord]) -> Iterator[Replayed]:
        """Records of one batch."""
        batch = records[0].batch
        if batch.state != "finished":
            yield from (_tell(one, None, why=_LOADING) for one in records)
            return
        again = judge_again(self._gateway, batch, records)
        if self._foresight is not None:
            foreseen = self._foresight.foresee(batch, again.judged)
            yield from (_foretell(one, again, foreseen) for one in records)
            return
        for start in range(0, len(records), self._pace.at_once):
            some = records[start : start + self._pace.at_once]
            yield from self._load(batch, again, some)
            self._pace.wait(len(some))

    def _load(
        self, batch: Batch, again: ReadAgain, records: Sequence[UnloadedRecord]
    ) -> list[Replayed]:
        changed = {
            judged.number: judged
            for one in records
            if (judged := again.judged.get(one.line.number)) and not _is_as_before(one, judged)
        }
        for judged in changed.values():
            log_fault(batch.id, judged, self._logged)
        lines = self._load_all(batch, again.profile, list(changed.values()))
        lost = dict.fromkeys(changed.keys() - lines.keys(), _MEANWHILE) | again.lost
        return [_retell(one, lines.get(one.line.number), lost) for one in records]

    def _load_all(
        self, batch: Batch, profile: str, judged: Sequence[JudgedRecord]
    ) -> dict[int, ReceiptLine]:
        """Together; what the store refuses, each alone."""
        if not judged:
            return {}
        try:
            return self._load_once(batch, profile, judged)
        except Exception as error:
            if not is_refused(error, judged):
                raise
            fault = find_fault(error)
        if len(judged) > 1:
            lines: dict[int, ReceiptLine] = {}
            for one in judged:
                lines |= self._load_all(batch, profile, [one])
            return lines
        kept = quarantine(judged[0], fault)
        log_fault(batch.id, kept, self._logged)
        return self._load_once(batch, profile, [kept])

    def _load_once(
        self, batch: Batch, profile: str, judged: Sequence[JudgedRecord]
    ) -> dict[int, ReceiptLine]:
        """One transaction: what was said is taken out, what becomes of the records is put there,
        with its events, alerts and audit entries, and the batch is counted anew. What is marked is
        its batch, and so is the event."""
        gateway = self._gateway
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            taken = work.replays.take(batch, [one.number for one in judged])
            open_ones = [one for one in judged if one.number in taken]
            if not open_ones:
                return {}
            work.records.load(batch, open_ones)
            work.quarantine.add(batch, open_ones)
            lines = work.replays.add(batch, taken, profile)
            work.replays.recount(batch, decide_verdict)
        log.info("batch %s: %d records replayed", batch.id, len(lines))
        return lines


def _is_as_before(record: UnloadedRecord, judged: JudgedRecord) -> bool:
    line = record.line
    return (
        judged.acceptance is None
        and judged.unloaded == line.disposition
        and judged.findings == line.findings
    )


def _foretell(record: UnloadedRecord, again: ReadAgain, foreseen: dict[int, Foreseen]) -> Replayed:
    number = record.line.number
    told = foreseen.get(number)
    if told is None:
        return _tell(record, None, why=again.lost.get(number, ""))
    judged = again.judged[number]
    return msgspec.structs.replace(
        _tell(record, told.disposition, findings=judged.findings),
        reference=told.reference,
        revision=told.revision,
        is_changed=not _is_as_before(record, judged),
    )


def _retell(record: UnloadedRecord, line: ReceiptLine | None, lost: Mapping[int, str]) -> Replayed:
    if line is None:
        why = lost.get(record.line.number, "")
        after = None if why else record.line.disposition
        return _tell(record, after, why=why, findings=record.line.findings)
    return msgspec.structs.replace(
        _tell(record, line.disposition, findings=line.findings),
        reference=line.reference,
        revision=line.revision,
        is_changed=True,
    )


def _tell(
    record: UnloadedRecord,
    after: Disposition | None,
    *,
    why: str = "",
    findings: Sequence[Finding] = (),
) -> Replayed:
    line = record.line
    return Replayed(
        batch_id=record.batch.id,
        number=line.number,
        locator=line.locator,
        local_id=line.local_id,
        before=line.disposition,
        after=after,
        why=why,
        findings=[word_finding(one) for one in findings],
    )
