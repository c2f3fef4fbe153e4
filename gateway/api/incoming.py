"""A feed as it comes: pulled from the request by the thread that writes it to the disk, counted,
and given up where nothing comes."""

import asyncio
import io
from collections.abc import AsyncIterator

import anyio.from_thread
from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.api.bodies import check_length, make_too_large
from gateway.api.problems import ApiProblem
from gateway.api.throttle import add_unannounced


class Incoming(io.RawIOBase):
    """Readable in a worker thread of the request's event loop. Raises ApiProblem where the body
    is too large, breaks off or stops coming."""

    def __init__(self, request: Request, *, limit: int, idle_seconds: float) -> None:
        check_length(request, limit)
        self._request = request
        self._chunks: AsyncIterator[bytes] = request.stream().__aiter__()
        self._limit = limit
        self._idle_seconds = idle_seconds
        self._left = b""
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]", /) -> int:  # type: ignore[override]
        if not self._left:
            self._left = anyio.from_thread.run(self._pull)
        taken = self._left[: len(buffer)]
        self._left = self._left[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    async def _pull(self) -> bytes:
        """The next bytes; none at the end."""
        try:
            async with asyncio.timeout(self._idle_seconds):
                async for chunk in self._chunks:
                    if chunk:
                        return self._count(chunk)
        except TimeoutError:
            raise ApiProblem(
                408,
                "body-too-slow",
                "Nothing came for too long",
                f"A feed of which nothing comes for {self._idle_seconds:g} seconds is given up."
                " Send it again; large ones by /uploads, which can be gone on with.",
                headers={"Connection": "close"},
            ) from None
        except ClientDisconnect:
            raise ApiProblem(400, "body-cut-off", "The body broke off", "Send it again.") from None
        return b""

    def _count(self, chunk: bytes) -> bytes:
        self.size += len(chunk)
        if self.size > self._limit:
            raise make_too_large(self._limit)
        add_unannounced(self._request, len(chunk))
        return chunk
