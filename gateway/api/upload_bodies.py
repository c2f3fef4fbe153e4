"""The body of a request that carries bytes of an upload: taken in blocks, each of them on the disk
before the next one is waited for, so that memory stays flat and a cut costs a block at most."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from gateway.api.problem_codes import Code
from gateway.api.problems import ApiProblem
from gateway.api.throttle import add_unannounced
from gateway.api.tus import ALGORITHMS, Checksum
from gateway.bootstrap import Gateway
from gateway.pipeline.upload import append_to_upload
from schemas.upload import Upload
from store.partial_files import TooLongError

_BLOCK: Final = 4 * 2**20
# A sender that is silent for so long is gone; what came is kept.
SILENT_SECONDS: Final = 60.0


async def take_body(
    request: Request,
    gateway: Gateway,
    upload: Upload,
    offset: int,
    *,
    checksum: Checksum | None = None,
) -> int:
    """Where the upload stands after this body, which begins at ``offset``. With a checksum it is
    taken whole or not at all (460); without, what came before a cut is kept."""
    blocks = read_blocks(request, upload.length - offset)
    if checksum is not None:
        return await _take_checked(blocks, gateway, upload, offset, checksum)
    async for block in blocks:
        offset = await run_in_threadpool(append_to_upload, gateway, upload, offset, [block])
    return offset


async def read_blocks(
    request: Request, most: int, *, seconds: float = SILENT_SECONDS
) -> AsyncGenerator[bytes]:
    """Its last block is given only once the body ends with it, so that one that is longer than
    ``most`` (TooLongError) never makes an upload whole."""
    block, count = bytearray(), 0
    cut: ApiProblem | None = None
    try:
        async for chunk in _unless_silent(request.stream(), seconds):
            count += len(chunk)
            add_unannounced(request, len(chunk))
            if count > most:
                raise TooLongError(f"{most} bytes are missing, and more came")
            if len(block) >= _BLOCK:
                yield bytes(block)
                block.clear()
            block += chunk
    except ClientDisconnect:
        cut = _make_cut(400, "body-cut-off", "The body broke off")
    except TimeoutError:
        cut = _make_cut(408, "body-too-slow", f"Nothing came for {seconds:g} seconds")
    if block:
        yield bytes(block)
    if cut:
        raise cut


async def _unless_silent(chunks: AsyncIterator[bytes], seconds: float) -> AsyncGenerator[bytes]:
    while True:
        async with asyncio.timeout(seconds):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        yield chunk


async def _take_checked(
    blocks: AsyncIterator[bytes],
    gateway: Gateway,
    upload: Upload,
    offset: int,
    checksum: Checksum,
) -> int:
    digest: Any = ALGORITHMS[checksum.algorithm]()
    with gateway.partial.open_spool() as spool:

        def keep(block: bytes) -> None:
            digest.update(block)
            spool.write(block)

        async for block in blocks:
            await run_in_threadpool(keep, block)
        if digest.digest() != checksum.digest:
            raise ApiProblem(
                460,
                "checksum-mismatch",
                "The bytes are not those of the checksum",
                "None of them was kept: send the same piece again.",
            )
        spool.seek(0)
        again = iter(lambda: spool.read(_BLOCK), b"")
        return await run_in_threadpool(append_to_upload, gateway, upload, offset, again)


def _make_cut(status: int, code: Code, title: str) -> ApiProblem:
    return ApiProblem(
        status,
        code,
        title,
        "Ask by HEAD what was kept, and go on from there.",
        headers={"Connection": "close"},
    )
