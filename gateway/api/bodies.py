"""Reads a request's body under limits of type, size and time, before anything looks at it."""

import asyncio
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from gateway.api.problems import ApiProblem

JSON_TYPES: Final = frozenset(
    {"application/json", "application/fhir+json", "application/json+fhir", "text/json"}
)
# As some clients name a zip.
PACKED: Final = frozenset({"", "identity", "gzip", "x-gzip", "zip"})


def check_json_type(request: Request) -> None:
    """415 for anything but JSON as it is; some clients name no type at all."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found and found not in JSON_TYPES:
        raise ApiProblem(
            415,
            "unsupported-media-type",
            "This address takes JSON",
            "Send Content-Type: application/fhir+json. Feeds in other formats go to POST /feeds.",
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ApiProblem(
            415,
            "unsupported-encoding",
            "This address takes no packed bodies",
            "Send the event as it is, without Content-Encoding; gzip goes to POST /feeds.",
        )


def check_feed_type(request: Request) -> None:
    """415 where the bytes of the feed stand within something else, or are packed in a way that we
    do not unpack. Any other type is taken: many clients name a wrong one."""
    if request.headers.get("content-type", "").strip().lower().startswith("multipart/"):
        raise ApiProblem(
            415,
            "unsupported-media-type",
            "This address takes the file itself, not a form",
            "Send its bytes as the body (curl: --data-binary @FILE, not -F), with Content-Type:"
            " application/octet-stream.",
        )
    if request.headers.get("content-encoding", "identity").strip().lower() not in PACKED:
        raise ApiProblem(
            415,
            "unsupported-encoding",
            "That way of packing is not known here",
            "Send the feed as it is, or as gzip or zip.",
        )


def check_length(request: Request, limit: int) -> None:
    """What the caller says it will send; what it does send is counted all the same."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise make_too_large(limit)


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body: at most ``limit`` bytes, within ``seconds``."""
    check_length(request, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise make_too_large(limit)
    except TimeoutError:
        raise ApiProblem(
            408,
            "body-too-slow",
            "The body did not come in time",
            f"Send it within {seconds:g} seconds.",
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise ApiProblem(400, "body-cut-off", "The body broke off", "Send it again.") from None
    return bytes(body)


def make_too_large(limit: int) -> ApiProblem:
    return ApiProblem(
        413,
        "body-too-large",
        "The body is too large",
        f"At most {limit:,} bytes are taken here.",
        headers={"Connection": "close"},
    )
