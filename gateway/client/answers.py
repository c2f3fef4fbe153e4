"""What an answer means, by its status: a success, or which error."""

from collections.abc import Mapping

import msgspec
import requests

from gateway.client.bodies import word_kind
from gateway.client.errors import (
    BadAnswerError,
    ClientError,
    ConflictError,
    InFlightError,
    Issue,
    NotAllowedError,
    NotFoundError,
    NotNowError,
    RefusedError,
    RejectedError,
    ServerError,
    Told,
)
from gateway.client.issues import find_problem, read_problem
from gateway.client.patience import parse_retry_after

_NO_SUCH = (NotFoundError, "there is no such thing, or it is another source's")
_REFUSALS: Mapping[int, tuple[type[ClientError], str]] = {
    401: (NotAllowedError, "the key or token is not accepted"),
    403: (NotAllowedError, "not allowed to this source"),
    404: _NO_SUCH,
    409: (ConflictError, "not as things stand"),
    410: _NO_SUCH,
    412: (ConflictError, "it was changed in the meantime"),
}


def read_told(response: requests.Response, now: float, code: str | None = None) -> Told:
    """What an answer says apart from its content. The request's own id stands in where the answer
    has none."""
    sent = response.request.headers if response.request else {}
    return Told(
        status=response.status_code,
        code=code,
        request_id=response.headers.get("X-Request-ID") or sent.get("X-Request-ID"),
        retry_after=parse_retry_after(response.headers.get("Retry-After"), now),
    )


def check_answer(response: requests.Response, now: float) -> None:
    """Raises what the status means; nothing for a success."""
    status = response.status_code
    if 200 <= status < 300:
        return
    told = read_told(response, now)
    if status < 400:
        raise BadAnswerError("the gateway sends no redirects, and none is followed", told)
    raise _make_error(response, told)


def _make_error(response: requests.Response, told: Told) -> ClientError:
    problem = find_problem(response)
    issues = read_problem(problem) if problem else []
    told = msgspec.structs.replace(told, code=issues[0].code if issues else None)
    if told.status in {429, 503}:
        return NotNowError("the gateway asks to come later", told, issues)
    if response.status_code >= 500:
        return ServerError("the gateway, or a proxy before it, failed", told, issues)
    if problem is None and response.request.method != "HEAD":
        return BadAnswerError(f"not an answer of the gateway but {word_kind(response)}", told)
    if told.status in {400, 422} and problem and problem.keys() & {"resourceType", "records"}:
        return RejectedError(told, issues)
    return _make_refusal(told, issues)


def _make_refusal(told: Told, issues: list[Issue]) -> ClientError:
    if told.status == 409 and told.retry_after is not None:
        return InFlightError("the same request is being worked on", told, issues)
    kind, words = _REFUSALS.get(told.status or 0, (RefusedError, "refused"))
    return kind(words, told, issues)
