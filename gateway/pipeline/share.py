"""Share out the work that waits among tasks of about equal length: many small batches to one, a
stretch of a large batch to another. Only ids and numbers leave here.

A failure costs its batch. The others of its task go on, and a task that is tried again goes on
where the last try stopped, as parts know how far they are loaded.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from gateway.bootstrap import Gateway
from gateway.pipeline.fault import word_fault
from gateway.pipeline.plan import WorkItem, plan_batch
from gateway.pipeline.process import process_parts
from schemas.batch import Shape
from schemas.errors import GatewayError, LostPartError

log = logging.getLogger(__name__)
T = TypeVar("T")

# Airflow maps a task over at most 1,024 items.
MOST_TASKS: Final = 1_000
# About what one process loads in a second, in bytes (docs/performance.md). A share that is guessed
# wrong is a little longer or shorter, nothing else.
_LOADED: Final[dict[Shape | None, float]] = {
    "fhir-ndjson": 18e6,
    "fhir-json": 15e6,
    "fhir-xml": 10e6,
    "xml": 9e6,
    "csv": 5e6,
    "json": 9e6,
    "ndjson": 9e6,
    None: 9e6,
}
_PLANNED: Final = 60e6
# What a batch costs however small it is.
_EACH: Final = 0.05


class FailedBatchesError(GatewayError):
    """Of some of the batches of a task, the others being done."""


class _Weighed(NamedTuple):
    batch_id: str
    part: int
    seconds: float


def share_looks(gateway: Gateway) -> list[list[str]]:
    """The ids of the batches that are to be planned, in order of arrival: a list a task."""
    with gateway.store.read() as work:
        waiting = work.batches.find_waiting()
    weighed = [
        _Weighed(batch.id, 0, _EACH + batch.size / _PLANNED)
        for batch in waiting
        if batch.state == "received"
    ]
    shares = _share(weighed, gateway.settings.task_seconds)
    return [[one.batch_id for one in share] for share in shares]


def plan_batches(gateway: Gateway, batch_ids: Sequence[str]) -> dict[str, int]:
    """Plans them, and gives ``{"planned": …}``. FailedBatchesError, at the end, where one cannot
    be: its raw file is damaged, its profile is gone."""

    def plan(batch_id: str) -> int:
        with gateway.store.read() as work:
            batch = work.batches.get(batch_id)
        plan_batch(gateway, batch)
        return 1

    return {"planned": sum(_each(batch_ids, plan, str, "planned"))}


def share_work(gateway: Gateway) -> list[list[WorkItem]]:
    """The parts that are not loaded, in order of arrival: a list a task."""
    weighed: list[_Weighed] = []
    with gateway.store.read() as work:
        for batch in work.batches.find_waiting():
            if batch.state != "planned":
                continue
            each = _EACH
            for part in work.parts.find(batch.number):
                if part.state != "loaded":
                    rate = _LOADED[part.shape or batch.shape]
                    seconds = each + (part.end - part.start) / rate
                    weighed.append(_Weighed(batch.id, part.number, seconds))
                    each = 0.0
    return [_gather(share) for share in _share(weighed, gateway.settings.task_seconds)]


def process_shares(gateway: Gateway, work: Sequence[WorkItem]) -> dict[str, int]:
    """Loads what one task is given; ``{"records": …}`` read by this call. FailedBatchesError, at
    the end, where a batch failed; LostPartError at once: another attempt at this task goes on."""

    def process(item: WorkItem) -> int:
        return process_parts(gateway, item["batch_id"], item["parts"])["records"]

    return {"records": sum(_each(work, process, lambda item: item["batch_id"], "processed"))}


def _share(weighed: Sequence[_Weighed], least: float) -> Iterator[list[_Weighed]]:
    """Stretches of about equal length, each of ``least`` seconds or more, where there is so much: a
    task that is done sooner than it starts gains nothing from a second worker (2026-11-22)."""
    total = sum(one.seconds for one in weighed)
    target = total / min(max(int(total / least), 1), MOST_TASKS)
    share: list[_Weighed] = []
    done = 0.0
    shares = 0
    for one in weighed:
        # By its middle: so that rounding does not add up to a task more.
        if share and done + one.seconds / 2 > target * (shares + 1):
            yield share
            share, shares = [], shares + 1
        share.append(one)
        done += one.seconds
    if share:
        yield share


def _gather(share: Sequence[_Weighed]) -> list[WorkItem]:
    items: list[WorkItem] = []
    for one in share:
        if not items or items[-1]["batch_id"] != one.batch_id:
            items.append({"batch_id": one.batch_id, "parts": []})
        items[-1]["parts"].append(one.part)
    return items


def _each(
    items: Sequence[T], do: Callable[[T], int], name: Callable[[T], str], done: str
) -> Iterator[int]:
    """What it gives of each. What may pass ends it at once: the same try again goes on here."""
    failed: list[str] = []
    for item in items:
        try:
            yield do(item)
        except LostPartError:
            raise
        except Exception as error:
            if getattr(error, "retryable", False):
                raise
            told = str(error) if isinstance(error, GatewayError) else word_fault(error)
            log.error("batch %s cannot be %s: %s", name(item), done, told)  # noqa: TRY400 - no trace
            failed.append(name(item))
    if failed:
        raise FailedBatchesError(f"could not be {done}: {', '.join(failed)}")
