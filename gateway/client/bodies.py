"""Bodies of answers: JSON of the agreed shape, or an error that says what came instead."""

import re
from threading import Lock
from typing import Any, TypeVar

import msgspec
import requests

from gateway.client.errors import BadAnswerError, Told

_T = TypeVar("_T")
# Two threads that have msgspec look at a struct for the first time, both at once, end the process
# (a segmentation fault, msgspec 0.22.0, 2026-11-28).
_CONVERTING = Lock()
_PLACE = re.compile(r" - at `([^`]*)`\Z")


def read_json(response: requests.Response, told: Told) -> dict[str, Any]:
    """The JSON object of a success; BadAnswerError for anything else."""
    found = find_json(response.content)
    if not isinstance(found, dict):
        raise BadAnswerError(f"not a JSON object but {word_kind(response)}", told)
    return found


def convert(found: object, kind: type[_T]) -> _T:
    """JSON as one of our structs; msgspec.ValidationError."""
    with _CONVERTING:
        return msgspec.convert(found, kind)


def find_json(content: bytes) -> object:
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None


def read_as(kind: type[_T], found: object, told: Told) -> _T:
    """JSON as one of our structs; BadAnswerError names the place that is not as agreed."""
    try:
        return convert(found, kind)
    except msgspec.ValidationError as error:
        name = f"{kind.__name__} is not as agreed{word_place(error)}"
        raise BadAnswerError(name, told) from None


def check_kind(response: requests.Response, kind: str, told: Told) -> None:
    """BadAnswerError for another media type: a page of a proxy, say."""
    found = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if found != kind:
        raise BadAnswerError(f"not {kind}", told)


def word_place(error: msgspec.ValidationError) -> str:
    # The place only: the rest of the text may show a value.
    place = _PLACE.search(str(error))
    return f" at {place[1]}" if place else ""


def word_kind(response: requests.Response) -> str:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not response.content:
        return "nothing"
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind, re.ASCII) else "something else"
