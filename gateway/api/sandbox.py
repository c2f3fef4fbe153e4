"""What the API does only in a sandbox: answers that are asked for, each as the real one would be,
and the reset."""

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from fastapi.responses import JSONResponse
from starlette.types import Message, Receive, Scope, Send

from gateway.api import documented, documented_feeds, tokens
from gateway.api.caller import get_caller
from gateway.api.event_answers import EVENT_PATH, make_event_problem
from gateway.api.openapi import DocumentedApp
from gateway.api.problems import ApiProblem, make_fault, make_problem, make_unavailable
from gateway.api.throttle import make_too_many
from gateway.bootstrap import Gateway
from gateway.sandbox.restore import reset_sandbox
from gateway.sandbox.wishes import HEADER, TO_REJECT, Provoked, Wish, find_wish, parse_wish
from schemas.asked import Answer
from schemas.errors import WrongUseError
from schemas.identity import Caller
from schemas.prepared import prepared
from schemas.sandbox import is_sandbox_source

router = APIRouter(prefix="/sandbox", tags=["sandbox"], dependencies=[Security(get_caller)])
# In the scope of a request: what it wishes for, as long as its body is still to come, and how its
# answer is to be treated.
_WISH: Final = "lrms.sandbox.wish"
_TREATED: Final = "lrms.sandbox.treated"
_MOST_REMEMBERED: Final = 10_000
_QUOTA: Final = re.compile(r'"requests";r=\d+;t=(\d+)', re.ASCII)


class SandboxApp(DocumentedApp):
    """Stands around everything else: only here is the connection of a request at hand."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        await super().__call__(scope, receive, self._treat(scope, send) if is_http else send)

    def _treat(self, scope: Scope, send: Send) -> Send:
        is_cut = False

        async def treat(message: Message) -> None:
            nonlocal is_cut
            treated = scope.get(_TREATED)
            if message["type"] == "http.response.start":
                if treated == "slow":
                    await asyncio.sleep(self.state.gateway.settings.sandbox_slow_seconds)
                elif treated == "timeout":
                    is_cut = True
                    _cut(send)
                    # uvicorn is told so, and does not miss the answer.
                    await asyncio.sleep(0)
            if not is_cut:
                await send(message)

        return treat


def _cut(send: Send) -> None:
    """ASGI has no word for it: the transport is uvicorn's."""
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("only a connection of uvicorn can be cut")
    transport.abort()


class _TokensUnavailable(Exception):  # noqa: N818 - an answer that was asked for
    """A 503 of the token endpoint, which has a shape of its own."""


class Provoker:
    """Answers what the sandbox is asked to."""

    def __init__(self) -> None:
        # What was provoked once, oldest first.
        self._done: OrderedDict[tuple[str, ...], None] = OrderedDict()

    def forget(self) -> None:
        self._done.clear()

    async def by_header(self, request: Request) -> None:
        """For every router, behind its own dependencies: 401 and 403 come first."""
        wanted = request.headers.get(HEADER)
        caller = _find_caller(request)
        if wanted is None or (caller and not is_sandbox_source(caller.source_id)):
            return
        wish = parse_wish(wanted)
        if wish is None:
            raise _refuse("Accepted: 429, 503, 500, 409, reject, slow, timeout; also with -once.")
        if _is_about_event(request):
            request.scope[_WISH] = wish
        else:
            told = request.headers
            length, key = told.get("content-length", ""), told.get("idempotency-key", "")
            self._fulfil(request, wish, length, key)

    async def by_event(self, request: Request, body: bytes) -> None:
        """For requests about one event, once their body is there."""
        caller = _find_caller(request)
        if caller is None or not is_sandbox_source(caller.source_id):
            return
        wish = request.scope.get(_WISH) or find_wish(_find_identifier(body))
        if wish is not None:
            self._fulfil(request, wish, hashlib.sha256(body).hexdigest())

    def _fulfil(self, request: Request, wish: Wish, *told: str) -> None:
        caller = _find_caller(request)
        source_id = caller.source_id if caller else ""
        place = (wish.answer, source_id, request.method, str(request.url), *told)
        if wish.once and not self._is_first(place):
            return
        if wish.answer in {"slow", "timeout"}:
            request.scope[_TREATED] = wish.answer
        elif wish.answer == "reject" and _is_about_event(request):
            request.scope[TO_REJECT] = True
        else:
            raise _make_problem(request, wish.answer)

    def _is_first(self, place: tuple[str, ...]) -> bool:
        if place in self._done:
            return False
        self._done[place] = None
        while len(self._done) > _MOST_REMEMBERED:
            self._done.popitem(last=False)
        return True


def include_provoked(app: FastAPI, routers: Iterable[APIRouter]) -> None:
    """The routers, each answering as it is asked to, and the sandbox's own."""
    provoker = Provoker()
    app.state.provoker = provoker
    app.state.provoke = provoker.by_event
    app.add_exception_handler(_TokensUnavailable, _answer_tokens_unavailable)
    for one in routers:
        app.include_router(one, dependencies=[*one.dependencies, Depends(provoker.by_header)])
    app.include_router(router)


async def _answer_tokens_unavailable(request: Request, _: Exception) -> Response:
    return tokens.answer_unavailable(request)


@router.post(
    "/reset",
    responses={
        200: documented.document(
            "all that was sent is gone",
            "application/json",
            {"type": "object", "required": ["removed"]},
        ),
        **documented_feeds.PROMOTE_PROBLEMS,
    },
)
def post_reset(request: Request, caller: Caller = Security(get_caller)) -> JSONResponse:  # noqa: B008
    """Remove everything that the sandbox's sources sent, and put back what is fixed. For every
    source of the sandbox, not only yours."""
    gateway: Gateway = request.app.state.gateway
    removed = reset_sandbox(gateway, asked_by=caller.source_id)
    request.app.state.provoker.forget()
    return JSONResponse({"removed": {"events": removed.events, "batches": removed.batches}})


def _make_problem(request: Request, answer: Provoked) -> Exception:
    is_open = _find_caller(request) is None
    if answer == "503":
        is_token = request.url.path == tokens.PATH
        return _TokensUnavailable() if is_token else make_unavailable()
    if answer == "500":
        return make_fault()
    if is_open or answer == "reject":
        return _refuse(
            "This address never answers so. A record of a feed is rejected where its own id is"
            " SANDBOX-REJECT."
        )
    if answer == "429":
        return _make_too_many(request)
    return _make_conflict(request)


def _make_too_many(request: Request) -> ApiProblem:
    """As if nothing were left of the requests of this minute."""
    headers: dict[str, str] = dict(request.scope.get("lrms.headers", {}))
    found = _QUOTA.search(headers.get("RateLimit", ""))
    seconds = found[1] if found else "1"
    if found:
        headers["RateLimit"] = _QUOTA.sub(r'"requests";r=0;t=\1', headers["RateLimit"])
    headers["Retry-After"] = seconds
    return make_too_many("requests", headers)


def _make_conflict(request: Request) -> ApiProblem:
    if not _is_about_event(request):
        return make_problem(WrongUseError("the sandbox was asked to say so"))
    return make_event_problem(Answer(state="in_flight"))


def _refuse(detail: str) -> ApiProblem:
    return ApiProblem(400, "sandbox-answer", f"The header {HEADER} asks for what cannot be", detail)


def _find_identifier(body: bytes) -> str | None:
    try:
        found = msgspec.json.decode(body, type=_Identified).identifier
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        # What is wrong with it is said by whoever reads it in earnest.
        return None
    first = next(iter(found), None) if isinstance(found, list) else found
    return first.value if first else None


class _Identifier(msgspec.Struct):
    value: str | None = None


@prepared
class _Identified(msgspec.Struct):
    identifier: _Identifier | list[_Identifier] | None = None


def _find_caller(request: Request) -> Caller | None:
    return getattr(request.state, "caller", None)


def _is_about_event(request: Request) -> bool:
    """Its body is one AdverseEvent."""
    return request.method in {"POST", "PUT"} and request.url.path.startswith(EVENT_PATH)
