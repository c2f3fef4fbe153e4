"""What FHIR JSON and FHIR XML have in common: one record made of what a feed holds in its place."""

from typing import Any, Final

from mappers.fhir_fields import read_identifier
from mappers.fhir_notes import Notes, name_of
from schemas.catalogue import reading
from schemas.finding import Finding
from schemas.record import SourceRecord
from schemas.values import shown

# searchset: what the API of a local system answers, where a collector asks it.
BUNDLE_TYPES: Final = ("collection", "batch", "transaction", "searchset")
_METHODS: Final = ("POST", "PUT")
_OTHER_METHODS: Final = ("GET", "HEAD", "DELETE", "PATCH")
_OTHER_TYPES: Final = (
    "document",
    "message",
    "transaction-response",
    "batch-response",
    "history",
    "subscription-notification",
)


def make_record(
    number: int, locator: str, content: Any, raw_hash: bytes, finding: Finding | None = None
) -> SourceRecord:
    """The record of an AdverseEvent; unreadable with a finding, or where it is something else.
    The sender finds its own id beside the finding, but never that of another resource: a Patient's
    may be an NHS number."""
    is_event = type(content) is dict and content.get("resourceType") == "AdverseEvent"
    if finding is None and not is_event:
        finding = reading.NOT_ADVERSE_EVENT.at(found=name_of(content))
    if finding is not None:
        local_id = read_identifier(content.get("identifier"), Notes("error")) if is_event else None
        return SourceRecord(number, locator, None, raw_hash, (finding,), local_id)
    return SourceRecord(number, locator, content, raw_hash)


def show_type(bundle_type: object) -> str:
    """The type of a Bundle that is not a feed, for a finding."""
    if type(bundle_type) is not str or not bundle_type:
        return "(none)"
    return shown(bundle_type, known=_OTHER_TYPES)


def check_request(entry: dict[str, Any]) -> Finding | None:
    """What an entry of a Bundle asks for: to create or to update, if it says at all."""
    request = entry.get("request")
    if request is None:
        return None
    method = request.get("method") if type(request) is dict else None
    if method in _METHODS:
        return None
    found = shown(method, known=_OTHER_METHODS) if type(method) is str else "missing"
    return reading.REQUEST_NOT_ACCEPTED.at(method=found)
