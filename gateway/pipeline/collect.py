"""Collect: a collector's items are received, each once, and only then is the far end told.

Whatever dies when: an item of which the far end was not told is found again, its bytes are the
batch that they were, and then it is told.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from gateway.bootstrap import Gateway
from gateway.collectors.far_end import CollectError, FarEnd, Item, ItemError
from gateway.collectors.kinds import KINDS, parse_settings
from gateway.monitoring.spans import spanned
from gateway.pipeline.collect_item import Taken, take_item
from gateway.pipeline.fault import word_fault
from gateway.pipeline.receive import keep_raw_file
from schemas.collecting import CollectedItem, Collector
from schemas.errors import UnavailableError, WrongUseError
from store.collectors import LEASE, LostLeaseError
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

_RENEW_AFTER: Final = LEASE / 3
_COUNTED: Final = ("received", "known", "refused", "noted", "failed", "gone")


def find_due_collectors(gateway: Gateway) -> list[str]:
    """Their ids, the longest waiting first."""
    with gateway.store.read() as work:
        return work.collectors.find_due(gateway.now())


@spanned("collect")
def run_collector(gateway: Gateway, collector_id: str) -> dict[str, int]:
    """Receives what is ready: ``{"received": …, "known": …, "refused": …, "noted": …, "failed": …,
    "gone": …}``, or ``{"busy": 1}`` where another run is at it. CollectError where the run, or one
    of its items, failed: all others were collected, and what is wrong stands in the store."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        collector = work.collectors.claim(collector_id)
    if collector is None:
        return _leave_to_other(collector_id)
    run = _Run(gateway, collector)
    try:
        run.collect()
    except LostLeaseError:
        return _leave_to_other(collector_id)
    except Exception as error:
        run.fail(_find_reason(error), getattr(error, "retry_after", None))
        raise
    return run.end()


def _leave_to_other(collector_id: str) -> dict[str, int]:
    log.info("collector %s is run by another", collector_id)
    return {"busy": 1}


def _find_reason(error: Exception) -> str:
    if isinstance(error, CollectError):
        return error.reason
    return "unavailable" if isinstance(error, UnavailableError) else "our-fault"


class _Run:
    """One run of a collector that it holds."""

    def __init__(self, gateway: Gateway, collector: Collector) -> None:
        self._gateway = gateway
        self._collector = collector
        self._kind = KINDS[collector.kind]
        self._held_at = gateway.now()
        self._listed: set[int] = set()
        self._counts = dict.fromkeys(_COUNTED, 0)

    def collect(self) -> None:
        try:
            settings = parse_settings(self._collector.kind, self._collector.settings)
        except WrongUseError:
            # They were good once: this gateway is of another version.
            raise CollectError("settings") from None
        with self._kind.open(self._gateway, self._collector, settings) as far_end:
            for page in far_end.find_pages():
                self._collect_page(far_end, page)
        with self._begin() as work:
            self._counts["gone"] = work.collected.miss(self._collector.id, self._listed)

    def end(self) -> dict[str, int]:
        log.info("collector %s: %s", self._collector.id, self._counts)
        if self._counts["failed"]:
            self.fail("item-failed")
            raise CollectError("item-failed")
        with self._begin() as work:
            work.collectors.succeed(self._collector)
        return self._counts

    def fail(self, reason: str, retry_after: float | None = None) -> None:
        log.warning("collector %s failed: %s", self._collector.id, reason)
        # The database itself may be what fails; the lease then ends by the clock.
        with suppress(UnavailableError, LostLeaseError), self._begin() as work:
            work.collectors.fail(self._collector, reason, retry_after=retry_after)

    def _collect_page(self, far_end: FarEnd, page: Sequence[Item]) -> None:
        with self._begin() as work:
            known = work.collected.see(self._collector.id, page)
        # All of the page first, so that one that fails hides none from the listing.
        self._listed |= {one.id for one in known}
        for item, stored in zip(page, known, strict=True):
            self._collect_item(far_end, item, stored)

    def _collect_item(self, far_end: FarEnd, item: Item, stored: CollectedItem) -> None:
        try:
            if stored.state == "waiting":
                stored = self._take(far_end, item, stored)
            elif item.cursor is not None:
                with self._begin() as work:
                    self._move_cursor(work, item)
            if stored.settled_at is None:
                self._settle(far_end, item, stored)
        except ItemError as error:
            self._fail_item(stored, error.reason)
        except (CollectError, UnavailableError, LostLeaseError):
            raise
        except Exception as error:  # noqa: BLE001 - one item must not hold up the others
            log.error("item %d: a fault of the gateway: %s", stored.id, word_fault(error))  # noqa: TRY400
            self._fail_item(stored, "our-fault")

    def _take(self, far_end: FarEnd, item: Item, stored: CollectedItem) -> CollectedItem:
        taken = take_item(
            self._gateway, self._collector, far_end.open(item), size=item.size, pulse=self._renew
        )
        self._counts[taken.outcome] += 1
        with self._begin() as work:
            if taken.outcome == "refused" and taken.raw is not None:
                keep_raw_file(self._gateway, work, taken.raw.sha256)
            recorded = _record(work, stored, taken)
            self._move_cursor(work, item)
        return recorded

    def _settle(self, far_end: FarEnd, item: Item, stored: CollectedItem) -> None:
        if self._kind.leaves_unkept and stored.state == "refused" and stored.sha256 is None:
            return
        # Held once more: whoever was taken over must not touch the far end.
        with self._begin():
            pass
        far_end.settle(item, stored)
        with self._begin() as work:
            work.collected.settle(stored)

    def _move_cursor(self, work: UnitOfWork, item: Item) -> None:
        # Behind an item that failed it stays: the next run begins there.
        if item.cursor is not None and not self._counts["failed"]:
            work.collectors.move_cursor(self._collector, item.cursor)

    def _fail_item(self, stored: CollectedItem, reason: str) -> None:
        self._counts["failed"] += 1
        log.warning("item %d of collector %s failed: %s", stored.id, self._collector.id, reason)
        with self._begin() as work:
            work.collected.fail(stored, reason)

    def _renew(self) -> None:
        if self._gateway.now() - self._held_at >= _RENEW_AFTER:
            with self._begin():
                pass

    @contextmanager
    def _begin(self) -> Iterator[UnitOfWork]:
        now = self._gateway.now()
        with self._gateway.store.begin(actor=self._gateway.actor, at=now) as work:
            work.collectors.hold(self._collector)
            yield work
        self._held_at = now


def _record(work: UnitOfWork, stored: CollectedItem, taken: Taken) -> CollectedItem:
    if taken.outcome == "noted":
        return work.collected.note(stored, headers=taken.told.headers if taken.told else None)
    if taken.outcome == "refused":
        raw = taken.raw
        return work.collected.refuse(
            stored,
            taken.reason,
            size=raw.size if raw else None,
            sha256=raw.sha256 if raw else None,
            told=taken.told,
        )
    assert taken.raw is not None  # noqa: S101 - received or known: there are bytes
    return work.collected.receive(
        stored,
        source_id=taken.source_id,
        size=taken.raw.size,
        sha256=taken.raw.sha256,
        batch_id=taken.batch_id,
        told=taken.told,
    )
