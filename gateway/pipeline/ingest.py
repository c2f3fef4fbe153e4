"""Ingest a feed at once: receive, process, finish and mark, without Airflow."""

from typing import BinaryIO

from gateway.bootstrap import Gateway
from gateway.pipeline.finish import finish_batch
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.process import Progress, process_parts
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.workers import process_together
from schemas.batch import Batch


def process_batch(gateway: Gateway, batch_id: str, *, progress: Progress | None = None) -> Batch:
    """Takes a received batch all the way; done already, it is left as it is. Its alerts wait in
    the outbox."""
    with gateway.store.read() as work:
        batch = work.batches.get(batch_id)
    process_parts(gateway, batch_id, plan_batch(gateway, batch), progress=progress)
    with gateway.store.read() as work:
        batch = work.batches.get(batch_id)
    finish_batch(gateway, batch)
    mark_externally_recorded(gateway)
    with gateway.store.read() as work:
        return work.batches.get(batch_id)


def ingest_feed(
    gateway: Gateway,
    source_id: str,
    stream: BinaryIO,
    *,
    filename: str,
    progress: Progress | None = None,
    workers: int = 1,
) -> tuple[Batch, bool]:
    """The finished batch, and whether it was new. ``workers``: so many processes load it."""
    batch, is_new = receive_feed(gateway, source_id, stream, filename=filename)
    if workers == 1:
        return process_batch(gateway, batch.id, progress=progress), is_new
    failed = process_together(gateway, [batch.id], workers, progress=progress)
    if failed:
        raise failed[batch.id]
    with gateway.store.read() as work:
        return work.batches.get(batch.id), is_new
