"""HTTP as uvicorn reads it, with limits on the head of a request: how large it may be, and how long
it may take. Nobody is known by then, so nothing else would stop it. What is no HTTP is answered in
our form too."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.api.problems import ApiProblem

MOST_HEAD_BYTES: Final = 64 * 1024


class HeadTooLargeError(Exception):
    """Ends the parser's work; it never leaves this module."""


class Wire(HttpToolsProtocol):
    """One connection. Between two requests ``timeout_keep_alive`` is what ends it."""

    head_seconds = 20.0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # An address may hold an identifier of theirs; uvicorn writes it wherever "uvicorn.access"
        # has a handler, whatever its settings say.
        self.access_log = False
        # Of the head that is being read: what came, and what of it was understood.
        self._came = 0
        self._understood = 0
        self._is_head = False
        self._problem: ApiProblem | None = None
        self._clock: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._problem is not None:
            return
        super().data_received(data)
        if self._is_head and self._problem is None:
            # The parser tells of a header only once it has all of it.
            self._came += len(data)
            if self._came > MOST_HEAD_BYTES:
                self._refuse(_make_too_large())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_head = True
        self._came = self._understood = 0
        self._start_clock()

    def on_url(self, url: bytes) -> None:
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name, value)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_head = False
        self._stop_clock()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """The parser gave up."""
        if self._understood > MOST_HEAD_BYTES:
            self._refuse(_make_too_large())
        else:
            self._refuse(
                ApiProblem(
                    400,
                    "http-malformed",
                    "This is not HTTP",
                    "Not as HTTP/1.1 has it: the request line, a header, or a length. In an address"
                    " everything but ASCII is encoded, as %C3%A9.",
                )
            )

    def _count(self, *pieces: bytes) -> None:
        self._understood += sum(map(len, pieces))
        if self._understood > MOST_HEAD_BYTES:
            raise HeadTooLargeError

    def _start_clock(self) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(self.head_seconds, self._end_waiting)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _end_waiting(self) -> None:
        if self._is_head:
            detail = f"It must come whole within {self.head_seconds:g} seconds."
            self._refuse(ApiProblem(408, "head-too-slow", "The request's head is slow", detail))
        else:
            self.transport.close()

    def _refuse(self, problem: ApiProblem) -> None:
        """The app tells it, as it tells everything, and the connection ends."""
        self._problem = problem
        self._stop_clock()
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self.transport.is_closing():
            self.transport.close()
            return
        self.on_message_begin()
        self._stop_clock()
        told = {"method": "-", "path": "", "raw_path": b"", "query_string": b""}
        self.scope |= {**told, "lrms.problem": problem}  # type: ignore[typeddict-item]
        self.cycle = RequestResponseCycle(
            scope=self.scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=False,
            on_response=self.on_response_complete,
        )
        self._start_asgi_task(self.cycle, self.app)


def _make_too_large() -> ApiProblem:
    return ApiProblem(
        431,
        "head-too-large",
        "The request's head is too large",
        f"Address and headers together may have {MOST_HEAD_BYTES:,} bytes.",
    )
