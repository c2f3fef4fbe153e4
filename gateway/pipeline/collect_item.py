"""Take one item in: its bytes are a raw file, then a batch. And what an operator may do about one
that was refused."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal

import msgspec

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import Content, ItemError, RefusedError
from gateway.collectors.kinds import KINDS
from gateway.collectors.reading import CappedStream
from gateway.pipeline.receive import receive_raw_file
from schemas.batch import Batch
from schemas.collecting import Collector
from schemas.errors import UnknownError, WrongUseError
from store.collected import Told
from store.raw_files import RawFile


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """``known``: its bytes were a batch already, by whatever route. Of a refused item ``raw`` is
    there where its bytes are kept."""

    outcome: Literal["received", "known", "refused", "noted"]
    reason: str = ""
    raw: RawFile | None = None
    source_id: str = ""
    batch_id: str = ""
    told: Told | None = None


def take_item(
    gateway: Gateway,
    collector: Collector,
    opening: AbstractContextManager[Content],
    *,
    size: int | None,
    pulse: Callable[[], None],
) -> Taken:
    """On return the batch is committed. ItemError where it is to be tried again."""
    most = gateway.settings.max_feed_bytes
    if size is not None and size > most:
        return Taken(outcome="refused", reason="too-big")
    raw, told = None, None
    try:
        with opening as content:
            told = Told(name=content.filename, headers=content.headers)
            if content.note:
                return Taken(outcome="noted", told=told)
            raw = gateway.raw.write(CappedStream(content.stream, most, pulse))
            content.check_whole()
            _check(content, raw)
            taken = _receive(gateway, collector, content, raw)
            return msgspec.structs.replace(taken, told=told)
    except RefusedError as error:
        return Taken(outcome="refused", reason=error.reason, raw=raw, told=told)
    except TimeoutError:
        raise ItemError("timed-out") from None
    except OSError:
        raise ItemError("broken-off") from None


def _check(content: Content, raw: RawFile) -> None:
    if content.refuse is not None:
        raise RefusedError(content.refuse)
    if raw.size == 0:
        raise RefusedError("empty")


def _receive(gateway: Gateway, collector: Collector, content: Content, raw: RawFile) -> Taken:
    source_id = content.source_id or collector.source_id
    with gateway.store.read() as work:
        try:
            work.sources.get(source_id)
        except UnknownError:
            raise RefusedError("unknown-sender") from None
    route = KINDS[collector.kind].route
    batch, is_new = receive_raw_file(
        gateway, source_id, raw, filename=content.filename, route=route
    )
    return Taken(
        outcome="received" if is_new else "known",
        raw=raw,
        source_id=source_id,
        batch_id=batch.id,
    )


def take_refused(gateway: Gateway, item_id: int, source_id: str) -> Batch:
    """A refused item whose bytes are kept, as a feed of a source after all. WrongUseError for any
    other."""
    with gateway.store.read() as work:
        item = work.collected.get(item_id)
        collector = work.collectors.get(item.collector_id)
        work.sources.get(source_id)
    if item.state != "refused" or item.sha256 is None or item.size is None:
        raise WrongUseError(f"item {item_id} is {item.state}, and no bytes wait for a source")
    raw = RawFile(item.sha256, item.size)
    route = KINDS[collector.kind].route
    batch, _ = receive_raw_file(gateway, source_id, raw, filename=item.name, route=route)
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.collected.receive(
            item, source_id=source_id, size=raw.size, sha256=raw.sha256, batch_id=batch.id
        )
    return batch


def retry_refused(gateway: Gateway, item_id: int) -> None:
    """A refused item is collected again when the far end lists it. WrongUseError for any other."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.collected.retry(work.collected.get(item_id))
