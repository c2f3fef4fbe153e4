"""Which methods an address has: routing knows of each route only its own."""

from fastapi import Request
from starlette.routing import Match, Route


def find_methods(request: Request) -> list[str]:
    """Those of the routes that mean this address most closely: ``…/$validate`` is itself, and not
    an event of that id."""
    methods = _find_own(request)
    return sorted({*methods, "HEAD"} if "GET" in methods else methods)


def has_own_head(request: Request) -> bool:
    """Whether HEAD is something else there than GET without its body."""
    return "HEAD" in _find_own(request)


def _find_own(request: Request) -> set[str]:
    found: dict[str, set[str]] = {}
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found.setdefault(route.path, set()).update(route.methods or ())
    closest = min(found, key=lambda path: path.count("{"), default="")
    return found.get(closest, set())
