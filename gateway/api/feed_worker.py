"""Beside the API: checks dry runs and loads small feeds soon after they came, so that their senders
need not wait for Airflow. Everything it does may be done by another at the same time, or again."""

import logging
import queue
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Final

from gateway.bootstrap import Gateway
from gateway.identity.limits import Meter
from gateway.pipeline.fault import word_fault
from gateway.pipeline.ingest import process_batch
from gateway.pipeline.trial import check_trial
from schemas.errors import GatewayError

log = logging.getLogger(__name__)

# A feed that nobody has loaded by then was left by a worker that died.
_LEFT: Final = timedelta(minutes=1)
_LOOK_SECONDS: Final = 60.0


class FeedWorker:
    """One thread. ``wake`` tells it of a feed that came to this process."""

    def __init__(self, gateway: Gateway, meter: Meter) -> None:
        self._gateway = gateway
        self._meter = meter
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="feeds", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self, feed_id: str) -> None:
        self._queue.put(feed_id)

    def stop(self) -> None:
        """What it is at is finished, or gone on with by another: both are safe."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        clock = self._gateway.monotonic
        look_at = clock() + _LOOK_SECONDS
        while True:
            # However many come meanwhile: those that were left have nobody else.
            if clock() >= look_at:
                self._guard(self._look_for_left, "feeds that were left")
                look_at = clock() + _LOOK_SECONDS
            try:
                feed_id = self._queue.get(timeout=max(0.0, look_at - clock()))
            except queue.Empty:
                continue
            if feed_id is None:
                return
            self._guard(partial(self._work_on, feed_id), f"feed {feed_id}")

    def _guard(self, work: Callable[[], None], what: str) -> None:
        """It waits as it is, for the next look or for Airflow."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the thread must live
            told = str(error) if isinstance(error, GatewayError) else word_fault(error)
            log.error("%s: not done now: %s", what, told)  # noqa: TRY400 - no trace

    def _work_on(self, feed_id: str) -> None:
        with self._gateway.store.read() as work:
            trial = work.trials.find(feed_id)
        if trial is not None and trial.state == "waiting":
            check_trial(self._gateway, trial)
            return
        with self._gateway.store.read() as work:
            batch = work.batches.get(feed_id)
        if self._is_small(batch.size) and batch.state in ("received", "planned"):
            done = process_batch(self._gateway, batch.id)
            self._meter.add(done.source_id, records=done.counts.records)

    def _look_for_left(self) -> None:
        edge = self._gateway.now() - _LEFT
        with self._gateway.store.read() as work:
            left = [one.id for one in work.trials.find_waiting() if one.received_at < edge]
            for batch in work.batches.find_waiting():
                is_ours = batch.route == "http" and self._is_small(batch.size)
                if is_ours and batch.received_at < edge:
                    left.append(batch.id)
        for feed_id in left:
            self._guard(partial(self._work_on, feed_id), f"feed {feed_id}")

    def _is_small(self, size: int) -> bool:
        return size <= self._gateway.settings.load_at_once_bytes
