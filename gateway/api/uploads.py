"""Resumable uploads (tus 1.0.0): a feed of any size, in pieces, taken up again where it broke off.
Each request is asked who calls; another source's upload is not there."""

from contextlib import suppress
from email.utils import format_datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Request, Response, Security
from starlette.concurrency import run_in_threadpool

from gateway.api import tus
from gateway.api import uploads_documented as documented
from gateway.api.caller import get_caller
from gateway.api.feed_worker import FeedWorker
from gateway.api.problems import ApiProblem
from gateway.api.upload_bodies import take_body
from gateway.api.upload_problems import problems_told
from gateway.bootstrap import Gateway
from gateway.pipeline.upload import (
    begin_upload,
    end_upload,
    finish_upload,
    get_upload,
)
from schemas.errors import GatewayError
from schemas.identity import Caller
from schemas.upload import Upload
from store.partial_files import BusyError, OffsetError, TooLongError

_UNNAMED: Final = "feed"
UploadId = Annotated[str, Path(description="of an upload")]
Sender = Annotated[Caller, Security(get_caller, scopes=["feed.write"])]


def _name_protocol(request: Request) -> None:
    """On every answer, also those that something else gives."""
    request.scope.setdefault("lrms.headers", {})["Tus-Resumable"] = tus.VERSION


router = APIRouter(
    prefix="/uploads",
    tags=["resumable uploads"],
    dependencies=[Depends(_name_protocol), Security(get_caller, scopes=["feed.write"])],
)


@router.options("", **documented.OPTIONS)
def tell_options(request: Request) -> Response:
    """What of tus is spoken here"""
    most: int = request.app.state.gateway.settings.max_feed_bytes
    return Response(
        status_code=204,
        headers={
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Checksum-Algorithm": ",".join(tus.ALGORITHMS),
            "Tus-Max-Size": str(most),
        },
    )


@router.post("", **documented.POST)
async def begin(request: Request, caller: Sender) -> Response:
    """Begin an upload, with its first bytes or without"""
    tus.check_version(request.headers.get("tus-resumable"))
    gateway: Gateway = request.app.state.gateway
    length = _parse_length(request)
    metadata = tus.parse_metadata(request.headers.get("upload-metadata"))
    checksum = tus.parse_checksum(request.headers.get("upload-checksum"))
    has_body = _has_body(request)
    with problems_told(gateway):
        if has_body:
            tus.check_content_type(request.headers.get("content-type"))
            _check_room(request, length)
        upload = await run_in_threadpool(
            begin_upload,
            gateway,
            caller.source_id,
            length=length,
            filename=metadata.filename or _UNNAMED,
            metadata=metadata.text,
            dry_run=metadata.dry_run,
        )
        offset = 0
        if has_body:
            try:
                offset = await take_body(request, gateway, upload, 0, checksum=checksum)
            except (ApiProblem, GatewayError):
                # Nobody knows its address yet: nobody could go on with it.
                await run_in_threadpool(end_upload, gateway, upload)
                raise
        upload = await _finish_if_whole(request, upload, offset)
    headers = {"Location": f"/uploads/{upload.id}"} | _tell(upload, offset)
    return Response(status_code=201, headers=headers)


@router.head("/{id}", **documented.HEAD)
async def tell(request: Request, id: UploadId, caller: Sender) -> Response:  # noqa: A002
    """How much of it is safe, and what became of it"""
    tus.check_version(request.headers.get("tus-resumable"))
    gateway: Gateway = request.app.state.gateway
    with problems_told(gateway):
        upload, offset = await run_in_threadpool(get_upload, gateway, caller.source_id, id)
        # Whole, but whoever sent the last bytes was not told so: a killed process, a lost line.
        with suppress(BusyError):
            upload = await _finish_if_whole(request, upload, offset)
    headers = _tell(upload, offset) | {"Upload-Length": str(upload.length)}
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    return Response(status_code=200, headers=headers)


@router.patch("/{id}", **documented.PATCH)
async def append(request: Request, id: UploadId, caller: Sender) -> Response:  # noqa: A002
    """The next bytes of it; with the last of them it becomes a batch"""
    tus.check_version(request.headers.get("tus-resumable"))
    gateway: Gateway = request.app.state.gateway
    tus.check_content_type(request.headers.get("content-type"))
    wanted = tus.parse_number(request.headers, "Upload-Offset")
    checksum = tus.parse_checksum(request.headers.get("upload-checksum"))
    with problems_told(gateway):
        upload, offset = await run_in_threadpool(get_upload, gateway, caller.source_id, id)
        if wanted != offset:
            raise OffsetError(offset)
        _check_room(request, upload.length - offset)
        offset = await take_body(request, gateway, upload, offset, checksum=checksum)
        upload = await _finish_if_whole(request, upload, offset)
    return Response(status_code=204, headers=_tell(upload, offset))


@router.delete("/{id}", **documented.DELETE)
async def end(request: Request, id: UploadId, caller: Sender) -> Response:  # noqa: A002
    """End it; a batch that it became stays"""
    tus.check_version(request.headers.get("tus-resumable"))
    gateway: Gateway = request.app.state.gateway
    with problems_told(gateway):
        upload, _ = await run_in_threadpool(get_upload, gateway, caller.source_id, id)
        await run_in_threadpool(end_upload, gateway, upload)
    return Response(status_code=204)


@router.post("/{id}", **documented.OVERRIDE)
async def override(request: Request, id: UploadId, caller: Sender) -> Response:  # noqa: A002
    """PATCH, DELETE or HEAD, by clients whose network lets only GET and POST through"""
    method = request.headers.get("x-http-method-override", "").upper()
    if method == "PATCH":
        return await append(request, id, caller)
    if method == "DELETE":
        return await end(request, id, caller)
    if method == "HEAD":
        return await tell(request, id, caller)
    raise ApiProblem(
        400,
        "tus-header",
        "A POST to an upload says what it stands for",
        f"Send the header X-HTTP-Method-Override: {', '.join(tus.OVERRIDES)}.",
    )


async def _finish_if_whole(request: Request, upload: Upload, offset: int) -> Upload:
    if upload.batch_id or offset < upload.length:
        return upload
    done = await run_in_threadpool(finish_upload, request.app.state.gateway, upload)
    if done.batch_id:
        worker: FeedWorker = request.app.state.feed_worker
        worker.wake(done.batch_id)
    return done


def _tell(upload: Upload, offset: int) -> dict[str, str]:
    told = {"Upload-Offset": str(offset), "Cache-Control": "no-store"}
    if upload.batch_id:
        return told | {"Content-Location": f"/feeds/{upload.batch_id}"}
    return told | {"Upload-Expires": format_datetime(upload.expires_at, usegmt=True)}


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers


def _parse_length(request: Request) -> int:
    if "upload-defer-length" in request.headers:
        raise ApiProblem(
            400,
            "tus-header",
            "An upload is begun with its length",
            "Send the header Upload-Length; creation-defer-length is not spoken here.",
        )
    return tus.parse_number(request.headers, "Upload-Length")


def _check_room(request: Request, missing: int) -> None:
    """By what the caller says will come; what does come is counted all the same."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > missing:
        raise TooLongError(f"{missing} bytes are missing, and more would come")
