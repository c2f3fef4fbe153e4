"""Decide about a batch that is held: release it, or discard it. Who may is the caller's to know."""

import logging

from gateway.bootstrap import Gateway
from gateway.pipeline.feeds import make_feed_terms
from gateway.pipeline.plan import cut_contents, say_how_read
from gateway.pipeline.survey import index_contents
from gateway.pipeline.unpack import open_contents
from schemas.batch import Batch
from schemas.catalogue import expectations
from schemas.errors import WrongUseError
from schemas.values import storable

log = logging.getLogger(__name__)


def release_batch(gateway: Gateway, batch_id: str, reason: str) -> Batch:
    """The batch, planned: it will be loaded as far as it can be read, and is not asked again
    whether it is whole, or what its profile expects. WrongUseError where it is not held."""
    reason = _check_reason(reason)
    with gateway.store.read() as work:
        batch = work.batches.get_held(batch_id)
        source = work.sources.get(batch.source_id)
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    with gateway.raw.open_verified(batch.sha256) as stream:
        feed = open_contents(terms, stream, gateway.raw)
        if not feed.contents:
            raise WrongUseError(
                f"batch {batch_id} cannot be read any more, with the settings and the profile as"
                " they are now: discard it, or put them back"
            )
        indexes, _ = index_contents(feed, gateway.settings.part_bytes)
        parts = cut_contents(batch, feed, indexes)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        read = say_how_read(source, batch, feed)
        released = work.batches.release(read, parts, reason=reason)
    log.info("batch %s released", batch_id)
    return released


def discard_batch(gateway: Gateway, batch_id: str, reason: str) -> Batch:
    """The batch, finished: rejected, nothing of it loaded. WrongUseError where it is not held."""
    reason = _check_reason(reason)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        batch = work.batches.get_held(batch_id)
        discarded = work.batches.discard(batch, reason=reason)
        work.receipts.add_batch_finding(batch, expectations.DISCARDED.at())
    log.info("batch %s discarded", batch_id)
    return discarded


def _check_reason(reason: str) -> str:
    """As the audit log keeps it."""
    told = storable(reason.strip())
    if not told:
        raise WrongUseError("a decision needs a reason: whoever reads the audit log will ask")
    return told
