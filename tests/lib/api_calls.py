"""Calls of the API as its clients make them: a served gateway whose clock is moved by hand, events
as they are sent, and what must be true of every answer whatever was asked."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import func, select

from gateway.api.app import make_app
from gateway.api.envelope import SECURITY_HEADERS
from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from mappers.fhir_write import write_fhir
from schemas.event import INCIDENT
from store.engine import open_store
from store.tables import batches, metadata
from tests.lib.api import SOURCE, register_sources, serve_app
from tests.lib.databases import make_engine
from tests.lib.events import make_event
from tests.lib.identity import Clock

EVENTS = "/adverse-event/fhir/AdverseEvent"
FHIR_JSON = "application/fhir+json"
PROBLEM_JSON = "application/problem+json"
PATIENCE = 120
# What happens beside requests, and is told of them later: who used how much.
_BESIDE = ("usage",)
_names = count(1)
Json = dict[str, Any]


@dataclass
class Api:
    """A served gateway. ``call`` calls as one of its sources, by that source's key."""

    gateway: Gateway
    keys: dict[str, str]
    clock: Clock = field(default_factory=Clock)
    app: Any = None
    url: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: bytes | Mapping[str, Any] | Iterator[bytes] | None = None,
        *,
        source: str = SOURCE.id,
        **headers: str,
    ) -> requests.Response:
        """``source``: none for ``""``. Headers with ``_`` for ``-``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if source:
            named.setdefault("Ocp-Apim-Subscription-Key", self.keys[source])
        if body is not None:
            named.setdefault("Content-Type", FHIR_JSON)
        answer = requests.request(
            method,
            path if path.startswith("http") else self.url + path,
            data=json.dumps(body) if isinstance(body, Mapping) else body,
            headers=named,
            timeout=PATIENCE,
            allow_redirects=False,
        )
        check_answer(answer)
        return answer

    def create(self, body: bytes | Json, **how: str) -> requests.Response:
        return self.call("POST", EVENTS, body, **how)

    def update(self, reference: str, body: bytes | Json, **how: str) -> requests.Response:
        return self.call("PUT", f"{EVENTS}/{reference}", body, **how)

    def read(self, path: str, **how: str) -> requests.Response:
        """``path`` under that of the events."""
        return self.call("GET", f"{EVENTS}{path}", **how)

    @property
    def database(self) -> str:
        return self.gateway.settings.database


@contextmanager
def open_api(home: Path, database_url: str = "", **settings: object) -> Iterator[Api]:
    """Served on ``home``, with two sources of two organisations."""
    clock = Clock()
    config = Settings(home=home, database_url=database_url, **settings)
    store = open_store(config.database)
    store.migrate()
    store.close()
    with open_gateway(config, now=clock.now, monotonic=clock.monotonic, actor="test") as gateway:
        api = Api(gateway, register_sources(gateway), clock)
        api.app = make_app(gateway)
        with serve_app(api.app) as api.url:
            yield api


def check_answer(answer: requests.Response) -> None:
    """What is true of every answer."""
    headers = answer.headers
    for name, value in SECURITY_HEADERS.items():
        if name == "Cache-Control" and headers[name].startswith("public"):
            continue
        assert headers[name] == value, (name, headers.get(name))
    assert headers["X-Request-ID"]
    assert "server" not in headers
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        _check_refusal(answer)


def _check_refusal(answer: requests.Response) -> None:
    media_type = answer.headers["Content-Type"]
    told = answer.json()
    if media_type == FHIR_JSON:
        assert told["resourceType"] == "OperationOutcome"
        for issue in told["issue"]:
            assert issue["severity"] in ("error", "warning", "information")
            assert issue["code"]
            (coding,) = issue["details"]["coding"]
            assert coding["code"]
            assert issue["details"]["text"]
    elif media_type == PROBLEM_JSON:
        assert set(told) == {"type", "title", "status", "detail", "code", "request_id"}
        assert told["status"] == answer.status_code
        assert told["request_id"] == answer.headers["X-Request-ID"]
    else:
        # A correction that is rejected too, or what OAuth 2 says.
        assert media_type == "application/json"
        assert "records" in told or set(told) == {"error", "error_description", "message_id"}
    if answer.status_code in (429, 503):
        assert int(answer.headers["Retry-After"]) > 0


def make_name() -> str:
    """An identifier that no other event has."""
    return f"IN/26/{next(_names):05}"


def write_event(
    version: str = "5", event_type: str = INCIDENT, *, name: str | None = None, **changes: Any
) -> Json:
    """A valid event as a client sends it; ``name`` is its identifier."""
    return write_fhir(make_event(event_type, version, **changes), local_id=name)


def encode(body: Json) -> bytes:
    return json.dumps(body).encode()


def get_issue(answer: requests.Response, position: int = 0) -> Json:
    """One issue of an OperationOutcome, with its code where clients look for it."""
    issue: Json = answer.json()["issue"][position]
    return issue | {"finding": issue["details"]["coding"][0]["code"]}


def get_code(answer: requests.Response) -> str:
    """What went wrong, of either kind of answer."""
    told = answer.json()
    return str(told["code"] if "code" in told else get_issue(answer)["finding"])


def get_reference(answer: requests.Response) -> str:
    """Where national clients find it: first element of the last extension."""
    element = answer.json()["extension"][-1]["extension"][0]
    assert element["url"] == "ReferenceNumber"
    return str(element["valueString"])


def wait_for(api: Api, feed_id: str, *, source: str = SOURCE.id) -> Json:
    """The status of a feed once it is finished, held or checked, and the worker is done with it."""
    until, pause = time.monotonic() + PATIENCE, 0.02
    while time.monotonic() < until:
        answer = api.call("GET", f"/feeds/{feed_id}", source=source)
        if answer.status_code == 200:
            told: Json = answer.json()
            if told["state"] != "finished" or _is_marked(api, feed_id):
                return told
        else:
            assert answer.status_code == 202
            assert int(answer.headers["Retry-After"]) > 0
        time.sleep(pause)
        # The gateway's clock stands still: all that is asked counts into one minute.
        pause = min(0.5, 1.5 * pause)
    raise AssertionError(f"{feed_id} is not done")


def _is_marked(api: Api, feed_id: str) -> bool:
    """The last that is done with a feed."""
    engine = make_engine(api.database)
    with engine.connect() as connection:
        query = select(batches.c.marked_at).where(batches.c.id == feed_id)
        marked_at = connection.execute(query).scalar_one()
    engine.dispose()
    return marked_at is not None


def count_rows(database_url: str) -> dict[str, int]:
    """Of every table, but for what is counted beside the requests."""
    engine = make_engine(database_url)
    with engine.connect() as connection:
        found = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
            if table.name not in _BESIDE
        }
    engine.dispose()
    return found


def find_growth(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def forward(api: Api, **how_long: float) -> None:
    api.clock.forward(timedelta(**how_long).total_seconds())
