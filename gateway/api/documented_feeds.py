"""What the OpenAPI document says of feeds, their receipts and their records."""

from typing import Final

from gateway.api.documented import (
    JSON,
    PROBLEM,
    Documented,
    body_of,
    document,
    make_resource,
    outcomes,
    problems,
)
from gateway.api.problems import FHIR_JSON, PROBLEM_JSON

BUNDLE_TAKES: Final = body_of(
    "A Bundle of type batch.", FHIR_JSON, "application/json", schema=make_resource("Bundle")
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
FEED_TAKES: Final = body_of(
    "The bytes of the feed, as they are; gzip and zip too.", "application/octet-stream"
)
ACCEPTED: Final[Documented] = {
    202: document(
        "it is kept, and will be loaded or checked",
        JSON,
        _STATUS_SCHEMA,
        Content_Location="where its status is told",
        Retry_After="when to ask, in seconds",
    )
}
STATUS: Final[Documented] = {
    200: document("it has a receipt", JSON, _STATUS_SCHEMA),
    202: document(
        "it is not loaded yet", JSON, _STATUS_SCHEMA, Retry_After="when to ask again, in seconds"
    ),
}
FEEDS: Final[Documented] = {
    200: document(
        "a page of feeds",
        JSON,
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
            JSON: {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
            "application/fhir+ndjson": {"schema": {"type": "string"}},
            FHIR_JSON: {"schema": make_resource("Bundle")},
        },
    },
    202: STATUS[202],
}
LIST_PROBLEMS: Final = problems(400, 401, 403, 429, 500, 503)
READ_PROBLEMS: Final = LIST_PROBLEMS | problems(404)
RECEIPT_PROBLEMS: Final = READ_PROBLEMS | problems(406, 409)
FEED_PROBLEMS: Final = LIST_PROBLEMS | problems(408, 413, 415)
PROMOTE_PROBLEMS: Final = READ_PROBLEMS | problems(409)
BUNDLE_PROBLEMS: Final = outcomes(400, 401, 403, 408, 409, 413, 415, 429, 500, 503)
_RECORD_SCHEMA: Final = {
    "type": "object",
    "required": ["feed", "number", "locator", "disposition", "findings", "corrected", "links"],
    "properties": {
        "feed": {"type": "string"},
        "number": {"type": "integer"},
        "locator": {"type": "string"},
        "local_id": {"type": ["string", "null"]},
        "disposition": {"enum": ["created", "revised", "unchanged", "rejected", "quarantined"]},
        "findings": {"type": "array", "items": {"type": "object"}},
        "corrected": {"type": "boolean"},
        "corrections": {"type": "array", "items": {"type": "object"}},
        "links": {"type": "object"},
    },
}
REJECTED: Final[Documented] = {
    200: document(
        "a page of records",
        JSON,
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
RECORD: Final[Documented] = {200: document("the record", JSON, _RECORD_SCHEMA)}
CONTENT: Final[Documented] = {
    200: {
        "description": "the record as it was sent",
        "content": {
            FHIR_JSON: {"schema": {"type": "object"}},
            JSON: {"schema": {"type": "object"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}
CORRECTION_TAKES: Final = body_of(
    "One record, whole, in the format of the feed (CSV: with its header).",
    "application/octet-stream",
)
CORRECTED: Final[Documented] = {
    200: document("it is accepted: its receipt", JSON, {"type": "object"})
}
CORRECTION_PROBLEMS: Final[Documented] = {
    **(PROMOTE_PROBLEMS | problems(408, 413, 415)),
    422: {
        "description": "it is rejected too: its receipt; or it cannot stand in that place",
        "content": {JSON: {"schema": {"type": "object"}}, PROBLEM_JSON: {"schema": PROBLEM}},
    },
}
