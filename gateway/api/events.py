"""``/adverse-event/fhir/AdverseEvent``: the national wire contract, as clients of the national
service use it."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response, Security
from starlette.concurrency import run_in_threadpool

from gateway.api import documented
from gateway.api.bodies import check_json_type, read_body
from gateway.api.caller import QuickRoute, get_caller
from gateway.api.event_answers import answer_event, encode_version, make_version_headers
from gateway.api.headers import (
    read_idempotency_key,
    read_if_match,
    read_if_none_exist,
    read_preference,
    read_token,
)
from gateway.api.loading import Loader
from gateway.api.parameters import check_no_dry_run
from gateway.api.problems import FHIR_JSON, ApiProblem
from gateway.api.throttle import add_unannounced
from gateway.bootstrap import Gateway
from gateway.fhir.bundles import make_history, make_searchset
from gateway.fhir.outcomes import make_outcome
from gateway.fhir.parameters import take_parameter
from gateway.pipeline.submit import Submitting
from gateway.pipeline.versions import (
    find_own_by_identifier,
    get_own_version,
    list_own_versions,
    write_version,
)
from gateway.sandbox.wishes import TO_REJECT
from schemas.asked import Asked
from schemas.identifiers import parse_reference
from schemas.identity import Caller

router = APIRouter(
    prefix="/adverse-event/fhir/AdverseEvent",
    tags=["AdverseEvent"],
    dependencies=[Security(get_caller)],
)
Writer = Annotated[Caller, Security(get_caller, scopes=["event.write"])]
Reader = Annotated[Caller, Security(get_caller, scopes=["event.read"])]
EventId = Annotated[str, Path(description="its id: the national reference number")]
Revision = Annotated[int, Path(ge=1, le=2**31 - 1, description="the version")]
_NONCE_BYTES: Final = 16


class _CreateRoute(QuickRoute):
    scopes = ("event.write",)


async def create_event(request: Request, caller: Writer) -> Response:
    """Record an event. The same event again, by its identifier or else by its content, is the same
    event: a retry never makes a second one."""
    only_new = read_if_none_exist(request)
    body = await _read_event(request)
    return await _submit(request, _make_asked(request, caller, body, only_new=only_new))


router.add_api_route(
    "",
    create_event,
    methods=["POST"],
    status_code=201,
    response_class=Response,
    responses={**documented.CREATED, **documented.CREATE_PROBLEMS},
    openapi_extra=documented.CREATE_TAKES,
    route_class_override=_CreateRoute,
)


@router.put(
    "/{id}",
    response_class=Response,
    responses={**documented.UPDATED, **documented.UPDATE_PROBLEMS},
    openapi_extra=documented.UPDATE_TAKES,
)
async def update_event(request: Request, id: EventId, caller: Writer) -> Response:  # noqa: A002
    """Replace an event's content; what it was before stays in its history."""
    event_id, expected = _get_event_id(id), read_if_match(request)
    body = await _read_event(request)
    asked = _make_asked(request, caller, body, event_id=event_id, expected=expected)
    return await _submit(request, asked)


@router.post(
    "/$validate",
    response_class=Response,
    responses={**documented.OUTCOME, **documented.CHECK_PROBLEMS},
    openapi_extra=documented.VALIDATE_TAKES,
)
async def validate_event(request: Request, caller: Writer) -> Response:
    """What recording this event would find. Nothing is stored. The event as it is, or as the
    parameter ``resource`` of a Parameters."""
    body = take_parameter(await _read_event(request), "resource")
    asked = _make_asked(request, caller, body)
    submitting: Submitting = request.app.state.submitting
    judged = await run_in_threadpool(submitting.validate, asked)
    if judged.not_allowed:
        request.app.state.meter.refuse(asked.source_id)
    status = 403 if judged.not_allowed else 200
    return Response(make_outcome(judged.record.findings), status, media_type=FHIR_JSON)


@router.get(
    "",
    response_class=Response,
    responses={**documented.SEARCHSET, **documented.SEARCH_PROBLEMS},
)
async def find_event(
    request: Request,
    caller: Reader,
    identifier: Annotated[str, Query(min_length=1, description="your own id of the event")],
) -> Response:
    """The event that you recorded under an identifier of yours; an empty Bundle where there is
    none."""

    def find() -> bytes:
        gateway: Gateway = request.app.state.gateway
        found = find_own_by_identifier(gateway, caller.source_id, read_token(identifier))
        base = _get_base(gateway)
        events = [write_version(found)] if found else []
        link = f"{base}/AdverseEvent?identifier={quote(identifier, safe='')}"
        return make_searchset(events, base=base, link=link)

    return Response(await run_in_threadpool(find), media_type=FHIR_JSON)


@router.get(
    "/{id}",
    response_class=Response,
    responses={**documented.EVENT, **documented.READ_PROBLEMS},
)
async def read_event(request: Request, id: EventId, caller: Reader) -> Response:  # noqa: A002
    """An event that you recorded, as it is now."""
    return await _read_version(request, caller, id, None)


@router.get(
    "/{id}/_history",
    response_class=Response,
    responses={**documented.HISTORY, **documented.READ_PROBLEMS},
)
async def read_history(request: Request, id: EventId, caller: Reader) -> Response:  # noqa: A002
    """Every version of an event that you recorded, the newest first."""
    event_id = _get_event_id(id)

    def read() -> bytes:
        gateway: Gateway = request.app.state.gateway
        versions = list_own_versions(gateway, caller.source_id, event_id)
        base = _get_base(gateway)
        link = f"{base}/AdverseEvent/{id}/_history"
        return make_history([write_version(one) for one in versions], base=base, link=link)

    return Response(await run_in_threadpool(read), media_type=FHIR_JSON)


@router.get(
    "/{id}/_history/{revision}",
    response_class=Response,
    responses={**documented.EVENT, **documented.READ_PROBLEMS},
)
async def read_revision(
    request: Request,
    id: EventId,  # noqa: A002
    revision: Revision,
    caller: Reader,
) -> Response:
    """An event that you recorded, as it was at a version."""
    return await _read_version(request, caller, id, revision)


async def _read_version(
    request: Request, caller: Caller, reference: str, revision: int | None
) -> Response:
    event_id = _get_event_id(reference)

    def read() -> Response:
        gateway: Gateway = request.app.state.gateway
        version = get_own_version(gateway, caller.source_id, event_id, revision)
        headers = make_version_headers(version)
        return Response(encode_version(version), headers=headers, media_type=FHIR_JSON)

    return await run_in_threadpool(read)


async def _submit(request: Request, asked: Asked) -> Response:
    loader: Loader = request.app.state.loader
    answer = await loader.submit(asked)
    if answer.state == "refused":
        request.app.state.meter.refuse(asked.source_id)
    return answer_event(answer, read_preference(request))


async def _read_event(request: Request) -> bytes:
    check_json_type(request)
    check_no_dry_run(request)
    settings = request.app.state.gateway.settings
    body = await read_body(request, limit=settings.max_record_bytes, seconds=settings.body_seconds)
    add_unannounced(request, len(body))
    if (provoke := request.app.state.provoke) is not None:
        await provoke(request, body)
    return body


def _make_asked(
    request: Request,
    caller: Caller,
    body: bytes,
    *,
    event_id: int | None = None,
    expected: int | None = None,
    only_new: str | None = None,
) -> Asked:
    gateway: Gateway = request.app.state.gateway
    return Asked(
        source_id=caller.source_id,
        body=body,
        request_id=request.scope["lrms.request_id"],
        nonce=gateway.random_bytes(_NONCE_BYTES),
        event_id=event_id,
        expected=expected,
        only_new=only_new,
        key=read_idempotency_key(request),
        to_reject=request.scope.get(TO_REJECT, False),
    )


def _get_event_id(reference: str) -> int:
    event_id = parse_reference(reference)
    if event_id is None:
        raise ApiProblem(
            404,
            "not-found",
            "No such event",
            "An id is thirteen letters and digits, whose last one checks the others:"
            " 7K2M-9QXB-4T8D-V. It comes with the answer to the POST that created the event.",
        )
    return event_id


def _get_base(gateway: Gateway) -> str:
    return f"{gateway.settings.public_url.rstrip('/')}/adverse-event/fhir"
