"""Receive a feed: its bytes are kept, write-once, before anything looks at them."""

import logging
from typing import BinaryIO

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import span
from schemas.batch import Batch, Route
from schemas.errors import UnavailableError
from schemas.identifiers import make_batch_id
from schemas.submission import Quiet
from store.raw_files import RawFile
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


def receive_feed(
    gateway: Gateway,
    source_id: str,
    stream: BinaryIO,
    *,
    filename: str,
    route: Route = "file",
    quiet: Quiet | None = None,
) -> tuple[Batch, bool]:
    """The batch of these bytes, and whether it is new: the same bytes from the same source again
    are the same batch, and nothing is done twice. ``quiet``: it is history, of which nobody is
    told. UnknownError for an unknown source."""
    with gateway.store.read() as work:
        work.sources.get(source_id)
    raw = gateway.raw.write(stream)
    return receive_raw_file(gateway, source_id, raw, filename=filename, route=route, quiet=quiet)


def receive_raw_file(
    gateway: Gateway,
    source_id: str,
    raw: RawFile,
    *,
    filename: str,
    route: Route,
    quiet: Quiet | None = None,
) -> tuple[Batch, bool]:
    """As :func:`receive_feed`, of bytes that are a raw file already."""
    batch_id = make_batch_id(source_id, raw.sha256)
    with (
        span("receive", batch=batch_id, source=source_id, bytes=raw.size),
        gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work,
    ):
        batch, is_new = work.batches.add(
            id=batch_id,
            source_id=source_id,
            sha256=raw.sha256,
            size=raw.size,
            filename=filename,
            route=route,
        )
        # In the same transaction: whoever looks for work finds both, or neither.
        keep_raw_file(gateway, work, raw.sha256)
        if not is_new:
            work.retention.restore(batch, "bytes")
        if quiet is not None:
            work.quiet.add(batch, quiet.before, reason=quiet.reason)
    log.info("batch %s %s", batch.id, "received" if is_new else "was here already")
    return batch, is_new


def keep_raw_file(gateway: Gateway, work: UnitOfWork, sha256: str) -> None:
    """From this transaction on the raw file is needed: nothing prunes it. UnavailableError where
    it was pruned between its being written and now; the same call again writes it anew."""
    if work.pruned_files.keep(sha256) == "deleted" and not gateway.raw.holds(sha256):
        raise UnavailableError("the raw file was pruned while it was received: send it again")
