"""Several processes of this machine at the batches that wait, without Airflow. Each has a gateway
and a connection of its own; ids, numbers and counts are all that passes between them.

One that dies costs nothing that was committed: its part is given to another. Who gives out the work
may be stopped or killed at any time: the others stop at their next commit.
"""

import signal
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final, NamedTuple

from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.pipeline.fault import word_fault
from gateway.pipeline.finish import finish_batch
from gateway.pipeline.mark import mark_externally_recorded
from gateway.pipeline.plan import plan_batch
from gateway.pipeline.process import Progress, process_parts
from schemas.errors import FaultError, GatewayError, UnavailableError, WrongUseError

# A part that so many workers died of, one after the other, is not given to another.
_MOST_DEATHS: Final = 2
_MOST_UNBEGUN: Final = 20
_BEGUN: Final = "begun"
_CONTEXT: Final = get_context("spawn")


class Job(NamedTuple):
    """A part to load; without a number, a batch to plan."""

    batch_id: str
    part: int | None = None

    def __str__(self) -> str:
        where = "the planning" if self.part is None else f"part {self.part}"
        return f"{where} of batch {self.batch_id}"


_BEGINNING: Final = Job("")


class _Failure(NamedTuple):
    text: str
    is_wrong_use: bool
    may_pass: bool


def count_workers(gateway: Gateway, wanted: int) -> int:
    """How many are of use: SQLite has one writer."""
    return wanted if gateway.store.is_postgresql else 1


def process_together(
    gateway: Gateway,
    batch_ids: Sequence[str],
    workers: int,
    *,
    progress: Progress | None = None,
) -> dict[str, GatewayError]:
    """Takes received batches all the way, as ``process_batch`` does each. What failed, by its
    batch: it does not hold up the others. UnavailableError where the database went away."""
    giving = _Giving(gateway, batch_ids, progress)
    try:
        giving.run(workers)
    finally:
        giving.close()
    mark_externally_recorded(gateway)
    return giving.failed


class _Worker:
    """A process, and what it was given."""

    def __init__(self, settings: Settings, actor: str) -> None:
        self.pipe, theirs = _CONTEXT.Pipe()
        self.job: Job | None = None
        self.has_begun = False
        self.process: SpawnProcess = _CONTEXT.Process(
            target=_work, args=(settings, actor, theirs), daemon=True
        )
        self.process.start()
        theirs.close()

    def give(self, job: Job) -> None:
        self.job = job
        self.has_begun = False
        # One that just died is found out by its silence.
        with suppress(OSError):
            self.pipe.send(job)

    def stop(self) -> None:
        """At once: what it has not committed is undone."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()


class _Giving:
    """Gives out the work, one job at a time to each worker, and takes what they tell."""

    def __init__(
        self, gateway: Gateway, batch_ids: Sequence[str], progress: Progress | None
    ) -> None:
        self._gateway = gateway
        self._progress = progress
        self._waiting = deque(Job(batch_id) for batch_id in batch_ids)
        self._open = Counter(batch_ids)
        self._deaths: Counter[Job] = Counter()
        self._workers: list[_Worker] = []
        self.failed: dict[str, GatewayError] = {}

    def run(self, workers: int) -> None:
        # Each takes a second to start: together, not one after the other as there is work.
        for _ in range(min(workers, self._foresee_jobs())):
            self._start()
        if len(self._waiting) == 1:
            # Meanwhile, as nobody has anything else to do.
            job = self._waiting.popleft()
            self._end(job, _plan(self._gateway, job.batch_id))
        while self._waiting or any(worker.job for worker in self._workers):
            while self._waiting and (worker := self._find_free(workers)):
                worker.give(self._waiting.popleft())
            busy = {worker.pipe: worker for worker in self._workers if worker.job}
            for pipe in wait(list(busy)):
                self._hear(busy[pipe])  # type: ignore[index]

    def close(self) -> None:
        for worker in self._workers:
            worker.stop()

    def _foresee_jobs(self) -> int:
        """About as many as there will be at once: none of what is packed, or of what is not known,
        is counted before it is looked at."""
        part_bytes = self._gateway.settings.part_bytes
        with self._gateway.store.read() as work:
            waiting = work.batches.find_waiting()
        return sum(1 + batch.size // part_bytes for batch in waiting if self._open[batch.id])

    def _start(self) -> _Worker:
        worker = _Worker(self._gateway.settings, self._gateway.actor)
        self._workers.append(worker)
        return worker

    def _find_free(self, most: int) -> _Worker | None:
        free = next((worker for worker in self._workers if worker.job is None), None)
        if free is None and len(self._workers) < most:
            free = self._start()
        return free

    def _hear(self, worker: _Worker) -> None:
        job = worker.job
        if job is None:
            return
        try:
            told: str | int | list[int] | _Failure | None = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, job)
            return
        if isinstance(told, str):
            worker.has_begun = True
            return
        if isinstance(told, int):
            # Whoever dies after it got on was not killed by what comes next.
            self._deaths.pop(job, None)
            if self._progress:
                self._progress(told)
            return
        worker.job = None
        self._end(job, told)

    def _end(self, job: Job, told: list[int] | _Failure | None) -> None:
        if isinstance(told, _Failure):
            self._fail(job, told)
        else:
            self._add(job, told or [])
            self._close(job)

    def _add(self, job: Job, parts: Sequence[int]) -> None:
        self._waiting.extend(Job(job.batch_id, part) for part in parts)
        self._open[job.batch_id] += len(parts)

    def _close(self, job: Job) -> None:
        self._open[job.batch_id] -= 1
        if self._open[job.batch_id] or job.batch_id in self.failed:
            return
        with self._gateway.store.read() as work:
            batch = work.batches.get(job.batch_id)
        finish_batch(self._gateway, batch)

    def _bury(self, worker: _Worker, job: Job) -> None:
        worker.stop()
        self._workers.remove(worker)
        # One that was killed before it began says nothing about its job.
        died_of = job if worker.has_begun else _BEGINNING
        self._deaths[died_of] += 1
        if self._deaths[died_of] < (_MOST_DEATHS if worker.has_begun else _MOST_UNBEGUN):
            # The next who takes it goes on behind the last commit.
            self._waiting.appendleft(job)
            return
        code = worker.process.exitcode
        died = self._deaths[died_of]
        text = f"{died} workers died over {job}, the last one with exit code {code}"
        self._fail(job, _Failure(text, is_wrong_use=False, may_pass=False))

    def _fail(self, job: Job, failure: _Failure) -> None:
        if failure.may_pass:
            raise UnavailableError(failure.text)
        kind = WrongUseError if failure.is_wrong_use else FaultError
        self.failed.setdefault(job.batch_id, kind(failure.text))
        left = [one for one in self._waiting if one.batch_id != job.batch_id]
        self._open[job.batch_id] -= 1 + len(self._waiting) - len(left)
        self._waiting = deque(left)


def _work(settings: Settings, actor: str, pipe: "Connection[Any, Any]") -> None:
    """What a worker does, until there is nobody who gives it work."""
    # Ctrl-C reaches every process of the terminal: who gives the work decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        try:
            with open_gateway(settings, actor=actor) as gateway:
                while True:
                    pipe.send(_do(gateway, pipe.recv(), pipe))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - the boundary of a process
            # It could not even begin.
            pipe.recv()
            pipe.send(_word(error))


def _do(gateway: Gateway, job: Job, pipe: "Connection[Any, Any]") -> list[int] | _Failure | None:
    """The parts of a batch that was planned; None of a part that is loaded."""
    try:
        pipe.send(_BEGUN)
        if job.part is None:
            return _plan(gateway, job.batch_id)
        process_parts(gateway, job.batch_id, [job.part], progress=pipe.send)
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as error:  # noqa: BLE001 - told to who gave the work
        return _word(error)
    return None


def _plan(gateway: Gateway, batch_id: str) -> list[int] | _Failure:
    try:
        with gateway.store.read() as work:
            batch = work.batches.get(batch_id)
        return plan_batch(gateway, batch)
    except Exception as error:  # noqa: BLE001 - told as if another had planned it
        return _word(error)


def _word(error: Exception) -> _Failure:
    text = str(error) if isinstance(error, GatewayError) else word_fault(error)
    may_pass = bool(getattr(error, "retryable", False))
    return _Failure(text, isinstance(error, WrongUseError), may_pass)
