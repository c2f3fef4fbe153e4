"""HEAD wherever there is GET: the same answer without its body (RFC 9110, section 9.3.2), which
watchers and load balancers ask for. FastAPI has none for its routes."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.api.methods import has_own_head


class HeadAsGet:
    """The scope stays the one that the server holds: by its method it leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or has_own_head(Request(scope)):
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            scope["method"] = "HEAD"
            await send(message)

        scope["method"] = "GET"
        try:
            await self._app(scope, receive, answer)
        finally:
            scope["method"] = "HEAD"
