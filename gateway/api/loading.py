"""The loader: one thread that takes all requests about single events that wait, and submits them
together. While one group is in the database the next one gathers; so the busier it is, the more
share a transaction."""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final

from gateway.api.problems import make_unavailable
from gateway.pipeline.fault import word_fault
from schemas.asked import Answer, Asked

log = logging.getLogger(__name__)

MOST_IN_GROUP: Final = 64
# Beyond that a request would wait for longer than its sender does.
MOST_WAITING: Final = 2_000
_FAULT: Final = Answer(state="fault")

Submit = Callable[[Sequence[Asked]], list[Answer]]
_Waiting = tuple[Asked, "asyncio.Future[Answer]"]


class Loader:
    """Started and stopped by the app; :meth:`submit` is called in its event loop."""

    def __init__(self, submit: Submit) -> None:
        self._submit = submit
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="loader", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """What waits is answered first."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def submit(self, asked: Asked) -> Answer:
        """The answer, once it is in the database. A caller that goes away does not stop it: what
        was sent may be stored, as the answer says when it is asked again."""
        if self._queue.qsize() >= MOST_WAITING:
            raise make_unavailable()
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


def _tell(group: list[_Waiting], answers: list[Answer]) -> None:
    for (_, future), answer in zip(group, answers, strict=True):
        if not future.done():
            future.set_result(answer)
