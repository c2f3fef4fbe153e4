"""The loader: takes all requests about single events that wait, and submits them together. While
one group is in the database the next one gathers; so the busier it is, the more share a
transaction.

Creates of what seems new go by the event loop itself. All others, and those of them that are not
new, go by one thread.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Final

from gateway.api.problems import make_unavailable
from gateway.pipeline.fault import word_fault
from gateway.pipeline.submit_new import New, NewSubmitting, take_distinct
from schemas.asked import Answer, Asked

log = logging.getLogger(__name__)

MOST_IN_GROUP: Final = 64
# Beyond that a request would wait for longer than its sender does.
MOST_WAITING: Final = 2_000
_FAULT: Final = Answer(state="fault")

Submit = Callable[[Sequence[Asked]], list[Answer]]
_Waiting = tuple[Asked, "asyncio.Future[Answer]"]


class Loader:
    """Started and stopped by the app; :meth:`submit` is called in its event loop. ``new``: where
    there is a way of their own for new events."""

    def __init__(self, submit: Submit, new: NewSubmitting | None = None) -> None:
        self._submit = submit
        self._new = None if new is None else _NewLoader(new)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """What waits is answered first."""
        if self._new is not None:
            await self._new.stop()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def submit(self, asked: Asked) -> Answer:
        """The answer, once it is in the database. A caller that goes away does not stop it: what
        was sent may be stored, as the answer says when it is asked again."""
        if self._queue.qsize() >= MOST_WAITING:
            raise make_unavailable()
        if self._new is not None:
            answer = await self._new.submit(asked)
            if answer is not None:
                return answer
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._queue.put((asked, future))
        return await future

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            is_last = False
            while len(group) < MOST_IN_GROUP and not self._queue.empty():
                following = self._queue.get()
                if following is None:
                    is_last = True
                    break
                group.append(following)
            self._answer(group)
            if is_last:
                return

    def _answer(self, group: list[_Waiting]) -> None:
        try:
            answers = self._submit([asked for asked, _ in group])
        except Exception as error:  # noqa: BLE001 - the thread must live, whatever happens
            log.error("a group of requests failed: %s", word_fault(error))  # noqa: TRY400
            answers = [_FAULT] * len(group)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_tell, group, answers)


class _NewLoader:
    """Loads one group after the other, as long as any wait."""

    def __init__(self, new: NewSubmitting) -> None:
        self._new = new
        self._waiting: list[tuple[New, asyncio.Future[Answer | None]]] = []
        self._loading: asyncio.Task[None] | None = None

    async def submit(self, asked: Asked) -> Answer | None:
        """None where it is for the other way."""
        if len(self._waiting) >= MOST_WAITING:
            raise make_unavailable()
        new = self._new.prepare(asked)
        if new is None:
            return None
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((new, future))
        if self._loading is None:
            # Not of the request that happens to be the first of them.
            self._loading = asyncio.create_task(self._load(), context=Context())
        return await future

    async def stop(self) -> None:
        if self._loading is not None:
            await self._loading
        await self._new.close()

    async def _load(self) -> None:
        try:
            while self._waiting:
                group = self._waiting[:MOST_IN_GROUP]
                del self._waiting[:MOST_IN_GROUP]
                await self._load_group(group)
        finally:
            self._loading = None

    async def _load_group(self, group: list[tuple[New, "asyncio.Future[Answer | None]"]]) -> None:
        places = take_distinct([new for new, _ in group])
        answers: Sequence[Answer | None] = [None] * len(places)
        try:
            answers = await self._new.submit([group[place][0] for place in places]) or answers
        finally:
            told = dict(zip(places, answers, strict=True))
            for place, (_, future) in enumerate(group):
                # Its caller may be gone. Those that are the same as one of them come after it.
                if not future.done():
                    future.set_result(told.get(place))


def _tell(group: list[_Waiting], answers: list[Answer]) -> None:
    for (_, future), answer in zip(group, answers, strict=True):
        if not future.done():
            future.set_result(answer)
