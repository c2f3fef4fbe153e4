"""A stub that speaks the wire contract over HTTP, as a vendor's developer may have one; with
``faults`` it breaks it in ways that the conformance kit must see."""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.adapters.json_strict import read_json
from gateway.adapters.limits import Limits
from schemas.taxonomy import TAXONOMY_VERSIONS, get_taxonomy
from tests.lib.wire_events import (
    Faults,
    Json,
    RefusedError,
    WireEvents,
    make_findings,
    make_outcome,
)

KEY = "stub-key-of-the-tests"
_MOST_BYTES = 8 * 2**20
_BODY_SECONDS = 1.0
_FHIR = "application/fhir+json"
_ID = re.compile(r"[!-~]{1,100}")
_EVENT = r"/adverse-event/fhir/AdverseEvent"


class Reply:
    def __init__(self, status: int, body: Json | None, headers: dict[str, str] | None = None):
        self.status = status
        self.body = b"" if body is None else json.dumps(body).encode()
        self.headers = headers or {}


@contextmanager
def serve_wire(*faults: str, tls: SSLContext | None = None) -> Iterator[str]:
    """The base address while the block lasts."""
    server = _Server(faults)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults = faults
        self.events = WireEvents(faults)
        self.replies: dict[str, tuple[bytes, Reply]] = {}
        self.asked = 0
        self.lock = Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 5

    def __getattr__(self, name: str) -> Callable[[], None]:
        # Every method that a client may think of comes to the same place.
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is declared
        """Says nothing."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        self.close_connection = True
        self._send(Reply(code, make_outcome("http", "invalid")))

    def _handle(self) -> None:
        try:
            reply = self._answer()
        except RefusedError as refused:
            reply = Reply(refused.status, refused.outcome, refused.headers)
            if "traces" in self._faults:
                reply.body = b"Traceback (most recent call last):\n" + reply.body
            if "dies" in self._faults and refused.status == 400:
                self.server.socket.close()
        self._send(reply)

    @property
    def _faults(self) -> Faults:
        return self.server.faults

    def _send(self, reply: Reply) -> None:
        self.send_response_only(reply.status)
        sent = getattr(self, "headers", None) or {}
        headers = {
            "Content-Type": "application/json" if "plain-json" in self._faults else _FHIR,
            "Content-Length": str(len(reply.body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
        request_id = sent.get("X-Request-ID", "")
        headers["X-Request-ID"] = request_id if _ID.fullmatch(request_id) else str(uuid.uuid4())
        if _ID.fullmatch(correlation := sent.get("X-Correlation-ID", "")):
            headers["X-Correlation-ID"] = correlation
        if "cached" in self._faults:
            headers |= {"Cache-Control": "max-age=600"}
        if "banner" in self._faults:
            headers |= {"Server": "Stub/1.2.3"}
        if "no-request-ids" in self._faults:
            del headers["X-Request-ID"]
        if "injected" in self._faults and "Injected" in unquote(request_id):
            headers |= {"Injected": "yes"}
        for name, value in (headers | reply.headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.close_connection = True

    def _answer(self) -> Reply:
        url = urlsplit(self.path)
        if url.path == "/adverse-event/fhir/metadata":
            return self._allow("GET", lambda: Reply(200, self._make_metadata()))
        if url.path == "/health":
            self.server.asked += 1
            if "busy" in self._faults and self.server.asked == 1:
                return Reply(429, make_outcome("limit", "throttled"), {"Retry-After": "0"})
            return Reply(200, {"status": "pass"})
        if special := self._find_special(url.path):
            return special
        if found := re.fullmatch(r"/taxonomy/fhir/(\w+)/([a-z-]+)-([456])", url.path):
            return self._read_taxonomy(*found.groups())
        if url.path.startswith(_EVENT):
            return self._answer_events(url.path.removeprefix(_EVENT).strip("/"), url.query)
        raise RefusedError(404, make_outcome("not-found", "not-found"))

    def _find_special(self, path: str) -> Reply | None:
        """What only some tests ask for."""
        if "redirects" in self._faults and path == "/moved":
            return Reply(302, {}, {"Location": "/health"})
        if not path.startswith("/feeds"):
            return None
        if "bad-feeds" in self._faults:
            return Reply(200, {"id": "nonsense"})
        self.server.asked += 1
        is_done = self.server.asked > 2 and "endless-feeds" not in self._faults
        if "slow-feeds" in self._faults or "endless-feeds" in self._faults:
            headers = {} if "no-retry-after" in self._faults else {"Retry-After": "0"}
            return Reply(200 if is_done else 202, {}, {} if is_done else headers)
        return None

    def _answer_events(self, rest: str, query: str) -> Reply:
        self._check_key()
        if self.command == "GET":
            return self._read(rest, parse_qs(query))
        if self.command not in ("POST", "PUT"):
            return self._allow("GET, POST, PUT", lambda: Reply(200, {}))
        return self._write(rest)

    def _allow(self, methods: str, answer: Callable[[], Reply]) -> Reply:
        if self.command in methods:
            return answer()
        return Reply(405, make_outcome("method", "not-supported"), {"Allow": methods})

    def _check_key(self) -> None:
        given = self.headers.get("Ocp-Apim-Subscription-Key")
        if given != KEY and "open-doors" not in self._faults:
            raise RefusedError(401, make_outcome("login", "login"), WWW_Authenticate="Key")

    def _read(self, rest: str, query: dict[str, list[str]]) -> Reply:
        events = self.server.events
        if not rest:
            identifier = query.get("identifier")
            if not identifier:
                raise RefusedError(400, make_outcome("query", "required"))
            return Reply(200, events.search(identifier[0]))
        reference, _, revision = rest.partition("/_history")
        if rest.endswith("/_history"):
            return Reply(200, events.history(reference))
        number = revision.strip("/")
        found = events.read(reference, int(number) if number.isdigit() else 0)
        return Reply(200, found, {"ETag": _etag(found)})

    def _write(self, rest: str) -> Reply:
        raw = self._read_body()
        key = self.headers.get("Idempotency-Key")
        if key and len(key) > 255:
            raise RefusedError(400, make_outcome("idempotency-key", "invalid"))
        digest = hashlib.sha256(raw).digest()
        if not key or "no-idempotency" in self._faults:
            return self._store(rest, raw)
        with self.server.lock:
            if key in self.server.replies:
                known, reply = self.server.replies[key]
                if known != digest and "any-body" not in self._faults:
                    raise RefusedError(422, make_outcome("idempotency-key", "conflict"))
                replayed = {"Idempotency-Replayed": "true"}
                again = Reply(reply.status, None, reply.headers | replayed)
                again.body = reply.body
                return again
            try:
                reply = self._store(rest, raw)
            except RefusedError as refused:
                reply = Reply(refused.status, refused.outcome)
            self.server.replies[key] = (digest, reply)
            return reply

    def _store(self, rest: str, raw: bytes) -> Reply:
        content = self._parse(raw)
        events = self.server.events
        if rest == "$validate":
            return self._validate(content)
        if rest:
            made = events.update(rest, content, self.headers.get("If-Match"))
            return Reply(200, made, {"ETag": _etag(made)})
        only_new = "If-None-Exist" in self.headers
        status, made = events.create(content, only_new=only_new)
        revision = made["meta"]["versionId"]
        headers = {
            "ETag": _etag(made),
            "Location": f"{_EVENT}/{made['id']}/_history/{revision}",
            "Last-Modified": self.date_time_string(),
            "LRMS-Batch": "b-stub",
        }
        body = None if "return=minimal" in self.headers.get("Prefer", "") else made
        return Reply(status, body, headers)

    def _validate(self, content: Json) -> Reply:
        if content.get("resourceType") == "Parameters":
            content = content["parameter"][0]["resource"]
        try:
            self.server.events.judge(content)
        except RefusedError as refused:
            return Reply(200, refused.outcome)
        return Reply(200, make_outcome("well", "informational") | {"issue": [_WELL]})

    def _parse(self, raw: bytes) -> Json:
        if "lax" in self._faults:
            content: Json = json.loads(raw.decode("utf-8", "replace"))
            return content
        value, finding = read_json(raw, Limits())
        if finding is not None:
            raise RefusedError(400, make_findings([finding]))
        return value

    def _read_body(self) -> bytes:
        lengths = self.headers.get_all("Content-Length", [])
        kind = self.headers.get("Content-Type", "").partition(";")[0].lower()
        if len(set(lengths)) > 1 or self.headers.get("Transfer-Encoding"):
            raise RefusedError(400, make_outcome("length", "invalid"))
        if kind not in (_FHIR, "application/json") or self.headers.get("Content-Encoding"):
            raise RefusedError(415, make_outcome("media-type", "invalid"))
        wanted = int(lengths[0]) if lengths else 0
        if wanted > _MOST_BYTES:
            raise RefusedError(413, make_outcome("too-long", "too-long"))
        body = b""
        ends = time.monotonic() + _BODY_SECONDS
        while len(body) < wanted:
            piece = self.rfile.read1(wanted - len(body))
            if not piece:
                raise RefusedError(400, make_outcome("cut-off", "invalid"))
            body += piece
            if len(body) < wanted and time.monotonic() > ends:
                raise RefusedError(408, make_outcome("slow", "timeout"))
        return body

    def _make_metadata(self) -> Json:
        versions = [one for one in TAXONOMY_VERSIONS if f"without-{one}" not in self._faults]
        profiles = [get_taxonomy(one).profile_url for one in versions]
        resource = {"type": "AdverseEvent", "supportedProfile": profiles}
        return {"resourceType": "CapabilityStatement", "rest": [{"resource": [resource]}]}

    def _read_taxonomy(self, kind: str, name: str, version: str) -> Reply:
        taxonomy = get_taxonomy(version)
        names = {"patient-safety-adverse-event", *(one.extension for one in taxonomy.groups)}
        if kind != "StructureDefinition":
            names = set(taxonomy.code_systems)
        if name not in names or "no-taxonomy" in self._faults:
            raise RefusedError(404, make_outcome("not-found", "not-found"))
        made: Json = {"resourceType": kind, "id": f"{name}-{version}"}
        if kind == "StructureDefinition":
            made["url"] = f"https://stub.example/StructureDefinition/{name}-{version}"
        if kind == "CodeSystem":
            codes = taxonomy.code_systems[name].codes.items()
            made["concept"] = [{"code": code, "display": label} for code, label in codes]
        return Reply(200, made)


_WELL = {"severity": "information", "code": "informational", "details": {"text": "all is well"}}


def _etag(event: Json) -> str:
    return f'W/"{event["meta"]["versionId"]}"'
