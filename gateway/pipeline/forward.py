"""Forward: submit loaded events on to the endpoint upstream, revision by revision, each once.

The intent is committed, the call is made, the answer is committed. Whatever dies between leaves an
intent without an end, and the next who takes the event asks what became of it first.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from gateway.bootstrap import Gateway
from gateway.monitoring.spans import spanned
from gateway.pipeline.fault import word_fault
from gateway.pipeline.upstream import Upstream, open_upstream
from schemas.errors import UnknownError, WrongUseError
from schemas.event import NationalEvent
from schemas.forwarding import Forward, ForwardCall, Job, Outcome
from schemas.identifiers import make_reference, parse_reference
from store.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

# Longer than the worst that one call can take: before it ends, nobody else makes the call.
LEASE: Final = timedelta(minutes=15)
# So many calls in a row whose end nobody knows: it is not the events' matter.
_MOST_UNKNOWN: Final = 3


def start_forwarding(gateway: Gateway, *, from_beginning: bool) -> None:
    """Finished batches are queued from now on: all, or only those received after this.
    WrongUseError where it was started before, and in a sandbox."""
    if gateway.settings.sandbox:
        raise WrongUseError("a sandbox forwards nothing")
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.forward_queue.start(from_beginning=from_beginning)


def is_forwarding(gateway: Gateway) -> bool:
    """There is an endpoint, and forwarding was started."""
    with gateway.store.read() as work:
        return bool(gateway.settings.forward_url) and work.forward_queue.is_started()


@spanned("forward")
def forward_events(
    gateway: Gateway, *, limit: int | None = None, sleep: Callable[[float], None] = time.sleep
) -> dict[str, int]:
    """Submits what is due, at most ``limit`` calls: ``{"accepted", "refused", "failed",
    "unknown"}`` of this run. One that fails is due again after 1, 2, 4 … minutes, an hour at most.
    Where upstream does not answer, or asks to come later, the rest is left for the next run."""
    _queue(gateway)
    with open_upstream(gateway) as upstream:
        return _Run(gateway, upstream, sleep).forward(limit)


def retry_refused_event(gateway: Gateway, reference: str) -> None:
    """What upstream refused is submitted again. UnknownError, WrongUseError."""
    with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
        work.forwards.retry(_parse(reference))


def show_forward(gateway: Gateway, reference: str) -> tuple[Forward, list[ForwardCall]]:
    """Where an event's forwarding stands, and every call that was made for it."""
    event_id = _parse(reference)
    with gateway.store.read() as work:
        return work.forwards.get(event_id), work.forwards.find_calls(event_id)


def _parse(reference: str) -> int:
    event_id = parse_reference(reference)
    if event_id is None:
        raise UnknownError(f"not a reference number: {reference}")
    return event_id


def _queue(gateway: Gateway) -> None:
    with gateway.store.read() as work:
        if not work.forward_queue.is_started():
            raise WrongUseError("forwarding was not started: lrms-gateway forward start")
    goes_on = True
    while goes_on:
        with gateway.store.begin(actor=gateway.actor, at=gateway.now()) as work:
            goes_on = work.forward_queue.queue_next()


class _Run:
    def __init__(
        self, gateway: Gateway, upstream: Upstream, sleep: Callable[[float], None]
    ) -> None:
        self._gateway, self._upstream, self._sleep = gateway, upstream, sleep
        self._seconds_a_call = 60 / gateway.settings.forward_per_minute
        self._unknown_in_a_row = 0
        self._counts = {"accepted": 0, "refused": 0, "failed": 0, "unknown": 0}

    def forward(self, limit: int | None) -> dict[str, int]:
        outcome: Outcome | None = None
        claimed: tuple[Job, NationalEvent] | None = None
        calls = 0
        while True:
            with self._gateway.store.begin(
                actor=self._gateway.actor, at=self._gateway.now()
            ) as work:
                if claimed is not None and outcome is not None:
                    self._settle(work, claimed[0], outcome)
                goes_on = self._goes_on(outcome) and (limit is None or calls < limit)
                claimed = _claim(work) if goes_on else None
            if claimed is None:
                return self._counts
            # The intent is committed: from here to the next commit a kill leaves it unknown.
            began = self._gateway.monotonic()
            outcome = self._submit(*claimed)
            calls += 1
            self._pace(began)

    def _settle(self, work: UnitOfWork, job: Job, outcome: Outcome) -> None:
        if work.forwards.settle(job, outcome):
            self._counts[outcome.state] += 1
        else:
            log.info("%s was taken over by another", make_reference(job.event_id))

    def _goes_on(self, outcome: Outcome | None) -> bool:
        if outcome is None:
            return True
        is_unknown = outcome.state == "unknown"
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if is_unknown else 0
        return not outcome.stops and self._unknown_in_a_row < _MOST_UNKNOWN

    def _submit(self, job: Job, event: NationalEvent) -> Outcome:
        try:
            return self._upstream.submit(job, event)
        except Exception as error:  # noqa: BLE001 - one event must not hold up the others
            # Whether the call was made before our own code failed is not known.
            log.error("%s: a fault: %s", make_reference(job.event_id), word_fault(error))  # noqa: TRY400
            return Outcome(state="unknown", codes=("our-fault",))

    def _pace(self, began: float) -> None:
        left = self._seconds_a_call - (self._gateway.monotonic() - began)
        if left > 0:
            self._sleep(left)


def _claim(work: UnitOfWork) -> tuple[Job, NationalEvent] | None:
    job = work.forwards.claim(LEASE)
    return None if job is None else (job, work.forwards.read_content(job))
