"""What the OpenAPI document says of answers and bodies that routes write and read themselves."""

from typing import Any, Final

from gateway.api.problems import FHIR_JSON, PROBLEM_JSON

Documented = dict[int | str, dict[str, Any]]
JSON: Final = "application/json"

_RESOURCE: Final = {
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"type": "string"}},
}
_ISSUES: Final = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"enum": ["fatal", "error", "warning", "information"]},
                    "code": {"type": "string"},
                    "details": {"type": "object"},
                    "diagnostics": {"type": "string"},
                    "expression": {"type": "array", "items": {"type": "string"}},
                },
            },
        },
    },
}
PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
    },
}
_TOLD: Final = {
    400: "it cannot be read: the issues say where and why",
    401: "no key or token that is good now",
    403: "the key or token does not reach so far, or the source may not submit for that"
    " organisation",
    404: "no such thing of yours",
    406: "no such form",
    408: "the body did not come in time",
    409: "not possible now; Retry-After, where it will be",
    410: "it is gone",
    412: "it stands at another version",
    413: "too large",
    415: "another media type",
    422: "it is rejected: the issues say where, why, and what to do",
    429: "the limit of this source is reached; Retry-After",
    500: "a fault of the gateway",
    503: "the gateway cannot answer now; Retry-After",
}


def make_header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def document(told: str, media_type: str, schema: dict[str, Any], **headers: str) -> dict[str, Any]:
    """One answer. Names of headers with ``_`` for ``-``."""
    return {
        "description": told,
        "content": {media_type: {"schema": schema}},
        "headers": {name.replace("_", "-"): make_header(text) for name, text in headers.items()},
    }


def outcomes(*statuses: int) -> Documented:
    """Answers of FHIR routes that are an OperationOutcome."""
    return {status: document(_TOLD[status], FHIR_JSON, _ISSUES) for status in statuses}


def problems(*statuses: int) -> Documented:
    """Answers of other routes that are problem details."""
    return {status: document(_TOLD[status], PROBLEM_JSON, PROBLEM) for status in statuses}


def make_resource(kind: str) -> dict[str, Any]:
    return {**_RESOURCE, "properties": {"resourceType": {"const": kind}}}


_EVENT_HEADERS: Final = {
    "ETag": "the version, for If-Match",
    "Location": "the address of this version",
    "LRMS_Batch": "the batch that tells of this request: GET /feeds/{id}",
    "Idempotency_Replayed": "true: this answer was given before",
}
_EVENT: Final = make_resource("AdverseEvent")
SEARCH_PROBLEMS: Final = outcomes(400, 401, 403, 429, 500, 503)
READ_PROBLEMS: Final = SEARCH_PROBLEMS | outcomes(404)
CHECK_PROBLEMS: Final = SEARCH_PROBLEMS | outcomes(408, 413, 415)
CREATE_PROBLEMS: Final = CHECK_PROBLEMS | outcomes(409, 422)
UPDATE_PROBLEMS: Final = CREATE_PROBLEMS | outcomes(404, 412)
CREATED: Final[Documented] = {
    201: document("the event is recorded", FHIR_JSON, _EVENT, **_EVENT_HEADERS),
    200: document("the event was known: as it is now", FHIR_JSON, _EVENT, **_EVENT_HEADERS),
}
UPDATED: Final[Documented] = {
    200: document("the event as it is now", FHIR_JSON, _EVENT, **_EVENT_HEADERS)
}
EVENT: Final[Documented] = {200: document("the event", FHIR_JSON, _EVENT, ETag="the version")}
HISTORY: Final[Documented] = {200: document("its versions", FHIR_JSON, make_resource("Bundle"))}
SEARCHSET: Final[Documented] = {
    200: document("what was found, or none", FHIR_JSON, make_resource("Bundle"))
}
OUTCOME: Final[Documented] = {200: document("what would be found", FHIR_JSON, _ISSUES)}


def _take(name: str, told: str, pattern: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": {"type": "string"} | ({"pattern": pattern} if pattern else {}),
        "description": told,
    }


def body_of(told: str, *media_types: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    content = {
        one: {"schema": schema or {"type": "string", "format": "binary"}} for one in media_types
    }
    return {"requestBody": {"description": told, "required": True, "content": content}}


_KEY: Final = _take(
    "Idempotency-Key",
    "1 to 255 visible characters: the same key and body, the same answer",
    "^[!-~]{1,255}$",
)
_PREFER: Final = _take("Prefer", "return=representation (default), minimal or OperationOutcome")
_EVENT_BODY: Final = body_of(
    "One AdverseEvent, of taxonomy version 4, 5 (STU3) or 6 (R4).",
    FHIR_JSON,
    "application/json",
    schema=_EVENT,
)
CREATE_TAKES: Final = {
    **_EVENT_BODY,
    "parameters": [
        _KEY,
        _PREFER,
        _take(
            "If-None-Exist",
            "identifier=…: only if you have no event of that identifier",
            r"^\??identifier=[!-%'-~]*[A-Za-z0-9]$",
        ),
    ],
}
UPDATE_TAKES: Final = {
    **_EVENT_BODY,
    "parameters": [
        _KEY,
        _PREFER,
        _take("If-Match", "only if it stands at this version", r'^(\*|(W/)?"[1-9][0-9]{0,8}")$'),
    ],
}
VALIDATE_TAKES: Final = _EVENT_BODY
CAPABILITY: Final[Documented] = {
    200: document("what this server does", FHIR_JSON, make_resource("CapabilityStatement"))
}
TAXONOMY: Final[Documented] = {200: document("the resource", FHIR_JSON, _RESOURCE)}
OPEN_FHIR_PROBLEMS: Final = outcomes(400, 404, 500, 503)
LIVE: Final[Documented] = {
    200: document("it answers", JSON, {"type": "object", "required": ["status"]}),
    **problems(500),
}
HEALTH: Final[Documented] = {
    200: document("it answers", JSON, {"type": "object", "required": ["status"]}),
    **problems(500, 503),
}
