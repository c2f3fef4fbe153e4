"""What the gateway answers, read: JSON, OperationOutcomes, problem details, and what went wrong."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import requests

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
from gateway.client.patience import parse_retry_after

_T = TypeVar("_T")
_NO_SUCH = (NotFoundError, "there is no such thing, or it is another source's")
_REFUSALS: Mapping[int, tuple[type[ClientError], str]] = {
    401: (NotAllowedError, "the key or token is not accepted"),
    403: (NotAllowedError, "not allowed to this source"),
    404: _NO_SUCH,
    409: (ConflictError, "not as things stand"),
    410: _NO_SUCH,
    412: (ConflictError, "it was changed in the meantime"),
}
_PLACE = re.compile(r" - at `([^`]*)`\Z")


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
    problem = _find_problem(response)
    issues = _read_problem(problem) if problem else []
    told = msgspec.structs.replace(told, code=issues[0].code if issues else None)
    if told.status in {429, 503}:
        return NotNowError("the gateway asks to come later", told, issues)
    if response.status_code >= 500:
        return ServerError("the gateway, or a proxy before it, failed", told, issues)
    if problem is None and response.request.method != "HEAD":
        return BadAnswerError(f"not an answer of the gateway but {_word_kind(response)}", told)
    if told.status in {400, 422} and problem and problem.get("resourceType"):
        return RejectedError(told, issues)
    return _make_refusal(told, issues)


def _make_refusal(told: Told, issues: list[Issue]) -> ClientError:
    if told.status == 409 and told.retry_after is not None:
        return InFlightError("the same request is being worked on", told, issues)
    kind, words = _REFUSALS.get(told.status or 0, (RefusedError, "refused"))
    return kind(words, told, issues)


def _find_problem(response: requests.Response) -> dict[str, Any] | None:
    """The agreed body of an error: an OperationOutcome, problem details, or what the token
    endpoint says."""
    found = _find_json(response.content)
    if not isinstance(found, dict):
        return None
    is_agreed = (
        found.get("resourceType") == "OperationOutcome" or {"status", "error"} & found.keys()
    )
    return found if is_agreed else None


def _read_problem(problem: dict[str, Any]) -> list[Issue]:
    if problem.get("resourceType"):
        return read_issues(problem)
    # RFC 9457, or RFC 6749 section 5.2 of the token endpoint.
    code, text, fix = (
        next((problem[name] for name in names if isinstance(problem.get(name), str)), "")
        for names in (("code", "error"), ("title", "error_description"), ("detail",))
    )
    return [Issue("error", code, text, fix)]


def read_issues(outcome: dict[str, Any]) -> list[Issue]:
    """The issues of an OperationOutcome; none where it is something else."""
    if outcome.get("resourceType") != "OperationOutcome":
        return []
    try:
        return [_read_issue(one) for one in msgspec.convert(outcome, _Outcome).issue]
    except msgspec.ValidationError as error:
        raise BadAnswerError(f"an OperationOutcome is not as agreed{_word_place(error)}") from None


class _Coding(msgspec.Struct):
    code: str = ""


class _Details(msgspec.Struct):
    coding: list[_Coding] = []
    text: str = ""


class _Issue(msgspec.Struct):
    severity: str
    code: str = ""
    details: _Details = msgspec.field(default_factory=_Details)
    diagnostics: str = ""
    expression: list[str] = []


class _Outcome(msgspec.Struct):
    issue: list[_Issue]


def _read_issue(found: _Issue) -> Issue:
    return Issue(
        severity=found.severity,
        code=found.details.coding[0].code if found.details.coding else "",
        text=found.details.text,
        what_to_do=found.diagnostics,
        expression=found.expression,
        type=found.code,
    )


def read_json(response: requests.Response, told: Told) -> dict[str, Any]:
    """The JSON object of a success; BadAnswerError for anything else."""
    found = _find_json(response.content)
    if not isinstance(found, dict):
        raise BadAnswerError(f"not a JSON object but {_word_kind(response)}", told)
    return found


def _find_json(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def read_as(kind: type[_T], found: object, told: Told) -> _T:
    """JSON as one of our structs; BadAnswerError names the place that is not as agreed."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        name = f"{kind.__name__} is not as agreed{_word_place(error)}"
        raise BadAnswerError(name, told) from None


def check_kind(response: requests.Response, kind: str, told: Told) -> None:
    """BadAnswerError for another media type: a page of a proxy, say."""
    found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if found != kind:
        raise BadAnswerError(f"not {kind}", told)


def _word_place(error: msgspec.ValidationError) -> str:
    # The place only: the rest of the text may show a value.
    place = _PLACE.search(str(error))
    return f" at {place[1]}" if place else ""


def _word_kind(response: requests.Response) -> str:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not response.content:
        return "nothing"
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind, re.ASCII) else "something else"
