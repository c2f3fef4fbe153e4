"""POST /oauth2/token: an access token for a client that signs. Its answers, also to what went
wrong, have the shape of OAuth 2 and of the NHS API platform."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from gateway.api.bodies import read_body
from gateway.api.documented import document, make_header
from gateway.api.problems import RETRY_SECONDS, ApiProblem
from gateway.bootstrap import Gateway
from gateway.identity.assertions import LONGEST
from gateway.identity.published_keys import KeysUnavailableError
from gateway.identity.refusals import INVALID, UNAVAILABLE, ClientRefusedError, make_invalid
from gateway.identity.tokens import ASSERTION_TYPE, GRANT_TYPE, IssuedToken, issue_token
from schemas.errors import UnavailableError
from schemas.identity import SCOPES, TOKEN_SECONDS

router = APIRouter(tags=["tokens"])

PATH: Final = "/oauth2/token"
FORM: Final = "application/x-www-form-urlencoded"
# The assertion, and as much again for the other fields and for what encoding them takes.
LONGEST_FORM: Final = 2 * LONGEST
FORM_SECONDS: Final = 10.0
_MOST_FIELDS: Final = 20
# RFC 6749, section 5.1.
_UNCACHED: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}

_ERROR: Final = {
    "type": "object",
    "required": ["error", "error_description", "message_id"],
    "properties": {
        "error": {"type": "string"},
        "error_description": {"type": "string"},
        "message_id": {"type": "string", "description": "the request id: quote it to us"},
    },
}
_TOKEN: Final = {
    "type": "object",
    "required": ["access_token", "expires_in", "token_type"],
    "properties": {
        "access_token": {"type": "string"},
        "expires_in": {"const": str(TOKEN_SECONDS), "description": "seconds, as a text"},
        "token_type": {"const": "Bearer"},
        "scope": {"type": "string", "description": "where it is less than was asked for"},
    },
}
_TAKEN: Final = {
    "type": "object",
    "required": ["grant_type", "client_assertion_type", "client_assertion"],
    "properties": {
        "grant_type": {"const": GRANT_TYPE},
        "client_assertion_type": {"const": ASSERTION_TYPE},
        "client_assertion": {
            "type": "string",
            "maxLength": LONGEST,
            "description": "a signed JWT: iss and sub are the id of the source, aud is the address"
            " of this endpoint, exp at most 5 minutes ahead, a jti of its own",
        },
        "scope": {"type": "string", "description": f"with blanks between, of {' '.join(SCOPES)}"},
        "client_id": {"type": "string", "description": "not needed"},
    },
}


def _document_error(told: str) -> dict[str, Any]:
    return document(told, "application/json", _ERROR)


_UNAVAILABLE: Final = _document_error("not now") | {
    "headers": {"Retry-After": make_header("after so many seconds")}
}


@router.post(
    PATH,
    summary="Get an access token",
    response_class=JSONResponse,
    responses={
        200: document("a token", "application/json", _TOKEN),
        400: _document_error("something about the request or the JWT is not as it must be"),
        401: _document_error("no such client, or the JWT is not signed by a key of it"),
        408: _document_error("the form did not come in time"),
        413: _document_error("the form is too large"),
        503: _UNAVAILABLE,
    },
    openapi_extra={"requestBody": {"required": True, "content": {FORM: {"schema": _TAKEN}}}},
)
async def post_token(request: Request) -> JSONResponse:
    """OAuth 2 client credentials, the client known by a JWT it signed (``private_key_jwt``)."""
    gateway: Gateway = request.app.state.gateway
    try:
        form = await _read_form(request)
        issued = await run_in_threadpool(issue_token, gateway, form)
    except ClientRefusedError as refusal:
        return _answer_error(request, refusal.status, refusal.error, refusal.description)
    except ApiProblem as problem:
        return _answer_error(
            request, problem.status, INVALID, f"{problem.title}. {problem.detail}", problem.headers
        )
    except UnavailableError as error:
        # Where it is their keys that cannot be read they must hear it; what ails us is ours.
        if isinstance(error, KeysUnavailableError):
            return answer_unavailable(request, str(error))
        return answer_unavailable(request)
    return _answer_token(issued)


async def _read_form(request: Request) -> dict[str, str]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise make_invalid(f"Content-Type must be {FORM}")
    body = await read_body(request, limit=LONGEST_FORM, seconds=FORM_SECONDS)
    try:
        fields = parse_qsl(
            body.decode("ascii"), max_num_fields=_MOST_FIELDS, keep_blank_values=True
        )
    except ValueError:
        raise make_invalid("The form cannot be read") from None
    form = dict(fields)
    if len(form) != len(fields):
        raise make_invalid("A field of the form is there twice")
    return form


def _answer_token(issued: IssuedToken) -> JSONResponse:
    told = {
        "access_token": issued.access_token,
        "expires_in": str(TOKEN_SECONDS),
        "token_type": "Bearer",
    }
    if issued.scope is not None:
        told["scope"] = issued.scope
    return JSONResponse(told, headers=_UNCACHED)


def answer_unavailable(request: Request, why: str = "no token can be issued") -> JSONResponse:
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return _answer_error(request, 503, UNAVAILABLE, f"Not now: {why}", headers)


def _answer_error(
    request: Request,
    status: int,
    error: str,
    description: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    told = {
        "error": error,
        "error_description": description,
        "message_id": request.scope.get("lrms.request_id", ""),
    }
    return JSONResponse(told, status, headers={**_UNCACHED, **(headers or {})})
