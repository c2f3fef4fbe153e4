"""Which methods an address has: routing knows of each route only its own."""

from fastapi import Request
from starlette.routing import Match, Route


def find_methods(request: Request) -> list[str]:
    """Those of the routes that mean this address most closely: ``…/$validate`` is itself, and not
    an event of that id."""
    found: dict[str, set[str]] = {}
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found.setdefault(route.path, set()).update(route.methods or ())
    closest = min(found, key=lambda path: path.count("{"), default="")
    return sorted(found.get(closest, ()))
