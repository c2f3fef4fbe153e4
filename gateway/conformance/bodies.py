"""The bytes of a request's body, and the words that tell a reader what they were."""

import gzip
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.conformance.case import Body
from gateway.conformance.edits import edit
from gateway.conformance.filling import fill
from gateway.conformance.hostile_bodies import MAKERS
from gateway.conformance.matching import shorten
from gateway.conformance.read_cases import read_event

Values = Mapping[str, str]


def make_body(body: Body, values: Values) -> bytes:
    """``values`` fill what the shipped events leave open."""
    made = _make_plain(body, values)
    return gzip.compress(made, mtime=0) if body.gzip else made


def _make_plain(body: Body, values: Values) -> bytes:
    if body.text is not None:
        return body.text.encode()
    if body.lines:
        return b"".join(_make_plain(line, values) + b"\n" for line in body.lines)
    if body.entries:
        return msgspec.json.encode(_make_bundle(body.entries, values))
    if body.made:
        return MAKERS[body.made](_make_event(body, values))
    if not body.event:
        return msgspec.json.encode(body.json)
    event = _make_event(body, values)
    return msgspec.json.encode(_wrap(event) if body.parameters else event)


def _make_event(body: Body, values: Values) -> dict[str, Any]:
    event: dict[str, Any] = fill(edit(read_event(body.event), body), values)
    return event


def _wrap(event: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": event}]}


def _make_bundle(entries: list[Body], values: Values) -> dict[str, Any]:
    request = {"method": "POST", "url": "AdverseEvent"}
    return {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"resource": _make_event(one, values), "request": request} for one in entries],
    }


def word_body(body: Body) -> str:
    """What it was, for the report: never longer than a few lines."""
    packed = ", as gzip" if body.gzip else ""
    if body.lines:
        return f"{len(body.lines)} lines of NDJSON: {_list_words(body.lines)}{packed}"
    if body.entries:
        return f"a batch Bundle of {len(body.entries)}: {_list_words(body.entries)}{packed}"
    return f"{_word_one(body)}{packed}"


def _word_one(body: Body) -> str:
    if body.text is not None:
        return f"the text {shorten(body.text)}" if body.text else "a body of no bytes"
    if not body.event:
        return f"the JSON {shorten(msgspec.json.encode(body.json).decode())}"
    changes = [f"{pointer} set to {_word_value(value)}" for pointer, value in body.set.items()]
    changes += [f"{_word_value(value)} added to {at}" for at, value in body.append.items()]
    changes += [f"{pointer} removed" for pointer in body.remove]
    named = f"event {body.event}" + (f", {'; '.join(changes)}" if changes else "")
    if body.made:
        return f"{named}, made hostile: {body.made}"
    return f"Parameters with {named}" if body.parameters else named


def _list_words(bodies: list[Body]) -> str:
    return " | ".join(_word_one(one) for one in bodies)


def _word_value(value: Any) -> str:
    return shorten(value if isinstance(value, str) else msgspec.json.encode(value).decode())
