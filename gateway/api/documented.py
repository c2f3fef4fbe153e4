"""What the OpenAPI document says of answers and bodies that routes write and read themselves."""

from typing import Any, Final

from gateway.api.problems import FHIR_JSON, PROBLEM_JSON

Documented = dict[int | str, dict[str, Any]]

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


def _resource(kind: str) -> dict[str, Any]:
    return {**_RESOURCE, "properties": {"resourceType": {"const": kind}}}


_EVENT_HEADERS: Final = {
    "ETag": "the version, for If-Match",
    "Location": "the address of this version",
    "LRMS_Batch": "the batch that tells of this request: GET /feeds/{id}",
    "Idempotency_Replayed": "true: this answer was given before",
}
_EVENT: Final = _resource("AdverseEvent")
FHIR_PROBLEMS: Final = outcomes(400, 401, 403, 404, 429, 500, 503)
WRITE_PROBLEMS: Final = outcomes(400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 500, 503)
CREATED: Final[Documented] = {
    201: document("the event is recorded", FHIR_JSON, _EVENT, **_EVENT_HEADERS),
    200: document("the event was known: as it is now", FHIR_JSON, _EVENT, **_EVENT_HEADERS),
}
UPDATED: Final[Documented] = {
    200: document("the event as it is now", FHIR_JSON, _EVENT, **_EVENT_HEADERS)
}
EVENT: Final[Documented] = {200: document("the event", FHIR_JSON, _EVENT, ETag="the version")}
HISTORY: Final[Documented] = {200: document("its versions", FHIR_JSON, _resource("Bundle"))}
SEARCHSET: Final[Documented] = {200: document("the event, or none", FHIR_JSON, _resource("Bundle"))}
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
BUNDLE_TAKES: Final = body_of(
    "A Bundle of type batch.", FHIR_JSON, "application/json", schema=_resource("Bundle")
)

_STATUS_SCHEMA: Final = {
    "type": "object",
    "required": ["id", "dry_run", "state", "says", "links"],
    "properties": {
        "id": {"type": "string"},
        "dry_run": {"type": "boolean"},
        "state": {
            "enum": ["received", "planned", "held", "finished", "waiting", "checked", "failed"]
        },
        "says": {"type": "string"},
        "verdict": {"enum": ["accepted", "partly_accepted", "rejected", None]},
        "counts": {"type": ["object", "null"]},
        "links": {"type": "object"},
    },
}
_JSON: Final = "application/json"
_FILE: Final = {"type": "string", "format": "binary"}
FEED_TAKES: Final = body_of(
    "The bytes of the feed, as they are; gzip and zip too.", "application/octet-stream"
)
ACCEPTED: Final[Documented] = {
    202: document(
        "it is kept, and will be loaded or checked",
        _JSON,
        _STATUS_SCHEMA,
        Content_Location="where its status is told",
        Retry_After="when to ask, in seconds",
    )
}
STATUS: Final[Documented] = {
    200: document("it has a receipt", _JSON, _STATUS_SCHEMA),
    202: document(
        "it is not loaded yet", _JSON, _STATUS_SCHEMA, Retry_After="when to ask again, in seconds"
    ),
}
FEEDS: Final[Documented] = {
    200: document(
        "a page of feeds",
        _JSON,
        {
            "type": "object",
            "required": ["feeds", "next"],
            "properties": {
                "feeds": {"type": "array", "items": _STATUS_SCHEMA},
                "next": {"type": ["string", "null"], "description": "the next page"},
            },
        },
    )
}
RECEIPT: Final[Documented] = {
    200: {
        "description": "the receipt, in the form that was asked for",
        "content": {
            _JSON: {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
            "application/fhir+ndjson": {"schema": {"type": "string"}},
            FHIR_JSON: {"schema": _resource("Bundle")},
        },
    },
    202: STATUS[202],
}
READ_PROBLEMS: Final = problems(400, 401, 403, 404, 406, 409, 429, 500, 503)
FEED_PROBLEMS: Final = problems(400, 401, 403, 408, 409, 413, 429, 500, 503)
PROMOTE_PROBLEMS: Final = problems(400, 401, 403, 404, 409, 429, 500, 503)
BUNDLE_PROBLEMS: Final = outcomes(400, 401, 403, 408, 409, 413, 429, 500, 503)

CAPABILITY: Final[Documented] = {
    200: document("what this server does", FHIR_JSON, _resource("CapabilityStatement"))
}
TAXONOMY: Final[Documented] = {200: document("the resource", FHIR_JSON, _RESOURCE)}
OPEN_FHIR_PROBLEMS: Final = outcomes(400, 404, 500, 503)
HEALTH: Final[Documented] = {
    200: document("it answers", _JSON, {"type": "object", "required": ["status"]}),
    **problems(500, 503),
}
_RECORD_SCHEMA: Final = {
    "type": "object",
    "required": ["feed", "number", "locator", "disposition", "findings", "corrected", "links"],
    "properties": {
        "feed": {"type": "string"},
        "number": {"type": "integer"},
        "locator": {"type": "string"},
        "local_id": {"type": ["string", "null"]},
        "disposition": {"enum": ["created", "revised", "unchanged", "rejected"]},
        "findings": {"type": "array", "items": {"type": "object"}},
        "corrected": {"type": "boolean"},
        "corrections": {"type": "array", "items": {"type": "object"}},
        "links": {"type": "object"},
    },
}
REJECTED: Final[Documented] = {
    200: document(
        "a page of records",
        _JSON,
        {
            "type": "object",
            "required": ["records", "next"],
            "properties": {
                "records": {"type": "array", "items": _RECORD_SCHEMA},
                "next": {"type": ["string", "null"]},
            },
        },
    )
}
RECORD: Final[Documented] = {200: document("the record", _JSON, _RECORD_SCHEMA)}
CONTENT: Final[Documented] = {
    200: {
        "description": "the record as it was sent",
        "content": {
            FHIR_JSON: {"schema": {"type": "object"}},
            _JSON: {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}
CORRECTION_TAKES: Final = body_of(
    "One record, whole, in the format of the feed (CSV: with its header).",
    "application/octet-stream",
)
CORRECTED: Final[Documented] = {
    200: document("it is accepted: its receipt", _JSON, {"type": "object"})
}
CORRECTION_PROBLEMS: Final[Documented] = {
    **problems(400, 401, 403, 404, 408, 409, 413, 429, 500, 503),
    422: {
        "description": "it is rejected too: its receipt; or it cannot stand in that place",
        "content": {_JSON: {"schema": {"type": "object"}}, PROBLEM_JSON: {"schema": PROBLEM}},
    },
}
