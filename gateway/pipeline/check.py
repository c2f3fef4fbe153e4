"""Check a feed: everything that ingesting it would say, and nothing stored."""

import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.shapes import find_shape
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_mapper, read_records
from gateway.pipeline.judge import Judge, make_submission
from gateway.pipeline.verdict import find_emptiness
from gateway.receipts.build import make_receipt, word_finding
from schemas.batch import Batch, Part
from schemas.finding import Finding
from schemas.identifiers import make_batch_id, make_event_id, make_identity, make_reference
from schemas.judged import JudgedRecord
from schemas.receipt import Counts, Receipt, ReceiptRecord
from schemas.statuses import Disposition
from schemas.submission import Source
from store.arrival import settle
from store.raw_files import hash_range

_LOOK_UP = 500


def check_feed(gateway: Gateway, source_id: str, stream: BinaryIO, *, filename: str) -> Receipt:
    """The receipt that ingesting these bytes now would give. ``stream`` must be seekable."""
    with gateway.store.read() as work:
        source = work.sources.get(source_id)
        register = work.organisations.get_register()
    batch = _make_batch(gateway, source, stream, filename)
    judge = Judge(
        make_mapper(source, gateway.profiles), make_submission(source, batch.received_at, register)
    )
    settling = _Settling(gateway, source)
    records: list[ReceiptRecord] = []
    broken: list[Finding] = []
    chunk: list[JudgedRecord] = []
    try:
        for judged in _judge_all(gateway, source, batch, stream, judge):
            chunk.append(judged)
            if len(chunk) == _LOOK_UP:
                records += settling.settle(chunk)
                chunk = []
    except BrokenFeed as stop:
        broken = [stop.finding]
    records += settling.settle(chunk)
    counts = _count(records)
    findings = [*broken, *find_emptiness(counts, broken)]
    return make_receipt(batch, counts, findings, records)


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


def _judge_all(
    gateway: Gateway, source: Source, batch: Batch, stream: BinaryIO, judge: Judge
) -> Iterator[JudgedRecord]:
    limits = gateway.settings.limits
    shape = find_shape(stream, source.format, limits=limits)
    stream.seek(0)
    part = Part(batch_number=0, number=0, start=0, end=batch.size)
    shelf = gateway.profiles
    for record in read_records(stream, shape, source, part, shelf=shelf, limits=limits):
        yield judge.judge(record)


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
        disposition: Disposition = "rejected"
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
