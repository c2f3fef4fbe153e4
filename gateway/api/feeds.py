"""``/feeds``: files of any size in the format of their source, dry runs, and receipts."""

from typing import Annotated, Any, Final, get_args

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from gateway.api import documented_feeds as documented
from gateway.api.bodies import check_feed_type
from gateway.api.caller import get_caller
from gateway.api.feed_answers import (
    MEDIA_TYPES,
    ReceiptForm,
    begin_receipt,
    link_next,
    show_batch,
    show_trial,
)
from gateway.api.feed_worker import FeedWorker
from gateway.api.headers import read_accept
from gateway.api.incoming import Incoming
from gateway.api.instants import Instant
from gateway.api.parameters import check_parameters
from gateway.api.problems import ApiProblem
from gateway.bootstrap import Gateway
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.trial import (
    TooLargeError,
    open_trial_receipt,
    promote_trial,
    receive_trial,
)
from gateway.receipts.read import open_receipt
from schemas.batch import Batch, Route
from schemas.errors import UnknownError
from schemas.identity import Caller
from schemas.sent import BatchFilter
from schemas.statuses import BatchState, Verdict
from schemas.trial import Trial
from store.unit_of_work import UnitOfWork

router = APIRouter(
    prefix="/feeds",
    tags=["feeds"],
    dependencies=[Security(get_caller), Depends(check_parameters)],
)
fhir_router = APIRouter(
    prefix="/adverse-event/fhir",
    tags=["AdverseEvent"],
    dependencies=[Security(get_caller), Depends(check_parameters)],
)
Writer = Annotated[Caller, Security(get_caller, scopes=["feed.write"])]
Reader = Annotated[Caller, Security(get_caller, scopes=["feed.read"])]
FeedId = Annotated[str, Path(max_length=32, description="the feed's id, b-…")]
Limit = Annotated[int, Query(ge=1, le=500, description="how many on a page at most")]
DryRun = Annotated[bool, Query(alias="dry-run", description="only say what loading it would do")]
_POLL_SECONDS: Final = 2
_DONE: Final = ("finished", "held", "checked")


@router.post(
    "",
    status_code=202,
    responses={**documented.ACCEPTED, **documented.FEED_PROBLEMS},
    openapi_extra=documented.FEED_TAKES,
)
async def send_feed(
    request: Request,
    caller: Writer,
    filename: Annotated[str, Query(max_length=255, description="to remember it by")] = "feed",
    dry_run: DryRun = False,
) -> JSONResponse:
    """Send a feed: FHIR Bundle or NDJSON, XML, CSV or JSON, as the source is registered; also
    packed by gzip or zip. The same bytes again are the same feed."""
    take = _receive_trial if dry_run else _receive
    found = await run_in_threadpool(take, request, caller, filename)
    return _accept(request, found)


@fhir_router.post(
    "",
    status_code=202,
    responses={**documented.ACCEPTED, **documented.BUNDLE_PROBLEMS},
    openapi_extra=documented.BUNDLE_TAKES,
)
async def send_bundle(request: Request, caller: Writer, dry_run: DryRun = False) -> JSONResponse:
    """Send a FHIR Bundle of type batch. Its ``batch-response`` is at Content-Location, once it is
    loaded."""
    take = _receive_trial if dry_run else _receive
    await run_in_threadpool(_check_sends_fhir, request, caller)
    found = await run_in_threadpool(take, request, caller, "POST Bundle")
    return _accept(request, found, at=f"/feeds/{found.id}/receipt?format=fhir")


@router.get("", responses={**documented.FEEDS, **documented.READ_PROBLEMS})
def list_feeds(  # noqa: PLR0913, PLR0917 - a parameter each
    request: Request,
    caller: Reader,
    state: Annotated[BatchState | None, Query(description="how far it is")] = None,
    verdict: Annotated[Verdict | None, Query(description="what became of it")] = None,
    route: Annotated[Route | None, Query(description="how it came")] = None,
    since: Annotated[Instant | None, Query(description="received then or later")] = None,
    until: Annotated[Instant | None, Query(description="received before")] = None,
    before: Annotated[
        str | None, Query(max_length=32, description="go on behind this feed, as ``next`` has it")
    ] = None,
    limit: Limit = 50,
) -> JSONResponse:
    """Your feeds and single requests, the newest first."""
    gateway: Gateway = request.app.state.gateway
    wanted = BatchFilter(
        state=state, verdict=verdict, route=route, since=since, until=until, before=before
    )
    with gateway.store.read() as work:
        if before is not None:
            check_loaded(work, caller, before)
        found = work.own_batches.find_all(caller.source_id, wanted, limit + 1)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        following = link_next(request, before=shown[-1].id)
    return JSONResponse({"feeds": [show_batch(one) for one in shown], "next": following})


@router.get("/{id}", responses={**documented.STATUS, **documented.READ_PROBLEMS})
def get_feed(request: Request, id: FeedId, caller: Reader) -> JSONResponse:  # noqa: A002
    """How far a feed of yours is: 202 until there is a receipt, with when to ask again."""
    gateway: Gateway = request.app.state.gateway
    found = _get_own(gateway, caller, id)
    status, headers = _tell_how_far(found)
    if isinstance(found, Trial):
        return JSONResponse(show_trial(found), status, headers)
    counts = None
    if found.state == "planned":
        with gateway.store.read() as work:
            counts = work.receipts.count(found.number)
    return JSONResponse(show_batch(found, counts), status, headers)


@router.get(
    "/{id}/receipt",
    response_class=Response,
    responses={**documented.RECEIPT, **documented.RECEIPT_PROBLEMS},
)
def get_receipt(
    request: Request,
    id: FeedId,  # noqa: A002
    caller: Reader,
    format: Annotated[  # noqa: A002
        ReceiptForm | None, Query(description="without it, by the header Accept")
    ] = None,
) -> Response:
    """What became of a feed of yours, record by record, in feed order."""
    gateway: Gateway = request.app.state.gateway
    form = format or _choose_form(request.headers.get("accept", ""))
    found = _get_own(gateway, caller, id)
    status, headers = _tell_how_far(found)
    if status != 200:
        shown = show_trial(found) if isinstance(found, Trial) else show_batch(found)
        return JSONResponse(shown, status, headers)
    with gateway.store.read() as work:
        is_fhir = work.sources.get(caller.source_id).format == "fhir"
    opened = (
        open_trial_receipt(gateway, found)
        if isinstance(found, Trial)
        else open_receipt(gateway, found.id)
    )
    base = f"{gateway.settings.public_url.rstrip('/')}/adverse-event/fhir"
    pieces = begin_receipt(opened, form, is_fhir=is_fhir, base=base)
    return StreamingResponse(pieces, media_type=MEDIA_TYPES[form])


@router.post(
    "/{id}/promote",
    status_code=202,
    responses={**documented.ACCEPTED, **documented.PROMOTE_PROBLEMS},
)
def promote_feed(request: Request, id: FeedId, caller: Writer) -> JSONResponse:  # noqa: A002
    """Load a feed that was a dry run, without sending it again."""
    gateway: Gateway = request.app.state.gateway
    found = _get_own(gateway, caller, id)
    batch = promote_trial(gateway, found) if isinstance(found, Trial) else found
    return _accept(request, batch)


def _receive(request: Request, caller: Caller, filename: str) -> Batch:
    gateway: Gateway = request.app.state.gateway
    stream = _open(request)
    batch, _ = receive_feed(gateway, caller.source_id, stream, filename=filename, route="http")
    return batch


def _receive_trial(request: Request, caller: Caller, filename: str) -> Batch | Trial:
    gateway: Gateway = request.app.state.gateway
    stream = _open(request, gateway.settings.max_trial_bytes)
    try:
        return receive_trial(gateway, caller.source_id, stream, filename=filename)
    except TooLargeError as error:
        raise ApiProblem(413, "body-too-large", "Too large for a dry run", str(error)) from None


def _check_sends_fhir(request: Request, caller: Caller) -> None:
    gateway: Gateway = request.app.state.gateway
    with gateway.store.read() as work:
        source = work.sources.get(caller.source_id)
    if source.format != "fhir":
        raise ApiProblem(
            409,
            "format-differs",
            "This source does not send FHIR",
            f"It is registered to send {source.format}: send its feeds to POST /feeds.",
        )


def _open(request: Request, most: int | None = None) -> Any:
    check_feed_type(request)
    settings = request.app.state.gateway.settings
    limit = min(settings.max_feed_bytes, most or settings.max_feed_bytes)
    return Incoming(request, limit=limit, idle_seconds=settings.idle_seconds)


def _accept(request: Request, found: Batch | Trial, *, at: str = "") -> JSONResponse:
    """202: it is kept, and its status tells the rest."""
    worker: FeedWorker = request.app.state.feed_worker
    worker.wake(found.id)
    headers = {"Content-Location": at or f"/feeds/{found.id}", "Retry-After": str(_POLL_SECONDS)}
    shown = show_trial(found) if isinstance(found, Trial) else show_batch(found)
    return JSONResponse(shown, 202, headers)


def _get_own(gateway: Gateway, caller: Caller, feed_id: str) -> Batch | Trial:
    with gateway.store.read() as work:
        batch = work.own_batches.find(caller.source_id, feed_id)
        if batch is not None:
            return batch
        trial = work.trials.find(feed_id)
    if trial is None or trial.source_id != caller.source_id:
        raise UnknownError("no feed of yours has this id")
    return trial


def _tell_how_far(found: Batch | Trial) -> tuple[int, dict[str, str]]:
    if found.state in _DONE:
        return 200, {}
    return 202, {"Retry-After": str(_POLL_SECONDS)}


def check_loaded(work: UnitOfWork, caller: Caller, feed_id: str) -> None:
    """UnknownError where no feed of theirs has that id: an empty list would say that all is well.
    Of a dry run there are no records to list."""
    if work.own_batches.find(caller.source_id, feed_id) is None:
        raise UnknownError(
            "no feed of yours has this id, or it is a dry run: what that found is in its receipt"
        )


def _choose_form(accept: str) -> ReceiptForm:
    """The one of the header that is wanted most, of equals the first; JSON for anything, 406 for
    nothing of ours."""
    if not accept.strip():
        return "json"
    for one in read_accept(accept):
        for form, media_type in MEDIA_TYPES.items():
            if one == media_type.partition(";")[0]:
                return form
        if one in ("*/*", "application/*"):
            return "json"
        if one == "text/*":
            return "csv"
    raise ApiProblem(
        406,
        "not-acceptable",
        "A receipt has no such form",
        f"Accepted: {', '.join(get_args(ReceiptForm))}, or their media types:"
        f" {', '.join(MEDIA_TYPES.values())}.",
    )
