"""Around every request: its id, the security headers, a line in the log, and no fault's text in an
answer. Plain ASGI, so that what streams goes on streaming."""

import logging
import re
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.problems import answer_problem, make_fault, make_problem
from gateway.monitoring.spans import span
from gateway.pipeline.fault import word_fault
from schemas.errors import GatewayError

log = logging.getLogger("gateway.api")

Count = Callable[[str, str, int, float], None]
_ID: Final = re.compile(r"[A-Za-z0-9._:+/=-]{1,128}", re.ASCII)
# Answers hold patient safety events: nobody may keep, frame or guess at them.
SECURITY_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=63072000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Envelope:
    """``make_id`` gives a request id where the caller gave none that can be used; ``count`` is told
    of each request, where somebody asks for metrics."""

    def __init__(
        self, app: ASGIApp, make_id: Callable[[], str], count: Count | None = None
    ) -> None:
        self._app = app
        self._make_id = make_id
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._make_id)
        with span("request", request=exchange.id, parent=exchange.parent) as told:
            try:
                await self._answer(exchange, scope, receive)
            finally:
                seconds = exchange.log(told)
                if self._count is not None:
                    self._count(scope["method"], exchange.route, exchange.status, seconds)

    async def _answer(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> None:
        # What the server could not read as a request never comes to a route.
        problem = scope.get("lrms.problem")
        app = answer_problem(Request(scope), problem) if problem else self._app
        try:
            await app(scope, receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - the boundary: no text of it may leave
            log.error(  # noqa: TRY400 - a trace could quote the event
                "request %s: a fault of the gateway: %s", exchange.id, word_fault(error)
            )
            if exchange.status:
                return  # half an answer is out: the server cuts the connection
            problem = make_problem(error) if isinstance(error, GatewayError) else make_fault()
            answer = answer_problem(Request(scope), problem)
            await answer(scope, receive, exchange.send)


class _Exchange:
    def __init__(self, scope: Scope, send: Send, make_id: Callable[[], str]) -> None:
        self._scope = scope
        self._send = send
        self._began = time.perf_counter()
        self._echoed: dict[str, str] = {}
        self.status = 0
        given = ""
        # Of the caller's own trace.
        self.parent = ""
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value.decode("latin-1")
            elif name == b"x-correlation-id" and _ID.fullmatch(told := value.decode("latin-1")):
                self._echoed["X-Correlation-ID"] = told
            elif name == b"traceparent":
                self.parent = value.decode("latin-1")
        self.id = given if _ID.fullmatch(given) else make_id()
        scope["lrms.request_id"] = self.id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers["X-Request-ID"] = self.id
            for name, value in self._echoed.items():
                headers[name] = value
            for name, value in self._scope.get("lrms.headers", {}).items():
                headers.setdefault(name, value)
        await self._send(message)

    @property
    def route(self) -> str:
        """No address as it came: it may hold an identifier of theirs."""
        path: str = getattr(self._scope.get("route"), "path", "-")
        return path

    def log(self, told: span) -> float:
        """How long it took, in seconds."""
        seconds = time.perf_counter() - self._began
        method, source = self._scope["method"], self._scope.get("lrms.source_id", "-")
        told.rename(f"{method} {self.route}")
        told.tell(method=method, route=self.route, status=self.status, source=source)
        log.info(
            "request %s: %s %s %d, source %s, %.1f ms",
            self.id,
            method,
            self.route,
            self.status,
            source,
            1000 * seconds,
        )
        return seconds
