"""Plan waiting batches: look at their bytes, cut them into parts, list the work."""

import logging
from typing import TypedDict

import msgspec

from gateway.adapters.broken import BrokenFeed
from gateway.adapters.parts import cut_into_parts
from gateway.adapters.shapes import find_shape
from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_mapper
from schemas.batch import Batch
from schemas.errors import GatewayError
from schemas.receipt import Counts
from store.raw_files import hash_range

log = logging.getLogger(__name__)


class WorkItem(TypedDict):
    """Parts of one batch for one task; none: the batch could not be planned, and the task that
    tries again tells why. Ids only: it travels through XCom."""

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
    """Work for every batch that waits, in order of arrival: one item a part. A batch that cannot
    be planned (its raw file is damaged, its profile is gone) does not hold up the others."""
    with gateway.store.read() as work:
        waiting = work.batches.find_waiting()
    items: list[WorkItem] = []
    for batch in waiting:
        try:
            numbers = plan_batch(gateway, batch)
        except GatewayError as error:
            if error.retryable:
                raise
            log.error("batch %s cannot be planned: %s", batch.id, error)  # noqa: TRY400 - no trace
            items.append({"batch_id": batch.id, "parts": []})
        else:
            items += [{"batch_id": batch.id, "parts": [number]} for number in numbers]
    return items


def _cut(gateway: Gateway, batch: Batch) -> None:
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
    mapper = make_mapper(source, gateway.profiles)
    settings = gateway.settings
    try:
        with gateway.raw.open_verified(batch.sha256) as stream:
            shape = find_shape(stream, source.format, limits=settings.limits)
            parts = cut_into_parts(
                stream,
                shape,
                batch_number=batch.number,
                size=batch.size,
                part_bytes=settings.part_bytes,
            )
            # A part is read apart from the others, and verified apart from them.
            parts = [
                msgspec.structs.replace(part, sha256=hash_range(stream, part.start, part.end))
                for part in parts
            ]
    except BrokenFeed as broken:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            # It locks the batch: of two that plan at once, the second finds all done.
            work.batches.finish(batch, "rejected", Counts())
            work.receipts.add_batch_finding(batch, broken.finding)
        log.info("batch %s rejected: %s", batch.id, broken.finding.code)
        return
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        read = msgspec.structs.replace(
            batch, shape=shape, profile=mapper.name, profile_version=mapper.version
        )
        work.batches.plan(read, parts)
