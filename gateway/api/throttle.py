"""Limits of a source, looked at before anything of a request is read."""

from collections.abc import Mapping

from fastapi import Request

from gateway.api.problems import ApiProblem
from gateway.identity.limits import Meter, Policy
from schemas.identity import Caller


def take_request(request: Request, caller: Caller) -> None:
    """429 beyond the limits; the answer's headers say where the source stands either way."""
    meter: Meter = request.app.state.meter
    told = request.headers.get("content-length", "")
    is_event = request.method in ("POST", "PUT") and "AdverseEvent" in request.scope["path"]
    quota = meter.take(
        caller.source_id,
        records=int(is_event),
        bytes=int(told) if told.isdecimal() else 0,
    )
    request.scope.setdefault("lrms.headers", {}).update(quota.headers)
    if not quota.allowed:
        raise make_too_many(quota.policy or "requests", quota.headers)


def make_too_many(policy: Policy, headers: Mapping[str, str]) -> ApiProblem:
    return ApiProblem(
        429,
        "too-many-requests",
        "The limit of this source is reached",
        f"Of {policy} no more are taken in this minute. Come again after the seconds in"
        " Retry-After.",
        headers=headers,
    )


def add_unannounced(request: Request, size: int) -> None:
    """Bytes of a body that came without Content-Length, counted once it is here."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is not None and "content-length" not in request.headers:
        meter: Meter = request.app.state.meter
        meter.add(caller.source_id, bytes=size)
