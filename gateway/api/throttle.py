"""Limits of a source, looked at before anything of a request is read."""

from fastapi import Request

from gateway.api.problems import ApiProblem
from gateway.identity.limits import Meter
from schemas.identity import Caller


def take_request(request: Request, caller: Caller) -> None:
    """429 beyond the limits; the answer's headers say where the source stands either way."""
    meter: Meter = request.app.state.meter
    told = request.headers.get("content-length", "")
    is_event = request.method in ("POST", "PUT") and "AdverseEvent" in request.url.path
    quota = meter.take(
        caller.source_id,
        records=int(is_event),
        bytes=int(told) if told.isdecimal() else 0,
    )
    request.scope.setdefault("lrms.headers", {}).update(quota.headers)
    if not quota.allowed:
        raise ApiProblem(
            429,
            "too-many-requests",
            "The limit of this source is reached",
            f"Of {quota.policy} no more are taken in this minute. Come again after the seconds in"
            " Retry-After.",
            headers=quota.headers,
        )
