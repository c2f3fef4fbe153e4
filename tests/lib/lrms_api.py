"""The API of a local system, really served: it gives its records page by page, by the time of
their last change, and does what it is told to the next requests."""

import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

_READY_SECONDS = 180
Fault = Callable[[Request], Response | None]


class LrmsApi:
    """``records``: lines of JSON, each with the time of its last change. ``faults``: each answers
    one request in the API's place, or leaves it to it (None). ``asked`` are the paths and
    parameters so far, ``headers`` the headers. ``now`` is its clock; ``tls`` the files of its
    certificate and key."""

    def __init__(
        self, now: datetime, *, page_size: int = 2, tls: tuple[Path, Path] | None = None
    ) -> None:
        self.now, self.page_size = now, page_size
        self.records: list[tuple[datetime, dict[str, Any]]] = []
        self.faults: deque[Fault] = deque()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        routes = {
            "/fhir/AdverseEvent": self._give_bundle,
            "/events.ndjson": self._give_lines,
            "/incidents": self._give_json,
            "/whole.csv": self._give_csv,
        }
        app = Starlette(
            routes=[Route(path, self._wrap(give)) for path, give in routes.items()]
            + [Route("/oauth2/token", self._wrap(self._give_token), methods=["POST"])]
        )
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        # Its own Date, so that a test may set the clock.
        config = uvicorn.Config(
            app,
            log_level="critical",
            date_header=False,
            server_header=False,
            ssl_certfile=tls[0] if tls else None,
            ssl_keyfile=tls[1] if tls else None,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def add(self, record: dict[str, Any], at: datetime | None = None) -> None:
        self.records.append((at or self.now, record))

    def __enter__(self) -> Self:
        self._thread.start()
        until = time.monotonic() + _READY_SECONDS
        while not self._server.started:
            assert time.monotonic() < until, "the API did not come up"
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join()
        self._listening.close()

    def _run(self) -> None:
        self._server.run(sockets=[self._listening])

    def _wrap(self, give: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            self.asked.append((request.url.path, dict(request.query_params)))
            self.headers.append(dict(request.headers))
            fault = self.faults.popleft() if self.faults else None
            response = (fault and fault(request)) or give(request)
            response.headers.setdefault("Date", format_datetime(self.now, usegmt=True))
            return response

        return answer

    def _select(self, request: Request, since: str) -> tuple[list[dict[str, Any]], str | None]:
        """The records of a page, and the address of the next."""
        asked = request.query_params.get(since, "").removeprefix("ge")
        first = datetime.fromisoformat(asked) if asked else None
        found = [record for at, record in self.records if first is None or at >= first]
        start = int(request.query_params.get("page", "0")) * self.page_size
        rest = found[start + self.page_size :]
        query = {**request.query_params, "page": str(start // self.page_size + 1)}
        following = f"{request.url.path}?{urlencode(query)}" if rest else None
        return found[start : start + self.page_size], following

    def _give_bundle(self, request: Request) -> Response:
        records, following = self._select(request, "_lastUpdated")
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        if following:
            bundle["link"] = [{"relation": "next", "url": f"{self.url}{following}"}]
        if records:
            bundle["entry"] = [{"resource": one} for one in records]
        return JSONResponse(bundle, media_type="application/fhir+json")

    def _give_lines(self, request: Request) -> Response:
        records, following = self._select(request, "since")
        body = b"".join(msgspec.json.encode(one) + b"\n" for one in records)
        headers = {"Link": f'<{following}>; rel="next"'} if following else {}
        return Response(body, media_type="application/fhir+ndjson", headers=headers)

    def _give_json(self, request: Request) -> Response:
        records, following = self._select(request, "changed")
        paging = {"next": following, "page": int(request.query_params.get("page", "0")) + 1}
        if not following:
            paging = {"next": None, "page": None}
        return JSONResponse({"incidents": records, "paging": paging, "serial": len(self.records)})

    def _give_csv(self, request: Request) -> Response:
        body = "id\n" + "".join(f"{one['id']}\n" for _, one in self.records)
        etag = f'"{len(self.records)}"'
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, media_type="text/csv", headers={"ETag": etag})

    def _give_token(self, _: Request) -> Response:
        token = {"access_token": f"token-{len(self.asked)}", "expires_in": "599"}
        return JSONResponse({**token, "token_type": "Bearer"})


def fail(status: int, **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Response(status_code=status, headers=named)


def say(body: bytes | str, media_type: str = "application/fhir+json", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: Response(body, media_type=media_type, headers=named)


def wait_for(go_on: threading.Event) -> Fault:
    """It thinks until it is told to go on, and then answers."""

    def think(_: Request) -> None:
        go_on.wait(600)

    return think
