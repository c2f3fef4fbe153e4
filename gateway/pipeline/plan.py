"""Plan waiting batches: look at their bytes, cut them into parts, list the work."""

import logging
from typing import TypedDict

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.parts import cut_into_parts
from gateway.adapters.shapes import find_shape
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_mapper
from schemas.batch import Batch
from schemas.receipt import Counts

log = logging.getLogger(__name__)


class WorkItem(TypedDict):
    """Parts of one batch for one task. Ids only: it travels through XCom."""

    batch_id: str
    parts: list[int]


def plan_batch(gateway: Gateway, batch: Batch) -> list[int]:
    """The numbers of the batch's parts that are not loaded yet. A batch that cannot be read at
    all is finished here, rejected, and has none."""
    if batch.state == "received":
        _cut(gateway, batch)
    with gateway.store.read() as work:
        return [part.number for part in work.parts.find(batch.number) if part.state != "loaded"]


def plan_waiting(gateway: Gateway) -> list[WorkItem]:
    """Work for every batch that waits, in order of arrival: one item a part."""
    with gateway.store.read() as work:
        waiting = work.batches.find_waiting()
    return [
        {"batch_id": batch.id, "parts": [number]}
        for batch in waiting
        for number in plan_batch(gateway, batch)
    ]


def _cut(gateway: Gateway, batch: Batch) -> None:
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
    mapper = make_mapper(source)
    settings = gateway.settings
    try:
        with gateway.raw.open(batch.sha256) as stream:
            shape = find_shape(stream, source.format, max_record_bytes=settings.max_record_bytes)
            parts = cut_into_parts(
                stream,
                shape,
                batch_number=batch.number,
                size=batch.size,
                part_bytes=settings.part_bytes,
            )
    except BrokenFeed as broken:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            work.receipts.add_batch_finding(batch, broken.finding)
            work.batches.finish(batch, "rejected", Counts())
        log.info("batch %s rejected: %s", batch.id, broken.finding.code)
        return
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.batches.plan(batch, shape, mapper.name, mapper.version, parts)
