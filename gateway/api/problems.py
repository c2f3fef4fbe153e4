"""What went wrong with a request, as an answer: problem details (RFC 9457), and OperationOutcome on
the FHIR routes. One table says which error has which status."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from gateway.api.problem_codes import Code
from gateway.fhir.outcomes import make_problem_outcome
from schemas.errors import GatewayError, UnavailableError, UnknownError, WrongUseError

FHIR_JSON: Final = "application/fhir+json"
PROBLEM_JSON: Final = "application/problem+json"
FHIR_ROUTES: Final = ("/adverse-event/fhir", "/taxonomy/fhir")
RETRY_SECONDS: Final = 5
# status → FHIR's own word for it (OperationOutcome.issue.code)
ISSUE_CODES: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    431: "too-long",
    500: "exception",
    503: "transient",
}

_ROUTING: Final[Mapping[int, tuple[Code, str, str]]] = {
    400: (
        "request-malformed",
        "The request cannot be read",
        "/openapi.json has what this address takes.",
    ),
    404: (
        "not-found",
        "There is no such address",
        "/openapi.json has those there are. None of them ends with a slash, and capitals count.",
    ),
    405: ("method-not-allowed", "This address does not have that method", ""),
}


class ApiProblem(Exception):  # noqa: N818 - it is the caller's trouble, not an error of ours
    """Ends a request. ``code`` is one of ``PROBLEM_CODES`` and has the status it has there;
    ``detail`` says what would be accepted, and never holds content of an event."""

    def __init__(
        self,
        status: int,
        code: Code,
        title: str,
        detail: str = "",
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.headers = dict(headers or {})


def answer_problem(request: Request, problem: ApiProblem) -> Response:
    if is_fhir(request.scope["path"]):
        content = make_problem_outcome(
            problem.code, problem.title, problem.detail, ISSUE_CODES.get(problem.status, "invalid")
        )
        return Response(content, problem.status, problem.headers, media_type=FHIR_JSON)
    told: dict[str, Any] = {
        "type": f"urn:lrms-gateway:problem:{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request.scope.get("lrms.request_id", ""),
    }
    content = json.dumps(told).encode()
    return Response(content, problem.status, problem.headers, media_type=PROBLEM_JSON)


def is_fhir(path: str) -> bool:
    return path.startswith(FHIR_ROUTES)


def make_problem(error: GatewayError) -> ApiProblem:
    """The answer to an error of ours. Only what the caller asked for wrongly is told in words."""
    if isinstance(error, UnknownError):
        return ApiProblem(404, "not-found", "No such thing", str(error))
    if isinstance(error, WrongUseError):
        return ApiProblem(409, "not-possible", "That is not possible now", str(error))
    if isinstance(error, UnavailableError) or error.retryable:
        return make_unavailable()
    return make_fault()


def make_unavailable() -> ApiProblem:
    return ApiProblem(
        503,
        "unavailable",
        "The gateway cannot answer now",
        "Nothing is lost and nothing is half done: send the same request again, later.",
        headers={"Retry-After": str(RETRY_SECONDS)},
    )


def make_fault() -> ApiProblem:
    return ApiProblem(
        500,
        "fault",
        "A fault of the gateway",
        "It is ours, and it is logged under the request id. Sending the same request again is"
        " safe.",
    )


def of_http_exception(error: HTTPException) -> ApiProblem:
    """What routing says: no such address, a method it does not have."""
    status = error.status_code if error.status_code in _ROUTING else 400
    code, title, detail = _ROUTING[status]
    return ApiProblem(status, code, title, detail, headers=error.headers)
