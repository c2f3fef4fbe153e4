"""Check a feed: everything that ingesting it would say, and nothing stored."""

import io
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec

from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_feed_terms, make_mapper
from gateway.pipeline.judge import Judge, judge_all, make_submission
from gateway.pipeline.plan import say_how_read
from gateway.pipeline.read import FeedReading
from gateway.pipeline.survey import find_hold_terms
from gateway.pipeline.unpack import open_contents
from gateway.pipeline.verdict import find_emptiness
from gateway.receipts.build import make_receipt, word_finding
from gateway.sandbox.rejecting import reject_as_asked
from schemas.batch import Batch
from schemas.identifiers import make_batch_id, make_event_id, make_identity, make_reference
from schemas.judged import JudgedRecord
from schemas.receipt import Counts, Receipt, ReceiptRecord
from schemas.statuses import Disposition
from schemas.submission import Source
from store.arrival import settle
from store.raw_files import RawFiles, hash_range

_LOOK_UP = 500


def check_feed(gateway: Gateway, source_id: str, stream: BinaryIO, *, filename: str) -> Receipt:
    """The receipt that ingesting these bytes now would give. ``stream`` must be seekable."""
    with gateway.store.read() as work:
        source = work.sources.get(source_id)
    return _check(gateway, source, _make_batch(gateway, source, stream, filename), stream)


def check_batch(gateway: Gateway, batch: Batch) -> Receipt:
    """The same for the bytes of a batch that was received: what loading it now would give."""
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
    with gateway.raw.open_verified(batch.sha256) as stream:
        return _check(gateway, source, batch, stream)


def _check(gateway: Gateway, source: Source, batch: Batch, stream: BinaryIO) -> Receipt:
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    with TemporaryDirectory(prefix="lrms-check-") as folder:
        feed = open_contents(terms, stream, RawFiles(Path(folder)))
        if not feed.contents:
            findings = [*feed.findings, *find_emptiness(Counts(), feed.findings)]
            return make_receipt(batch, Counts(), findings)
        reading = FeedReading(feed, mapped_only=True)
        records = _settle_all(gateway, source, batch, reading)
        hold_terms = find_hold_terms(source, feed, reading.findings)
    counts = _count(records)
    findings = [*feed.findings, *reading.findings]
    told = say_how_read(source, batch, feed)
    reasons = hold_terms.find_reasons(counts.records, counts.rejected, findings)
    if reasons is not None:
        told = msgspec.structs.replace(told, state="held")
        return make_receipt(told, counts, [*findings, *reasons], records)
    return make_receipt(told, counts, [*findings, *find_emptiness(counts, findings)], records)


def _settle_all(
    gateway: Gateway, source: Source, batch: Batch, reading: FeedReading
) -> list[ReceiptRecord]:
    with gateway.store.read() as work:
        register = work.organisations.get_register()
    mapper = make_mapper(source, reading.terms)
    mapper = reject_as_asked(mapper, source, in_sandbox=gateway.settings.sandbox)
    judge = Judge(mapper, make_submission(source, batch.received_at, register))
    settling = _Settling(gateway, source)
    records: list[ReceiptRecord] = []
    chunk: list[JudgedRecord] = []
    for judged in judge_all(judge, reading):
        chunk.append(judged)
        if len(chunk) == _LOOK_UP:
            records += settling.settle(chunk)
            chunk = []
    return records + settling.settle(chunk)


def _make_batch(gateway: Gateway, source: Source, stream: BinaryIO, filename: str) -> Batch:
    sha256 = hash_range(stream)
    return Batch(
        id=make_batch_id(source.id, sha256),
        number=0,
        source_id=source.id,
        sha256=sha256,
        size=stream.seek(0, io.SEEK_END),
        filename=filename,
        route="file",
        received_at=gateway.now(),
    )


class _Settling:
    """Says what would become of each record, beside what is stored and what came before it."""

    def __init__(self, gateway: Gateway, source: Source) -> None:
        self._gateway = gateway
        self._source = source
        self._seen: dict[int, tuple[int, bytes]] = {}

    def settle(self, chunk: list[JudgedRecord]) -> list[ReceiptRecord]:
        ids = [self._event_id(record) for record in chunk]
        unknown = [one for one in ids if one is not None and one not in self._seen]
        with self._gateway.store.read() as work:
            self._seen |= work.events.find_current(unknown)
        return [
            self._settle_one(record, event_id) for record, event_id in zip(chunk, ids, strict=True)
        ]

    def _event_id(self, record: JudgedRecord) -> int | None:
        if record.acceptance is None:
            return None
        identity = make_identity(record.local_id, record.acceptance.content_hash)
        return make_event_id(self._source.id, identity)

    def _settle_one(self, record: JudgedRecord, event_id: int | None) -> ReceiptRecord:
        disposition: Disposition = record.unloaded
        revision: int | None = None
        if event_id is not None and record.acceptance is not None:
            content = record.acceptance.content_hash
            known = self._seen.get(event_id, (0, None))
            ((disposition, revision),) = settle([content], *known)
            self._seen[event_id] = (revision, content)
        return ReceiptRecord(
            number=record.number,
            locator=record.locator,
            local_id=record.local_id,
            disposition=disposition,
            reference=None if event_id is None else make_reference(event_id),
            revision=revision,
            findings=[word_finding(finding) for finding in record.findings],
        )


def _count(records: list[ReceiptRecord]) -> Counts:
    counted: Counter[str] = Counter(record.disposition for record in records)
    return Counts(records=len(records), **counted)
