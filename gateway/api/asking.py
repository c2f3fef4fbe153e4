"""Asks whose a key or token is once at a time, however many requests come with it at that moment:
when what was remembered of it ends, all of a busy client's next requests would ask at once."""

import asyncio
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from schemas.identity import Caller

Find = Callable[[str], Caller | None]


class Asking:
    """For one event loop. ``joins`` False: every request asks for itself, for whoever remembers
    nothing (``LRMS_KEY_CACHE_SECONDS`` 0)."""

    def __init__(self, *, joins: bool) -> None:
        self._joins = joins
        self._under_way: dict[tuple[Find, str], asyncio.Future[Caller | None]] = {}

    async def ask(self, find: Find, secret: str) -> Caller | None:
        """What ``find`` gives, asked in a thread."""
        if not self._joins:
            return await run_in_threadpool(find, secret)
        asked = (find, secret)
        answer = self._under_way.get(asked)
        if answer is None:
            answer = asyncio.ensure_future(run_in_threadpool(find, secret))
            self._under_way[asked] = answer
            answer.add_done_callback(lambda _: self._under_way.pop(asked))
        # Whoever asked first may go away: the others wait for the same answer.
        return await asyncio.shield(answer)
