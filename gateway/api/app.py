"""Assembles the API: the routers, what stands around every request, and what runs beside them."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.api import events, feeds, records, sandbox, taxonomy, tokens, uploads
from gateway.api.asking import Asking
from gateway.api.envelope import Count, Envelope
from gateway.api.feed_worker import FeedWorker
from gateway.api.heads import HeadAsGet
from gateway.api.housekeeping import keep_house
from gateway.api.loading import Loader
from gateway.api.methods import find_methods
from gateway.api.openapi import DocumentedApp
from gateway.api.parameters import word_errors
from gateway.api.problems import ApiProblem, answer_problem, make_problem, of_http_exception
from gateway.bootstrap import Gateway
from gateway.fhir.sent import prepare_checks
from gateway.identity.callers import Callers
from gateway.identity.certificates import CertificateError
from gateway.identity.limits import Meter
from gateway.identity.terms import parse_proxies
from gateway.pipeline.submit import Submitting
from gateway.pipeline.submit_new import NewSubmitting
from gateway.sandbox.restore import check_sandbox
from schemas.errors import GatewayError

ROUTERS: Final[Sequence[APIRouter]] = (
    # Before the events, whose ids would take "metadata" for one.
    taxonomy.router,
    tokens.router,
    events.router,
    feeds.fhir_router,
    feeds.router,
    records.router,
    uploads.router,
)
DESCRIPTION: Final = """\
From local risk management systems to the national record of patient safety events.

* **AdverseEvent**: the national wire contract; a client of the national service changes its base
  address and its key, and nothing else.
* **feeds**: files of any size, in the format of the source, and their receipts.
"""


def make_app(gateway: Gateway, *, close: Callable[[], object] | None = None) -> FastAPI:
    """The API over an assembled gateway, which must stay open as long as the app runs; ``close``
    is called when it ends."""
    in_sandbox = gateway.settings.sandbox
    if in_sandbox:
        check_sandbox(gateway)
    app = (sandbox.SandboxApp if in_sandbox else DocumentedApp)(
        title="LRMS integration gateway",
        version=version("lrms-gateway"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        # Behind a proxy it would lead to another scheme and host, and take the key along.
        redirect_slashes=False,
        lifespan=_live,
    )
    app.state.gateway = gateway
    app.state.begun = gateway.now()
    app.state.callers = Callers(gateway)
    app.state.asking = Asking(joins=gateway.settings.key_cache_seconds > 0)
    app.state.meter = Meter(gateway.settings, gateway.now)
    app.state.proxies = parse_proxies(gateway.settings.trusted_proxies)
    app.state.submitting = Submitting(gateway)
    app.state.close = close
    at_once = gateway.store.open_at_once(actor="api")
    new = NewSubmitting(gateway, app.state.submitting.judge, at_once) if at_once else None
    app.state.loader = Loader(app.state.submitting.submit, new)
    app.state.feed_worker = FeedWorker(gateway, app.state.meter)
    # Asked of every request about one event where it is there: only in a sandbox.
    app.state.provoke = None
    if in_sandbox:
        sandbox.include_provoked(app, ROUTERS)
    else:
        for router in ROUTERS:
            app.include_router(router)
    app.add_exception_handler(ApiProblem, _answer_problem)
    app.add_exception_handler(GatewayError, _answer_error)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        Envelope,
        make_id=lambda: str(uuid.UUID(bytes=gateway.random_bytes(16))),
        count=_make_count(gateway),
    )
    return app


def _make_count(gateway: Gateway) -> Count | None:
    if not gateway.settings.metrics_port:
        return None
    # prometheus_client asks the environment where to count when it is imported.
    from gateway.monitoring.api_counts import ApiCounts  # noqa: PLC0415

    return ApiCounts().add


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    await asyncio.to_thread(prepare_checks)
    app.state.loader.start()
    app.state.feed_worker.start()
    house = asyncio.create_task(keep_house(app.state.gateway, app.state.meter))
    try:
        yield
    finally:
        house.cancel()
        with suppress(asyncio.CancelledError):
            await house
        await app.state.loader.stop()
        await asyncio.to_thread(app.state.feed_worker.stop)
        if app.state.close is not None:
            app.state.close()


async def _answer_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiProblem):
        raise error
    return answer_problem(request, error)


async def _answer_error(request: Request, error: Exception) -> Response:
    if isinstance(error, CertificateError):
        problem = ApiProblem(
            401, "certificate-refused", "A client certificate is needed", str(error)
        )
        return answer_problem(request, problem)
    if not isinstance(error, GatewayError):
        raise error
    return answer_problem(request, make_problem(error))


async def _answer_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    problem = of_http_exception(error)
    if problem.status == 405:
        problem.headers["Allow"] = allowed = ", ".join(find_methods(request))
        problem.detail = f"Accepted here: {allowed}."
    return answer_problem(request, problem)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """Parameters that cannot be read: their names and what would be, never their values."""
    if not isinstance(error, RequestValidationError):
        raise error
    told = word_errors(error.errors())
    return answer_problem(
        request, ApiProblem(400, "request-malformed", "The request cannot be read", told)
    )
