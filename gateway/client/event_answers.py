"""What the gateway answers about single events, read."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import msgspec

from gateway.client.bodies import read_as, read_json
from gateway.client.calls import Answer
from gateway.client.errors import BadAnswerError, Issue
from gateway.client.issues import read_issues

_LOCATION = re.compile(r"/AdverseEvent/([^/?#]+)/_history/(\d+)\Z", re.ASCII)


class StoredEvent(msgspec.Struct, frozen=True):
    """An event as the national record holds it. ``reference`` is its national number, ``event``
    the AdverseEvent."""

    reference: str
    revision: int
    event: dict[str, Any] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        # Content stays out of logs.
        return f"StoredEvent({self.reference!r}, revision={self.revision})"


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event that was sent. ``status``: ``created``; ``kept`` where it was a
    new revision of an event known by its local id, or known already as it is; ``found`` where the
    answer was lost, and the event was then found to be stored. ``findings`` are warnings, where
    they were asked for in place of ``event``. ``replayed``: it is the answer of an earlier request
    with this ``idempotency_key``."""

    reference: str
    revision: int
    status: Literal["created", "kept", "found"]
    event: dict[str, Any] | None = None
    findings: list[Issue] = []
    batch_id: str | None = None
    replayed: bool = False
    idempotency_key: str = ""
    request_id: str | None = None

    def __repr__(self) -> str:
        return f"Created({self.reference!r}, revision={self.revision}, status={self.status!r})"


def read_created(answer: Answer, key: str) -> Created:
    headers = answer.response.headers
    found = read_json(answer.response, answer.told) if answer.response.content else {}
    is_event = found.get("resourceType") == "AdverseEvent"
    reference, revision = (
        ((event := read_event(found, answer)).reference, event.revision)
        if is_event
        else _read_location(answer)
    )
    return Created(
        reference=reference,
        revision=revision,
        status="created" if answer.response.status_code == 201 else "kept",
        event=found if is_event else None,
        findings=read_issues(found),
        batch_id=headers.get("LRMS-Batch"),
        replayed=headers.get("Idempotency-Replayed") == "true",
        idempotency_key=key,
        request_id=answer.told.request_id,
    )


def _read_location(answer: Answer) -> tuple[str, int]:
    """Of an answer without the event."""
    place = _LOCATION.search(answer.response.headers.get("Location", ""))
    if place is None:
        raise BadAnswerError("neither an AdverseEvent nor its Location", answer.told)
    return place[1], int(place[2])


def read_found(answer: Answer, key: str, seconds: float) -> Created | None:
    """What a look for an event found, where it was written in these last ``seconds``: so it is
    what was sent, and not an older revision. All by the gateway's own clock."""
    found = read_json(answer.response, answer.told)
    is_bundle = found.get("resourceType") == "Bundle"
    stored = read_bundle(answer) if is_bundle else [read_event(found, answer)]
    if len(stored) != 1:
        return None
    age = _find_age(answer, stored[0].event["meta"].get("lastUpdated"))
    if age is None or age > seconds:
        return None
    return Created(
        reference=stored[0].reference,
        revision=stored[0].revision,
        status="found",
        event=stored[0].event,
        idempotency_key=key,
        request_id=answer.told.request_id,
    )


def _find_age(answer: Answer, updated_at: object) -> float | None:
    """How old a resource was when it was answered; up to a second less, as Date has no more."""
    try:
        answered_at = parsedate_to_datetime(answer.response.headers.get("Date", ""))
        return (answered_at - datetime.fromisoformat(str(updated_at))).total_seconds()
    except (ValueError, TypeError):
        return None


class _Meta(msgspec.Struct):
    versionId: str  # noqa: N815 - FHIR's name


class _Head(msgspec.Struct):
    id: str
    meta: _Meta


def read_event(found: dict[str, Any], answer: Answer) -> StoredEvent:
    if found.get("resourceType") != "AdverseEvent":
        raise BadAnswerError("not an AdverseEvent", answer.told)
    head = read_as(_Head, found, answer.told)
    if not head.meta.versionId.isdecimal():
        raise BadAnswerError("an AdverseEvent's versionId is no number", answer.told)
    return StoredEvent(head.id, int(head.meta.versionId), found)


class _Entry(msgspec.Struct):
    resource: dict[str, Any]


class _Bundle(msgspec.Struct):
    resourceType: Literal["Bundle"]  # noqa: N815 - FHIR's name
    entry: list[_Entry] = []


def read_bundle(answer: Answer) -> list[StoredEvent]:
    found = read_as(_Bundle, read_json(answer.response, answer.told), answer.told)
    return [read_event(entry.resource, answer) for entry in found.entry]
