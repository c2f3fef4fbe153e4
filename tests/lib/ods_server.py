"""A real HTTP server that answers as the ODT FHIR API does, in the shapes of its specification
(2026-03-02), from organisations that a test makes up; and fails as told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.reference.ods import SYSTEM
from gateway.reference.ods_read import INSTANT, PERIOD, ROLE

Json = dict[str, Any]
KEY = "a key of tests"


def make_organisation(
    code: str,
    name: str,
    *,
    active: bool = True,
    roles: tuple[tuple[str, str | None, str | None], ...] = (("RO197", "2010-04-01", None),),
    changed: str = "2026-11-20",
) -> Json:
    """``roles``: code, first and last day of the legal period; the operational one is another."""
    extensions = [_make_role(*role) for role in roles]
    extensions.append(
        {
            "url": INSTANT,
            "extension": [
                {"url": "type", "valueCoding": {"code": "LastChangeDate"}},
                {"url": "dateTime", "valueDateTime": changed},
            ],
        }
    )
    return {
        "resourceType": "Organization",
        "id": code,
        "extension": extensions,
        "identifier": [{"use": "official", "system": SYSTEM, "value": code}],
        "active": active,
        "type": [{"coding": [{"code": "RC1", "display": "HSCOrg"}]}],
        "name": name,
        "address": [{"city": "NOWHERE", "country": "ENGLAND"}],
    }


def _make_role(code: str, start: str | None, end: str | None) -> Json:
    bounds = {name: day for name, day in (("start", start), ("end", end)) if day}
    periods = [("Operational", {"start": "1948-07-05"}), ("Legal", bounds)]
    return {
        "url": ROLE,
        "extension": [
            {"url": "instanceID", "valueInteger": 1},
            {"url": "roleCode", "valueCodeableConcept": {"coding": [{"code": code}]}},
            *(
                {
                    "url": PERIOD,
                    "extension": [
                        {"url": "dateType", "valueCoding": {"code": kind}},
                        {"url": "period", "valuePeriod": period},
                    ],
                }
                for kind, period in periods
            ),
            {"url": "active", "valueBoolean": end is None},
        ],
    }


class OdsServer:
    """``organisations`` by code; ``properties`` of a code as ``$lookup`` tells them. ``faults`` are
    taken one a request: a status, or one of "cut", "html", "silent 404". ``most``: more at a time
    are too many (422); ``short``: so many are counted beyond what there is."""

    def __init__(self) -> None:
        self.organisations: dict[str, Json] = {}
        self.properties: dict[str, list[tuple[str, Json]]] = {}
        self.faults: list[int | str] = []
        self.asked: list[str] = []
        self.keys: set[str | None] = set()
        self.most = 10_000
        self.short = 0
        self.retry_after = "1"
        self.url = ""

    def put(self, *resources: Json) -> None:
        for one in resources:
            self.organisations[one["id"]] = one

    def lead(self, code: str, *successors: str, **coded: str) -> None:
        """Who carried on from it; and ICB=…, NHSER=…."""
        told = [("successor", {"valueCode": one}) for one in successors]
        told += [(name, {"valueCoding": {"code": value}}) for name, value in coded.items()]
        self.properties[code] = told

    def count_asked(self, what: str) -> int:
        return sum(what in one for one in self.asked)

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Json]:
        if path == "/fhir/Organization":
            return self._search(query)
        if path == "/fhir/CodeSystem/$lookup":
            return self._look_up(query["code"][0])
        found = self.organisations.get(path.rpartition("/")[2])
        return (200, found) if found else (404, _outcome("HAPI-2001"))

    def _search(self, query: dict[str, list[str]]) -> tuple[int, Json]:
        chosen = [one for one in self.organisations.values() if _fits(one, query)]
        bundle: Json = {"resourceType": "Bundle", "type": "searchset"}
        if query.get("_summary") == ["count"]:
            return 200, bundle | {"total": len(chosen) + self.short}
        count, offset = (int(query[name][0]) for name in ("_count", "_offset"))
        if count > self.most:
            return 422, _outcome("too-costly")
        page = chosen[offset : offset + count]
        links = [{"relation": "self", "url": "https://another.example/fhir"}]
        if offset + count < len(chosen):
            # As from behind a proxy: of a host that nobody is to follow.
            links.append({"relation": "next", "url": "https://another.example/fhir?_offset=2"})
        entries = [{"resource": one, "search": {"mode": "match"}} for one in page]
        return 200, bundle | {"link": links, "entry": entries}

    def _look_up(self, code: str) -> tuple[int, Json]:
        if code not in self.organisations:
            return 404, _outcome("HAPI-2001")
        properties = [
            {
                "name": "property",
                "part": [{"name": "code", "valueCode": name}, {"name": "value", **value}],
            }
            for name, value in self.properties.get(code, [])
        ]
        named = [{"name": "code", "valueCode": code}, {"name": "name", "valueString": "ODS"}]
        return 200, {"resourceType": "Parameters", "parameter": [*named, *properties]}


def _fits(resource: Json, query: dict[str, list[str]]) -> bool:
    for text in query.get("lastChangeDate", []):
        assert text.startswith("gt")
        if not _changed_on(resource) > date.fromisoformat(text[2:]):
            return False
    wanted = {code for text in query.get("roleCode", []) for code in text.split(",")}
    return not wanted or bool(wanted & set(_roles(resource)))


def _changed_on(resource: Json) -> date:
    told = [one for one in resource["extension"] if one["url"] == INSTANT]
    return date.fromisoformat(told[0]["extension"][1]["valueDateTime"])


def _roles(resource: Json) -> Iterator[str]:
    for one in resource["extension"]:
        if one["url"] == ROLE:
            yield one["extension"][1]["valueCodeableConcept"]["coding"][0]["code"]


def _outcome(code: str) -> Json:
    issue = {"severity": "error", "code": "processing", "diagnostics": code}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _make_handler(ods: OdsServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            ods.asked.append(self.path)
            ods.keys.add(self.headers.get("apikey"))
            fault = ods.faults.pop(0) if ods.faults else None
            parts = urlsplit(self.path)
            if fault == "html":
                self._send(200, b"<html>Sign in to the wireless network</html>")
            elif isinstance(fault, int):
                self._send(fault, json.dumps(_outcome("fault")).encode())
            else:
                status, found = ods.answer(parts.path, parse_qs(parts.query))
                self._send(status, json.dumps(found).encode(), is_cut=fault == "cut")

        def _send(self, status: int, body: bytes, *, is_cut: bool = False) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("Retry-After", ods.retry_after)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if is_cut else body)
            self.close_connection = is_cut

        def log_message(self, *_words: object) -> None:
            pass

    return Handler


@contextmanager
def serve_ods() -> Iterator[OdsServer]:
    ods = OdsServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _make_handler(ods))
    server.daemon_threads = True
    ods.url = f"http://127.0.0.1:{server.server_address[1]}/fhir"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield ods
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def day_before(text: str) -> str:
    return (date.fromisoformat(text) - timedelta(days=1)).isoformat()
