"""The answer to a request about one event, as HTTP: where national clients look for it."""

from email.utils import format_datetime
from typing import Final

import msgspec
from fastapi.responses import Response

from gateway.api.problem_codes import Code
from gateway.api.problems import FHIR_JSON, ApiProblem, make_fault, make_unavailable
from gateway.fhir.outcomes import make_outcome
from gateway.pipeline.versions import write_version
from schemas.asked import Answer, AnswerState, EventVersion
from schemas.identifiers import make_reference

EVENT_PATH: Final = "/adverse-event/fhir/AdverseEvent"
_STATUS: Final[dict[AnswerState, int]] = {"created": 201, "rejected": 422, "unreadable": 400}
_PROBLEMS: Final[dict[AnswerState, tuple[int, Code, str, str]]] = {
    "unknown": (
        404,
        "not-found",
        "No such event",
        "No event of yours has this id. Create it with POST; its answer tells the id.",
    ),
    "mismatch": (
        400,
        "identifier-differs",
        "If-None-Exist names another identifier than the event",
        "Send the identifier of the event itself.",
    ),
    "in_flight": (
        409,
        "in-flight",
        "The same request is being worked on",
        "Send it again after the seconds in Retry-After: the answer will be there.",
    ),
    "reused": (
        422,
        "key-reused",
        "The Idempotency-Key was used for another request",
        "Take a new key for each request, and the same one only to repeat it unchanged.",
    ),
}


def answer_event(answer: Answer, preference: str) -> Response:
    """Raises ApiProblem where there is neither an event nor findings to tell."""
    headers = {"LRMS-Batch": answer.batch_id} if answer.batch_id else {}
    if answer.is_replayed:
        headers["Idempotency-Replayed"] = "true"
    version = answer.version
    if version is not None:
        return _answer_version(answer, version, preference, headers)
    if answer.findings:
        status = 403 if answer.state == "refused" else _STATUS[answer.state]
        content = make_outcome(answer.findings)
        return Response(content, status, headers, media_type=FHIR_JSON)
    raise make_event_problem(answer)


def _answer_version(
    answer: Answer, version: EventVersion, preference: str, headers: dict[str, str]
) -> Response:
    headers |= make_version_headers(version)
    headers["Location"] = f"{make_path(version)}/_history/{version.revision}"
    status = _STATUS.get(answer.state, 200)
    if preference == "minimal":
        content = b""
    elif preference == "OperationOutcome":
        content = make_outcome(answer.findings)
    else:
        content = encode_version(version)
    return Response(content, status, headers, media_type=FHIR_JSON)


def encode_version(version: EventVersion) -> bytes:
    return msgspec.json.encode(write_version(version))


def make_version_headers(version: EventVersion) -> dict[str, str]:
    return {
        "ETag": f'W/"{version.revision}"',
        "Last-Modified": format_datetime(version.recorded_at, usegmt=True),
    }


def make_path(version: EventVersion) -> str:
    return f"{EVENT_PATH}/{make_reference(version.event_id)}"


def make_event_problem(answer: Answer) -> ApiProblem:
    """Where there is neither an event nor findings to tell."""
    if answer.state == "busy":
        return make_unavailable()
    if answer.state == "stale":
        return ApiProblem(
            412,
            "version-stale",
            "The event has changed since",
            f"It stands at version {answer.revision}. Read it, and send the update again with its"
            " ETag.",
            headers={"ETag": f'W/"{answer.revision}"'},
        )
    if answer.state not in _PROBLEMS:
        return make_fault()
    status, code, title, detail = _PROBLEMS[answer.state]
    headers = {"Retry-After": "1"} if answer.state == "in_flight" else {}
    return ApiProblem(status, code, title, detail, headers=headers)
