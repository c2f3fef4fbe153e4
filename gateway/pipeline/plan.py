"""Plan waiting batches: look at their bytes, hold what is to be decided about, cut the others into
parts, list the work."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import BinaryIO, TypedDict

import msgspec

from gateway.adapters.indexing import Index
from gateway.adapters.parts import make_parts
from gateway.bootstrap import Gateway
from gateway.monitoring.spans import spanned
from gateway.pipeline.feeds import make_feed_terms, make_mapper
from gateway.pipeline.hashing import hash_parts, open_checked
from gateway.pipeline.survey import survey_feed
from gateway.pipeline.unpack import Content, OpenFeed, open_contents
from gateway.pipeline.verdict import find_emptiness
from schemas.batch import Batch, Part
from schemas.errors import GatewayError
from schemas.finding import Finding
from schemas.receipt import Counts
from schemas.submission import Source
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)


class WorkItem(TypedDict):
    """Parts of one batch for one task; none: the batch could not be planned, and the task that
    tries again tells why. Ids only: it travels through XCom."""

    batch_id: str
    parts: list[int]


@spanned("plan")
def plan_batch(gateway: Gateway, batch: Batch) -> list[int]:
    """The numbers of the batch's parts that are not loaded yet. A batch that cannot be read at
    all is finished here, rejected, and has none; nor has one that is held."""
    if batch.state == "received":
        _look(gateway, batch)
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


def _look(gateway: Gateway, batch: Batch) -> None:
    """Looks at the bytes, and plans the batch, holds it, or rejects it."""
    with gateway.store.read() as work:
        source = work.sources.get(batch.source_id)
    with open_checked(gateway.raw, batch.sha256, batch.size) as (stream, check_bytes):
        try:
            decide = _decide(gateway, source, batch, stream)
        finally:
            # Whatever came of it: of other bytes than were stored nothing is kept, or told.
            check_bytes()
    decide()


def _decide(gateway: Gateway, source: Source, batch: Batch, stream: BinaryIO) -> Callable[[], None]:
    """What is to be written about it."""
    terms = make_feed_terms(source, gateway.profiles, gateway.settings.limits)
    feed = open_contents(terms, stream, gateway.raw)
    if not feed.contents:
        found = [*feed.findings, *find_emptiness(Counts(), feed.findings)]
        return partial(_reject, gateway, batch, found)
    read = say_how_read(source, batch, feed)
    survey = survey_feed(gateway, source, batch, feed)
    if survey.reasons is not None:
        found = [*feed.findings, *survey.findings, *survey.reasons]
        return partial(_hold, gateway, read, found)
    return partial(_plan, gateway, read, cut_contents(batch, feed, survey.indexes), feed.findings)


def say_how_read(source: Source, batch: Batch, feed: OpenFeed) -> Batch:
    """The batch with its shape (of several files: the first one's) and the mapping it is read
    with."""
    mapper = make_mapper(source, feed.terms)
    return msgspec.structs.replace(
        batch,
        shape=feed.contents[0].shape,
        profile=mapper.name,
        profile_version=mapper.version,
        profile_digest=mapper.digest,
    )


def cut_contents(batch: Batch, feed: OpenFeed, indexes: Sequence[Index]) -> list[Part]:
    """The parts of a feed; their records are numbered on from content to content. ``indexes``: of
    each content, or none where each is one part."""
    parts: list[Part] = []
    for place, content in enumerate(feed.contents):
        index = indexes[place] if indexes else Index()
        cut = make_parts(index, batch_number=batch.number, size=content.size)
        with feed.open(content) as stream:
            hashes = hash_parts(stream, cut)
        for part, sha256 in zip(cut, hashes, strict=True):
            # A part is read apart from the others, and verified apart from them.
            told = msgspec.structs.replace(part, number=len(parts), sha256=sha256)
            parts.append(_of_packed(told, content) if content.sha256 else told)
    return parts


def _of_packed(part: Part, content: Content) -> Part:
    return msgspec.structs.replace(
        part, content=content.sha256, member=content.member, shape=content.shape
    )


def _plan(
    gateway: Gateway, batch: Batch, parts: Sequence[Part], findings: Sequence[Finding]
) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.batches.plan(batch, parts)
        _add_findings(work, batch, findings)


def _reject(gateway: Gateway, batch: Batch, findings: Sequence[Finding]) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        # It locks the batch: of two that plan at once, the second finds all done.
        work.batches.finish(batch, "rejected", Counts())
        _add_findings(work, batch, findings)
    log.info("batch %s rejected: %s", batch.id, _list_codes(findings))


def _hold(gateway: Gateway, batch: Batch, findings: Sequence[Finding]) -> None:
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.batches.hold(batch)
        _add_findings(work, batch, findings)
    log.info("batch %s held: %s", batch.id, _list_codes(findings))


def _add_findings(work: UnitOfWork, batch: Batch, findings: Sequence[Finding]) -> None:
    for finding in findings:
        work.receipts.add_batch_finding(batch, finding)


def _list_codes(findings: Sequence[Finding]) -> str:
    return ", ".join(finding.code for finding in findings)
