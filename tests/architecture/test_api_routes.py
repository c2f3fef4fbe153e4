"""Who may call what: every route of the API asks who calls, but for those named here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fastapi.routing import APIRoute
from starlette.routing import Route

from gateway.api.app import make_app
from gateway.api.problems import ApiProblem
from gateway.bootstrap import open_gateway
from gateway.config import Settings
from gateway.identity.callers import Callers
from schemas.errors import UnavailableError
from schemas.identity import SCOPES
from tests.lib.api import serve_app

# Each for a reason: it gives the token, or it tells nothing of anybody.
OPEN = {
    ("POST", "/oauth2/token"),
    ("GET", "/adverse-event/fhir/metadata"),
    ("GET", "/taxonomy/fhir/{kind}"),
    ("GET", "/taxonomy/fhir/{kind}/{id}"),
    ("GET", "/openapi.json"),
    ("GET", "/health"),
    ("GET", "/health/live"),
}
# What stands for a parameter of a path.
FILLING = {
    "id": "0000-0000-0000-0",
    "number": "1",
    "revision": "1",
    "kind": "CodeSystem",
}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Any]:
    with open_gateway(Settings(home=tmp_path)) as gateway:
        yield make_app(gateway)


def call(method: str, url: str, **what: Any) -> requests.Response:
    return requests.request(method, url, timeout=30, **what)


def list_routes(app: Any) -> list[tuple[str, str]]:
    """Method and path of each; HEAD comes with GET."""
    found = []
    for route in app.routes:
        assert isinstance(route, Route), f"{route!r}: this test cannot look into it"
        methods = (route.methods or set()) - ({"HEAD"} if "GET" in (route.methods or ()) else set())
        found += [(method, route.path) for method in sorted(methods)]
    return found


def test_every_route_asks_who_calls(app: Any) -> None:
    closed = set(list_routes(app)) - OPEN
    assert len(closed) > 20
    with serve_app(app) as url:
        for method, path in sorted(closed):
            for headers in (
                {},
                {"Ocp-Apim-Subscription-Key": "lrms_nobody"},
                {"Ocp-Apim-Subscription-Key": ""},
                {"Authorization": "Bearer nobody"},
                {"Authorization": "Basic bm9ib2R5Om5vYm9keQ=="},
                {"X-HTTP-Method-Override": "PATCH"},
            ):
                answer = call(method, url + path.format(**FILLING), headers=headers)
                assert answer.status_code == 401, (method, path, headers, answer.status_code)
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_who_calls_is_asked_before_anything_is_looked_at(app: Any) -> None:
    """Whoever is not known learns nothing: not whether a thing exists, nor what is wrong."""
    with serve_app(app) as url:
        for method, path in sorted(set(list_routes(app)) - OPEN):
            answer = call(
                method,
                url + path.format(**dict.fromkeys(FILLING, "%ff")) + "?limit=x&dry-run=perhaps",
                headers={"Content-Type": "text/x", "If-Match": "x", "Upload-Length": "x"},
                data=b"{" * 1000,
            )
            assert answer.status_code == 401, (method, path, answer.status_code)


def test_what_is_open_is_there(app: Any) -> None:
    assert set(list_routes(app)) >= OPEN


def test_every_route_needs_a_scope_of_its_own_kind(app: Any) -> None:
    """Reading needs a scope to read, writing one to write; what is about events, one of events."""
    for route in app.routes:
        if not isinstance(route, APIRoute):
            continue
        (method,) = route.methods
        if (method, route.path) in OPEN:
            continue
        scopes = find_scopes(route.dependant)
        assert len(scopes) == 1, (method, route.path, scopes)
        (scope,) = scopes
        assert scope in SCOPES
        kind, _, reach = scope.partition(".")
        is_upload = route.path.startswith("/uploads")
        assert reach == ("write" if method in WRITES or is_upload else "read"), route.path
        assert kind == ("event" if "/AdverseEvent" in route.path else "feed"), route.path


def find_scopes(dependant: Any) -> set[str]:
    own = set(dependant.own_oauth_scopes or ())
    return own.union(*(find_scopes(one) for one in dependant.dependencies))


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (UnavailableError("the database does not answer"), 503),
        (KeyError("Zebulina"), 500),
        (ApiProblem(429, "too-many-requests", "Enough", headers={"Retry-After": "9"}), 429),
    ],
)
def test_whatever_goes_wrong_every_route_tells_it_in_its_form(
    app: Any, problem: Exception, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And its document says that it may."""

    def fail(*_: object) -> Any:
        raise problem

    monkeypatch.setattr(Callers, "peek_key", fail)
    documented = app.openapi()["paths"]
    with serve_app(app) as url:
        for method, path in sorted(set(list_routes(app)) - OPEN):
            headers = {"Ocp-Apim-Subscription-Key": "x"}
            answer = call(method, url + path.format(**FILLING), headers=headers)
            assert answer.status_code == status, (method, path)
            is_fhir = path.startswith("/adverse-event/fhir")
            kind = "application/fhir+json" if is_fhir else "application/problem+json"
            assert answer.headers["Content-Type"] == kind
            assert "Zebulina" not in answer.text
            assert ("Retry-After" in answer.headers) == (status != 500)
            if method != "OPTIONS" or path == "/uploads":
                told = documented[path][method.lower()]["responses"][str(status)]
                assert kind in told["content"], (method, path)
