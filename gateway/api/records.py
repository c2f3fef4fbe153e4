"""Replay for vendors: the rejected records of a source, what was sent, and the corrected record
that is sent in its place."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from gateway.api import documented_feeds as documented
from gateway.api.bodies import check_feed_type
from gateway.api.caller import get_caller
from gateway.api.feed_answers import MEDIA_TYPES, Json, begin_receipt, link_next
from gateway.api.feeds import Limit, check_loaded
from gateway.api.incoming import Incoming
from gateway.api.instants import Instant
from gateway.api.parameters import check_parameters
from gateway.api.problems import ApiProblem
from gateway.bootstrap import Gateway
from gateway.pipeline.correct import CorrectionRefusedError, correct_record, get_own_record
from gateway.pipeline.record_content import find_content
from gateway.receipts.build import word_finding
from gateway.receipts.read import open_receipt
from schemas.batch import Batch
from schemas.identity import Caller
from schemas.sent import Correction, RejectedFilter, SentRecord

router = APIRouter(tags=["records"], dependencies=[Security(get_caller), Depends(check_parameters)])
Writer = Annotated[Caller, Security(get_caller, scopes=["feed.write"])]
Reader = Annotated[Caller, Security(get_caller, scopes=["feed.read"])]
FeedId = Annotated[str, Path(max_length=32, description="the feed's id, b-…")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="the record's number in the feed")]
_FINDING: Final = r"^[A-Z]{3,4}-\d{3}$"
_AFTER: Final = r"^b-[0-9a-z]{1,14}:[1-9]\d{0,9}$"
# A correction in CSV brings its header along.
_MOST_AROUND: Final = 2**20


@router.get("/rejected", responses={**documented.REJECTED, **documented.READ_PROBLEMS})
def list_rejected(  # noqa: PLR0913, PLR0917 - a parameter each
    request: Request,
    caller: Reader,
    feed: Annotated[str | None, Query(max_length=32, description="only of this feed")] = None,
    code: Annotated[
        str | None, Query(pattern=_FINDING, description="with this finding, as RULE-010")
    ] = None,
    corrected: Annotated[
        bool | None, Query(description="whether a record in its place was accepted")
    ] = None,
    since: Annotated[Instant | None, Query(description="received then or later")] = None,
    until: Annotated[Instant | None, Query(description="received before")] = None,
    after: Annotated[
        str | None,
        Query(
            pattern=_AFTER,
            description="go on behind this record, feed:number, as ``next`` has it",
        ),
    ] = None,
    limit: Limit = 50,
) -> JSONResponse:
    """Your rejected records, of the newest feed first, each with its findings."""
    gateway: Gateway = request.app.state.gateway
    wanted = RejectedFilter(
        batch_id=feed,
        code=code,
        corrected=corrected,
        since=since,
        until=until,
        after=_read_place(after) if after else None,
    )
    with gateway.store.read() as work:
        for named in (feed, wanted.after[0] if wanted.after else None):
            if named is not None:
                check_loaded(work, caller, named)
        found = work.own_records.find_rejected(caller.source_id, wanted, limit + 1)
    shown = found[:limit]
    following = None
    if len(found) > limit:
        last = f"{shown[-1].batch_id}:{shown[-1].line.number}"
        following = link_next(request, after=last)
    return JSONResponse({"records": [show_record(one) for one in shown], "next": following})


@router.get(
    "/feeds/{id}/records/{number}",
    responses={**documented.RECORD, **documented.READ_PROBLEMS},
)
def get_record(request: Request, id: FeedId, number: Number, caller: Reader) -> JSONResponse:  # noqa: A002
    """A record of yours: what became of it, and what was sent in its place."""
    gateway: Gateway = request.app.state.gateway
    return JSONResponse(show_record(get_own_record(gateway, caller.source_id, id, number)))


@router.get(
    "/feeds/{id}/records/{number}/content",
    response_class=Response,
    responses={**documented.CONTENT, **documented.READ_PROBLEMS},
)
def get_content(request: Request, id: FeedId, number: Number, caller: Reader) -> Response:  # noqa: A002
    """A record as you sent it."""
    gateway: Gateway = request.app.state.gateway
    get_own_record(gateway, caller.source_id, id, number)
    with gateway.store.read() as work:
        batch = work.batches.get(id)
    found = find_content(gateway, batch, number)
    return Response(found.content, media_type=found.media_type)


@router.put(
    "/feeds/{id}/records/{number}",
    response_class=Response,
    responses={**documented.CORRECTED, **documented.CORRECTION_PROBLEMS},
    openapi_extra=documented.CORRECTION_TAKES,
)
async def put_record(request: Request, id: FeedId, number: Number, caller: Writer) -> Response:  # noqa: A002
    """Send a corrected record in the place of a rejected one. The original is kept, and the two
    are linked. The answer is its receipt: 200 where it is accepted, 422 where it is not yet."""
    gateway: Gateway = request.app.state.gateway
    settings = gateway.settings
    check_feed_type(request)
    stream: Any = Incoming(
        request,
        limit=settings.max_record_bytes + _MOST_AROUND,
        idle_seconds=settings.idle_seconds,
    )

    base = f"{settings.public_url.rstrip('/')}/adverse-event/fhir"

    def correct() -> tuple[Batch, Iterator[bytes]]:
        try:
            batch = correct_record(gateway, caller.source_id, id, number, stream)
        except CorrectionRefusedError as error:
            raise ApiProblem(
                422, "correction-refused", "This cannot stand in its place", str(error)
            ) from None
        is_fhir = batch.profile == "fhir"
        opened = open_receipt(gateway, batch.id)
        return batch, begin_receipt(opened, "json", is_fhir=is_fhir, base=base)

    batch, pieces = await run_in_threadpool(correct)
    return StreamingResponse(
        pieces,
        422 if batch.verdict == "rejected" else 200,
        {"Content-Location": f"/feeds/{batch.id}/receipt"},
        media_type=MEDIA_TYPES["json"],
    )


def show_record(record: SentRecord) -> Json:
    line = record.line
    at = f"/feeds/{record.batch_id}/records/{line.number}"
    corrects = record.corrects
    return {
        "feed": record.batch_id,
        "number": line.number,
        "received_at": record.received_at.isoformat(timespec="seconds"),
        "locator": line.locator,
        "local_id": line.local_id,
        "disposition": line.disposition,
        "reference": line.reference,
        "revision": line.revision,
        "findings": [_show_finding(one) for one in line.findings],
        "corrected": record.is_corrected,
        "corrections": [_show_correction(one) for one in record.corrections],
        "corrects": f"/feeds/{corrects[0]}/records/{corrects[1]}" if corrects else None,
        "links": {"self": at, "content": f"{at}/content", "feed": f"/feeds/{record.batch_id}"},
    }


def _show_finding(finding: Any) -> Json:
    worded = word_finding(finding)
    return {name: getattr(worded, name) for name in worded.__struct_fields__}


def _show_correction(one: Correction) -> Json:
    return {
        "feed": one.batch_id,
        "disposition": one.disposition,
        "received_at": one.created_at.isoformat(timespec="seconds"),
        "receipt": f"/feeds/{one.batch_id}/receipt",
    }


def _read_place(after: str) -> tuple[str, int]:
    batch_id, _, number = after.partition(":")
    return batch_id, int(number)
