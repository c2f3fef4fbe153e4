"""Single events: AdverseEvents created, updated, read and checked one at a time."""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from gateway.client.bodies import convert, read_json
from gateway.client.calls import Call
from gateway.client.errors import BadAnswerError, Issue
from gateway.client.event_answers import (
    Created,
    StoredEvent,
    read_bundle,
    read_created,
    read_event,
    read_found,
)
from gateway.client.issues import read_issues
from gateway.client.patience import ONCE
from gateway.client.sending import Sender
from gateway.client.settling import send_settled

FHIR = "/adverse-event/fhir/AdverseEvent"
_FHIR_JSON = "application/fhir+json"
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_SPECIAL = re.compile(r"[\\|,$]")
Prefer = Literal["representation", "OperationOutcome", "minimal"]


class EventCalls:
    """The calls about single events."""

    _sender: Sender

    def create(
        self,
        event: Mapping[str, Any] | bytes,
        *,
        idempotency_key: str | None = None,
        prefer: Prefer = "representation",
    ) -> Created:
        """Sends one AdverseEvent. It carries an Idempotency-Key, so that a retry after a lost
        answer is the same request, never a second event. Where even the retries got no answer it
        asks once more by that key, then by the event's own identifier; OutcomeUnknownError, with
        the key to go on by, where that does not settle it. RejectedError says what is wrong.

        ``idempotency_key``: one of your own, kept with the event, lets you go on after a crash of
        your side as well. ``prefer``: what to answer with: the event as stored, its warnings
        (OperationOutcome), or neither."""
        body = encode_event(event)
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        call = Call("POST", FHIR, headers=_make_headers(key, prefer), body=body)
        local_id = find_identifier(body)
        look = Call("GET", FHIR, {"identifier": make_token(local_id)}) if local_id else None
        return self._carry_out(call, key, look, local_id)

    def update(
        self,
        reference: str,
        event: Mapping[str, Any] | bytes,
        *,
        if_match: int | None = None,
        idempotency_key: str | None = None,
        prefer: Prefer = "representation",
    ) -> Created:
        """Sends an event's next revision. ``if_match``: the revision it must still stand at, else
        ConflictError. Retried and settled as ``create`` is."""
        key = str(uuid.uuid4()) if idempotency_key is None else idempotency_key
        headers = _make_headers(key, prefer)
        if if_match is not None:
            headers["If-Match"] = f'W/"{if_match}"'
        call = Call("PUT", _path_of(reference), headers=headers, body=encode_event(event))
        return self._carry_out(call, key, Call("GET", _path_of(reference)), None)

    def get(self, reference: str, *, revision: int | None = None) -> StoredEvent:
        """The event as it stands, or as ``revision`` had it. NotFoundError where there is none,
        or none of yours."""
        path = _path_of(reference) + (f"/_history/{revision}" if revision is not None else "")
        answer = self._sender.send(Call("GET", path))
        return read_event(read_json(answer.response, answer.told), answer)

    def history(self, reference: str) -> list[StoredEvent]:
        """Every revision of the event, the newest first."""
        answer = self._sender.send(Call("GET", f"{_path_of(reference)}/_history"))
        return read_bundle(answer)

    def find(self, identifier: str) -> StoredEvent | None:
        """Your event of that local id, or None."""
        answer = self._sender.send(Call("GET", FHIR, {"identifier": make_token(identifier)}))
        return next(iter(read_bundle(answer)), None)

    def validate(self, event: Mapping[str, Any] | bytes) -> list[Issue]:
        """What ``create`` would find, with nothing stored. It would be taken where none of them
        ``is_error``."""
        headers = {"Content-Type": _FHIR_JSON}
        call = Call("POST", f"{FHIR}/$validate", headers=headers, body=encode_event(event))
        answer = self._sender.send(call)
        outcome = read_json(answer.response, answer.told)
        if outcome.get("resourceType") != "OperationOutcome":
            raise BadAnswerError("not an OperationOutcome", answer.told)
        return read_issues(outcome)

    def _carry_out(self, call: Call, key: str, look: Call | None, local_id: str | None) -> Created:
        """``look`` finds the event where no answer comes; ``local_id`` is what it must have."""
        began = self._sender.clock.now()

        def find_stored() -> Created | None:
            if look is None:
                return None
            answer = self._sender.send(look, patience=ONCE)
            found = read_found(answer, key, self._sender.clock.now() - began)
            # In a search a | divides the system from the id: another event may be found.
            is_it = found and (local_id is None or _find_local_id(found.event) == local_id)
            return found if is_it else None

        return send_settled(
            self._sender, call, key, read=lambda answer: read_created(answer, key), look=find_stored
        )


def encode_event(event: Mapping[str, Any] | bytes) -> bytes:
    """The bytes as they are; else strict JSON, one text for one event. ValueError or TypeError
    for what JSON does not have (NaN, dates)."""
    if isinstance(event, bytes):
        return event
    text = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def make_token(identifier: str) -> str:
    """An identifier as a FHIR search takes it: its own bars, commas, dollars and backslashes behind
    backslashes."""
    return _SPECIAL.sub(r"\\\g<0>", identifier)


def find_identifier(body: bytes) -> str | None:
    """The local id of an AdverseEvent: the value of its (first) ``identifier``."""
    try:
        return _find_local_id(msgspec.json.decode(body))
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _find_local_id(event: object) -> str | None:
    try:
        found = convert(event, _Identified).identifier
    except msgspec.ValidationError:
        return None
    first = found[0] if isinstance(found, list) and found else found
    return first.value or None if isinstance(first, _Identifier) else None


class _Identifier(msgspec.Struct):
    value: str = ""


class _Identified(msgspec.Struct):
    identifier: _Identifier | list[_Identifier] | None = None


def _path_of(reference: str) -> str:
    if not reference:
        raise ValueError("an event's reference is needed")
    return f"{FHIR}/{quote(reference, safe='')}"


def _make_headers(key: str, prefer: Prefer) -> dict[str, str]:
    if not _KEY.fullmatch(key):
        raise ValueError("an idempotency key has 1 to 255 characters, printable ASCII, no blanks")
    return {
        "Content-Type": _FHIR_JSON,
        "Idempotency-Key": key,
        "Prefer": f"return={prefer}",
    }
