"""Reads the headers that make a request conditional, or one that can be repeated."""

import re
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request

from gateway.api.problems import ApiProblem

_ETAG: Final = re.compile(r'(?:W/)?"([1-9]\d{0,8})"', re.ASCII)
_SYSTEM: Final = re.compile(r"(?:[^\\|]|\\.)*\|", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([\\|,$])")
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_WEIGHT: Final = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.ASCII)
_PREFER: Final = re.compile(r"(?:^|[;,\s])return=(minimal|representation|OperationOutcome)\b")


def read_if_match(request: Request) -> int | None:
    """The revision that If-Match names; None where there is none, or it is ``*``."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise _malformed("If-Match", 'the ETag of the version that is to be updated, as W/"2"')
    return int(found[1])


def read_if_none_exist(request: Request) -> str | None:
    """The identifier that If-None-Exist names."""
    given = request.headers.get("if-none-exist")
    if given is None:
        return None
    terms = parse_qsl(given.strip().removeprefix("?"), keep_blank_values=True)
    if len(terms) != 1 or terms[0][0] != "identifier":
        raise _malformed("If-None-Exist", "identifier=<your own id of the event>")
    identifier = read_token(terms[0][1])
    if not identifier:
        raise _malformed("If-None-Exist", "identifier=<your own id of the event>")
    return identifier


def read_token(value: str) -> str:
    """The value of a FHIR token, ``value`` or ``system|value``: a source's ids have one system.
    A bar, comma, dollar or backslash of the value itself stands behind a backslash (FHIR, search,
    "Escaping Search Parameters")."""
    system = _SYSTEM.match(value)
    own = value[system.end() :] if system else value
    return _ESCAPED.sub(r"\1", own).strip()


def read_idempotency_key(request: Request) -> str | None:
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise _malformed("Idempotency-Key", "1 to 255 visible ASCII characters, such as a UUID")
    return given


def read_preference(request: Request) -> str:
    """What the body of an answer is to hold: ``representation`` unless Prefer says otherwise."""
    found = _PREFER.search(request.headers.get("prefer", ""))
    return found[1] if found else "representation"


def read_accept(value: str) -> list[str]:
    """The media types of Accept, the one that is wanted most first; without those of ``q=0``."""
    wanted: list[tuple[float, str]] = []
    for one in value.split(","):
        media_type, _, parameters = one.partition(";")
        weight = _WEIGHT.search(parameters)
        wanted.append((float(weight[1]) if weight else 1.0, media_type.strip().lower()))
    wanted.sort(key=lambda one: -one[0])
    return [media_type for weight, media_type in wanted if weight > 0]


def _malformed(name: str, accepted: str) -> ApiProblem:
    return ApiProblem(
        400, "header-malformed", f"The header {name} cannot be read", f"Accepted: {accepted}."
    )
