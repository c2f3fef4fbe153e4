"""Correct a record that was not loaded: another is sent in its place. The original stays as it is;
the two are linked."""

import logging
from typing import BinaryIO

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.check import check_feed
from gateway.pipeline.ingest import process_batch
from schemas.batch import Batch
from schemas.errors import UnknownError, WrongUseError
from schemas.identifiers import make_batch_id, parse_reference
from schemas.receipt import Receipt
from schemas.sent import SentRecord
from schemas.statuses import UNLOADED
from store.arrival import Position
from store.raw_files import RawFile

log = logging.getLogger(__name__)


class CorrectionRefusedError(WrongUseError):
    """What was sent cannot stand in the place of that record; nothing of it is loaded."""


def get_own_record(gateway: Gateway, source_id: str, batch_id: str, number: int) -> SentRecord:
    """UnknownError where the source has no such record."""
    with gateway.store.read() as work:
        found = work.own_records.find(source_id, batch_id, number)
    if found is None:
        raise UnknownError(f"no feed of yours has this id and a record {number}")
    return found


class Note(msgspec.Struct, frozen=True):
    """Of a correction that an operator made: why, and what differs, which is content."""

    reason: str
    diff: str


def correct_record(
    gateway: Gateway,
    source_id: str,
    batch_id: str,
    number: int,
    stream: BinaryIO,
    *,
    note: Note | None = None,
) -> Batch:
    """The finished batch of the record that was sent, whatever became of it. WrongUseError where
    the record was loaded, is corrected already, or where a newer one of its event was accepted
    since; CorrectionRefusedError where what was sent is not one record, or another. ``note``: it
    was not the source that sent it, but an operator."""
    record = get_own_record(gateway, source_id, batch_id, number)
    if record.corrects is not None:
        # A correction that was rejected too: what it was to correct is what is still to do.
        batch_id, number = record.corrects
        record = get_own_record(gateway, source_id, batch_id, number)
    name = f"correction of {batch_id} record {number}"
    raw = gateway.raw.write(stream)
    sent_id = make_batch_id(source_id, raw.sha256)
    if not any(one.batch_id == sent_id for one in record.corrections):
        _check_open(record)
        with gateway.raw.open(raw.sha256) as sent:
            receipt = check_feed(gateway, source_id, sent, filename=name)
        _check_sent(gateway, record, receipt)
        _receive(gateway, source_id, record, raw, name=name, note=note)
    log.info("batch %s record %d corrected by %s", batch_id, number, sent_id)
    return process_batch(gateway, sent_id)


def _check_open(record: SentRecord) -> None:
    where = f"record {record.line.number} of {record.batch_id}"
    if record.line.disposition not in UNLOADED:
        raise WrongUseError(f"{where} was loaded: send what has changed as a new record")
    for one in record.corrections:
        if one.disposition is None or one.is_accepted:
            raise WrongUseError(f"{where} was corrected already, by {one.batch_id}")


def _check_sent(gateway: Gateway, record: SentRecord, receipt: Receipt) -> None:
    if len(receipt.records) != 1 or any(one.severity == "error" for one in receipt.findings):
        told = "; ".join(one.message for one in receipt.findings)
        raise CorrectionRefusedError(
            f"a correction is one record, whole, in the format of the feed; found"
            f" {len(receipt.records)}{f': {told}' if told else ''}"
        )
    (sent,) = receipt.records
    if record.line.local_id is not None and sent.local_id != record.line.local_id:
        raise CorrectionRefusedError(
            "the record that was rejected has another id of yours: send the two as what they are,"
            " two records"
        )
    event_id = parse_reference(sent.reference) if sent.reference else None
    if event_id is not None:
        _check_newest(gateway, record, event_id)


def _check_newest(gateway: Gateway, record: SentRecord, event_id: int) -> None:
    with gateway.store.read() as work:
        seen = work.events.find_seen(event_id)
    if seen is not None and seen > Position(record.batch_number, record.line.number):
        raise WrongUseError(
            f"a newer record of the same event was accepted since: record {record.line.number} of"
            f" {record.batch_id} is out of date, and there is nothing to correct"
        )


def _receive(
    gateway: Gateway,
    source_id: str,
    record: SentRecord,
    raw: RawFile,
    *,
    name: str,
    note: Note | None,
) -> None:
    """Batch and link in one transaction, behind a lock: of two at once, one is received."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        _check_open(work.own_records.lock(record))
        batch, _ = work.batches.add(
            id=make_batch_id(source_id, raw.sha256),
            source_id=source_id,
            sha256=raw.sha256,
            size=raw.size,
            filename=name,
            route="file" if note else "http",
        )
        work.own_records.add_correction(record, batch)
        if note is not None:
            place = (record.batch_number, record.line.number)
            work.replays.add_edit(*place, batch, reason=note.reason, diff=note.diff)
        before = work.quiet.find(record.batch_number)
        if before is not None:
            work.quiet.add(batch, before, reason=f"it corrects a record of {record.batch_id}")
