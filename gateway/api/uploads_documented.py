"""What the OpenAPI document says of ``/uploads``: tus puts all it has to say into headers, which
the routes read themselves, as the protocol and not as a form."""

from typing import Any, Final

from fastapi import Response

from gateway.api.documented import PROBLEM, document, make_header
from gateway.api.problems import PROBLEM_JSON
from gateway.api.tus import CONTENT_TYPE, MOST_METADATA, OVERRIDES, VERSION

# What a route's decorator takes besides its address.
Route = dict[str, Any]

_TOLD: Final = {
    400: "a header cannot be read, or the body broke off (what came is kept)",
    401: "no key or token that is good now",
    403: "the key or token lacks the scope feed.write",
    404: "no such upload of yours",
    408: "nothing came for a minute; what came is kept",
    409: "the upload stands elsewhere (Upload-Offset), or another request writes to it",
    410: "it was not finished in time",
    412: "another version of tus",
    413: "more bytes than the upload has, or a feed may have",
    415: f"the body is not {CONTENT_TYPE}",
    429: "too many unfinished uploads, or requests; Retry-After",
    460: "the bytes are not those of the checksum; none of them was kept",
    500: "a fault of the gateway",
    503: "the gateway cannot answer now; Retry-After",
}
_ALWAYS: Final = (401, 403, 429, 500, 503)
_OF_ONE: Final = (404, 409, 410, 412)
_OF_BODY: Final = (400, 408, 409, 412, 413, 415, 460)


def _take(name: str, schema: dict[str, Any], told: str, *, required: bool = True) -> dict[str, Any]:
    where = {"name": name, "in": "header", "required": required}
    return {**where, "schema": schema, "description": told}


def _give(**told: str) -> dict[str, Any]:
    return {name.replace("_", "-"): make_header(text) for name, text in told.items()}


_BYTES: Final = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
_VERSION: Final = _take("Tus-Resumable", {"type": "string", "enum": [VERSION]}, "version of tus")
_LENGTH: Final = _take("Upload-Length", _BYTES, "bytes of the whole feed")
_OFFSET: Final = _take("Upload-Offset", _BYTES, "where these bytes begin: where the upload stands")
_METADATA: Final = _take(
    "Upload-Metadata",
    {"type": "string", "maxLength": MOST_METADATA},
    "pairs of key and base64, between commas: filename; dry-run (true: check it, load nothing)",
    required=False,
)
_CHECKSUM: Final = _take(
    "Upload-Checksum",
    {
        "type": "string",
        "pattern": "^sha(1|256|512) [A-Za-z0-9+/]{27,86}={1,2}$",
        "examples": ["sha256 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
    },
    "digest of this body, in base64: it is taken whole or not at all",
    required=False,
)
_OVERRIDE: Final = _take(
    "X-HTTP-Method-Override", {"type": "string", "enum": list(OVERRIDES)}, "what is meant"
)
_NAMED: Final = _give(Tus_Resumable="version of tus")
_STANDS: Final = _NAMED | _give(
    Upload_Offset="how many bytes are safe: go on from here",
    Upload_Expires="when it is removed unless it is finished",
    Content_Location="once all of it came: the batch, /feeds/{id}",
)
_BODY: Final = {CONTENT_TYPE: {"schema": {"type": "string", "format": "binary"}}}


def _make(
    done: dict[int, tuple[str, dict[str, Any]]],
    refused: tuple[int, ...],
    *takes: dict[str, Any],
    body: dict[str, Any] | None = None,
) -> Route:
    """``done``: what is answered where it went well, in words and headers."""
    responses: dict[int, dict[str, Any]] = {
        status: {"description": told, "headers": gives} for status, (told, gives) in done.items()
    }
    for status in sorted({*refused, *_ALWAYS}):
        responses[status] = document(_TOLD[status], PROBLEM_JSON, PROBLEM)
    extra: dict[str, Any] = {"parameters": list(takes)} if takes else {}
    if body is not None:
        extra["requestBody"] = body
    return {
        "status_code": next(iter(done)),
        "response_class": Response,
        "responses": responses,
        "openapi_extra": extra,
    }


_SPOKEN: Final = _NAMED | _give(
    Tus_Version="versions",
    Tus_Extension="extensions",
    Tus_Checksum_Algorithm="for Upload-Checksum",
    Tus_Max_Size="bytes that a feed may have",
)
_BEGUN: Final = _STANDS | _give(Location="the upload: PATCH it")
_FOUND: Final = _STANDS | _give(
    Upload_Length="bytes of the whole feed", Upload_Metadata="as it was given"
)
_SAFE: Final = "Every byte up to Upload-Offset is on the disk"
_EITHER: Final = {"required": False, "content": _BODY}

OPTIONS: Final = _make({204: ("What is spoken", _SPOKEN)}, ())
POST: Final = _make(
    {201: ("Begun; done, where all of it came", _BEGUN)},
    _OF_BODY,
    *(_VERSION, _LENGTH, _METADATA, _CHECKSUM),
    body=_EITHER,
)
HEAD: Final = _make({200: ("Where it stands", _FOUND)}, _OF_ONE, _VERSION)
PATCH: Final = _make(
    {204: (_SAFE, _STANDS)},
    (*_OF_ONE, *_OF_BODY),
    *(_VERSION, _OFFSET, _CHECKSUM),
    body={"required": True, "content": _BODY},
)
DELETE: Final = _make({204: ("Ended", _NAMED)}, _OF_ONE, _VERSION)
OVERRIDE: Final = _make(
    {204: ("As PATCH or DELETE would answer", _STANDS), 200: ("As HEAD would", _FOUND)},
    (*_OF_ONE, *_OF_BODY),
    *(_VERSION, _OVERRIDE, {**_OFFSET, "required": False}, _CHECKSUM),
    body=_EITHER,
)
