"""Receive a feed: its bytes are kept, write-once, before anything looks at them."""

import logging
from typing import BinaryIO

from gateway.bootstrap import Gateway
from schemas.batch import Batch, Route
from schemas.identifiers import make_batch_id
from store.raw_files import RawFile

log = logging.getLogger(__name__)


def receive_feed(
    gateway: Gateway, source_id: str, stream: BinaryIO, *, filename: str, route: Route = "file"
) -> tuple[Batch, bool]:
    """The batch of these bytes, and whether it is new: the same bytes from the same source again
    are the same batch, and nothing is done twice. UnknownError for an unknown source."""
    with gateway.store.read() as work:
        work.sources.get(source_id)
    raw = gateway.raw.write(stream)
    return receive_raw_file(gateway, source_id, raw, filename=filename, route=route)


def receive_raw_file(
    gateway: Gateway, source_id: str, raw: RawFile, *, filename: str, route: Route
) -> tuple[Batch, bool]:
    """As :func:`receive_feed`, of bytes that are a raw file already."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        batch, is_new = work.batches.add(
            id=make_batch_id(source_id, raw.sha256),
            source_id=source_id,
            sha256=raw.sha256,
            size=raw.size,
            filename=filename,
            route=route,
        )
    log.info("batch %s %s", batch.id, "received" if is_new else "was here already")
    return batch, is_new
