"""Feeds and their records over HTTP, as a vendor's program has them: sent, waited for, and their
receipts, lists and records read."""

import csv
import io
import json
from typing import Any

import requests

from gateway.api.feed_answers import MEDIA_TYPES
from gateway.pipeline.credentials import add_key
from gateway.pipeline.register import add_source
from schemas.submission import Source
from tests.lib.api import SOURCE
from tests.lib.api_calls import Api, encode, wait_for, write_event
from tests.lib.line import read_register, register_everyone

FHIR, XML, CSV = "test-fhir", "test-xml", "test-csv"
FORMS = ("json", "csv", "ndjson", "fhir")
Json = Any


def prepare(api: Api) -> None:
    """A source of each format, that may send for everybody of the sample register."""
    register_everyone(api.gateway)
    codes = frozenset(one.code for one in read_register())
    add_source(
        api.gateway,
        Source(
            id="test-json",
            organisation="RZA",
            format="json",
            profile="inphase-like-json",
            submits_for=codes,
        ),
    )
    for name in (FHIR, XML, CSV, "test-json"):
        api.keys[name] = add_key(api.gateway, name).secret


def send(api: Api, feed: bytes, *, source: str = FHIR, query: str = "", **headers: str) -> Json:
    """What is answered; it is kept by then."""
    answer = api.call("POST", f"/feeds{query}", feed, source=source, **headers)
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert answer.headers["Content-Location"] == f"/feeds/{told['id']}"
    assert int(answer.headers["Retry-After"]) > 0
    assert told["links"]["self"] == f"/feeds/{told['id']}"
    return told


def load(api: Api, feed: bytes, *, source: str = FHIR, **how: str) -> Json:
    return wait_for(api, send(api, feed, source=source, **how)["id"], source=source)


def read_receipt(api: Api, feed_id: str, form: str, *, source: str = FHIR) -> requests.Response:
    answer = api.call("GET", f"/feeds/{feed_id}/receipt?format={form}", source=source)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == MEDIA_TYPES[form]
    return answer


# What each form says of each record: number, disposition, codes of its findings.
Line = tuple[int, str, list[str]]


def read_lines(answer: requests.Response, form: str) -> list[Line]:
    if form == "json":
        return [
            (one["number"], one["disposition"], [found["code"] for found in one["findings"]])
            for one in answer.json()["records"]
        ]
    if form == "csv":
        lines: dict[int, Line] = {}
        order = []
        for row in csv.DictReader(io.StringIO(answer.text)):
            if row["locator"] == "batch":
                continue
            number = int(row["number"])
            order.append(number)
            line = lines.setdefault(number, (number, row["disposition"], []))
            line[2].extend([row["code"]] if row["code"] else [])
        assert order == sorted(order)
        return list(lines.values())
    outcomes = (
        [json.loads(line) for line in answer.text.splitlines()]
        if form == "ndjson"
        else [entry["response"]["outcome"] for entry in answer.json().get("entry", [])]
    )
    return [read_outcome(one) for one in outcomes if "batch" not in one["extension"][0]["url"]]


def read_outcome(outcome: Json) -> Line:
    told = {
        one["url"]: next(value for key, value in one.items() if key != "url")
        for one in outcome["extension"][0]["extension"]
    }
    codes = [
        issue["details"]["coding"][0]["code"]
        for issue in outcome["issue"]
        if "coding" in issue["details"]
    ]
    return told["number"], told["disposition"], codes


def list_feeds(api: Api, source: str, query: str = "", limit: int = 500) -> list[Json]:
    return _follow(api, "feeds", f"/feeds?limit={limit}{query}", source=source, limit=limit)


def list_rejected(
    api: Api, query: str = "", *, limit: int = 500, source: str = SOURCE.id
) -> list[Json]:
    return _follow(api, "records", f"/rejected?limit={limit}{query}", source=source, limit=limit)


def _follow(api: Api, what: str, first: str, *, source: str, limit: int) -> list[Json]:
    """Page by page, as the links lead."""
    found: list[Json] = []
    path = first
    while path:
        answer = api.call("GET", path, source=source)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert len(told[what]) <= limit
        found += told[what]
        path = told["next"]
        assert path is None or path.startswith(f"{first.partition('?')[0]}?")
    return found


def write_bad(name: str | None = None, **changes: Any) -> Json:
    return write_event(name=name, **{"narrative": "Fell.", **changes})


def load_lines(api: Api, *bodies: Json) -> str:
    """The id of a feed of these lines, loaded."""
    feed = b"\n".join(one if isinstance(one, bytes) else encode(one) for one in bodies)
    return str(load(api, feed, source=SOURCE.id)["id"])


def get_record(api: Api, feed_id: str, number: int = 1, *, source: str = SOURCE.id) -> Json:
    answer = api.call("GET", f"/feeds/{feed_id}/records/{number}", source=source)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put_record(
    api: Api, feed_id: str, number: int, body: Any, *, source: str = SOURCE.id
) -> requests.Response:
    return api.call("PUT", f"/feeds/{feed_id}/records/{number}", body, source=source)


def read_content(api: Api, feed_id: str, number: int, *, source: str = FHIR) -> requests.Response:
    answer = api.call("GET", f"/feeds/{feed_id}/records/{number}/content", source=source)
    assert answer.status_code == 200, answer.text
    return answer
