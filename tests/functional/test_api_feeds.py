"""Feeds over HTTP: every format, packed or not; dry runs and what becomes of them; receipts in four
forms; lists; and feeds that wait."""

import csv
import io
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from msgspec import structs

from gateway.api import feed_worker
from gateway.api.feed_answers import MEDIA_TYPES, write_receipt
from gateway.generator import write_feed
from gateway.pipeline import trial
from gateway.pipeline.credentials import add_key
from gateway.pipeline.decide import discard_batch, release_batch
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.register import add_source
from gateway.pipeline.trial import receive_trial
from schemas.errors import WrongUseError
from schemas.submission import Source
from store.tables import batches, events
from tests.lib.api import OTHER, SOURCE
from tests.lib.api_calls import (
    FHIR_JSON,
    PATIENCE,
    Api,
    count_rows,
    encode,
    find_growth,
    get_code,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.databases import read_rows
from tests.lib.line import read_register, register_everyone
from tests.lib.packed_feeds import make_gzip, make_zip
from tests.lib.receipts import make_receipt_record, make_receipt_stream

FHIR, XML, CSV = "test-fhir", "test-xml", "test-csv"
FORMS = ("json", "csv", "ndjson", "fhir")
Json = Any


@pytest.fixture(scope="module")
def api(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("feeds"), shared_database_url) as opened:
        prepare(opened)
        yield opened


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as opened:
        prepare(opened)
        yield opened


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


def generate(form: str = "fhir-5", records: int = 12, seed: int = 5, **options: Any) -> bytes:
    stream = io.BytesIO()
    write_feed(stream, events=records, format=form, seed=seed, **options)
    return stream.getvalue()


def make_bundle(lines: Iterable[bytes], kind: str = "batch") -> bytes:
    entries = [{"resource": json.loads(line)} for line in lines]
    return encode({"resourceType": "Bundle", "type": kind, "entry": entries})


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


# --- Formats ---

JSON_FEED = Path("samples/profiles/inphase-like-json/feed.json")
FEEDS = {
    "FHIR, NDJSON": (FHIR, lambda: generate(errors=0.3)),
    "FHIR, Bundle": (FHIR, lambda: make_bundle(generate(seed=6).splitlines())),
    "FHIR, XML": (FHIR, lambda: generate("fhir-xml-5", seed=8, errors=0.3)),
    "XML": (XML, lambda: generate("xml", errors=0.3)),
    "CSV": (CSV, lambda: generate("csv", errors=0.3)),
    "JSON": ("test-json", JSON_FEED.read_bytes),
    "gzip": (FHIR, lambda: make_gzip(generate(seed=7))),
    "zip": (CSV, lambda: make_zip([(f"{n}.csv", generate("csv", n, n)) for n in (6, 7)])),
    "nothing": (FHIR, lambda: b""),
    "no feed": (FHIR, lambda: b"Dear all, please find attached"),
    "another format": (FHIR, lambda: generate("csv", 3)),
}


@pytest.mark.parametrize("name", FEEDS)
def test_every_format_is_received_loaded_and_told_of(api: Api, name: str) -> None:
    source, make = FEEDS[name]
    feed = make()
    sent = send(api, feed, source=source, query=f"?filename={name}")
    assert (sent["size"], sent["filename"], sent["route"]) == (len(feed), name, "http")
    done = wait_for(api, sent["id"], source=source)
    assert done["state"] == "finished"
    assert done["says"] == "It is loaded, as its receipt says."
    answers = {form: read_receipt(api, sent["id"], form, source=source) for form in FORMS}
    told = {form: read_lines(answer, form) for form, answer in answers.items()}
    assert told["csv"] == told["ndjson"] == told["fhir"] == told["json"]
    lines = told["json"]
    assert [number for number, _, _ in lines] == list(range(1, done["counts"]["records"] + 1))
    for disposition in ("created", "revised", "unchanged", "rejected"):
        assert done["counts"][disposition] == sum(one == disposition for _, one, _ in lines)
    whole = answers["json"].json()
    assert (whole["batch_id"], whole["source"]) == (sent["id"], source)
    assert whole["verdict"] == done["verdict"]
    if done["verdict"] == "rejected":
        # What is wrong with the feed as a whole is told last.
        assert whole["findings"]
        last = json.loads(answers["ndjson"].text.splitlines()[-1])
        assert last["extension"] == [{"url": "urn:lrms-gateway:batch", "valueBoolean": True}]
        assert answers["fhir"].json()["entry"][-1]["response"]["status"].startswith("422")
        assert whole["findings"][0]["code"] in answers["csv"].text
    else:
        assert lines
        assert done["counts"]["created"] > 0


def test_a_batch_response_names_the_events(api: Api) -> None:
    lines = [encode(write_event(name=make_name())) for _ in range(3)]
    lines[1] = encode(write_event(name=make_name(), narrative="Fell."))
    done = load(api, make_bundle(lines), source=SOURCE.id)
    told = read_receipt(api, done["id"], "fhir", source=SOURCE.id).json()
    assert (told["resourceType"], told["type"]) == ("Bundle", "batch-response")
    first, second, third = (entry["response"] for entry in told["entry"])
    assert [first["status"], second["status"]] == ["201 Created", "422 Unprocessable Entity"]
    assert "location" not in second
    for response in (first, third):
        assert response["etag"] == 'W/"1"'
        path = response["location"].removeprefix(api.gateway.settings.public_url)
        event = api.call("GET", path)
        assert event.status_code == 200
        assert event.headers["ETag"] == 'W/"1"'
    issue = second["outcome"]["issue"][0]
    assert issue["details"]["coding"][0]["code"] == "TEXT-002"
    assert issue["expression"] == ["AdverseEvent.description"]
    assert issue["location"] == ["/entry/1/resource/description"]


def test_the_same_bytes_again_are_the_same_feed(api: Api) -> None:
    feed = generate(seed=21)
    first = load(api, feed)
    before = count_rows(api.database)
    again = send(api, feed, query="?filename=another-name")
    assert (again["id"], again["state"], again["filename"]) == (first["id"], "finished", "feed")
    assert count_rows(api.database) == before
    assert load(api, feed) == first


def test_names_of_files(api: Api) -> None:
    for position, name in enumerate(("../../etc/passwd", "a\x00b", "ü 患者", "'; --", "x" * 255)):
        feed = generate(records=1, seed=100 + position)
        query = urlencode({"filename": name})
        answer = api.call("POST", f"/feeds?{query}", feed, source=FHIR)
        assert answer.status_code == 202
        assert wait_for(api, answer.json()["id"], source=FHIR)["verdict"] == "accepted"
    refused = api.call("POST", f"/feeds?filename={'x' * 256}", b"x", source=FHIR)
    assert (refused.status_code, get_code(refused)) == (400, "request-malformed")


# --- Dry runs ---


def test_a_dry_run_and_then_the_run(api: Api) -> None:
    feed = generate(seed=31, errors=0.3)
    before = count_rows(api.database)
    sent = send(api, feed, query="?dry-run=true&filename=try.ndjson")
    assert (sent["dry_run"], sent["state"], sent["filename"]) == (True, "waiting", "try.ndjson")
    done = wait_for(api, sent["id"], source=FHIR)
    assert (done["dry_run"], done["state"]) == (True, "checked")
    assert find_growth(before, count_rows(api.database)) == {"trials": 1, "audit": 2}
    said = read_receipt(api, sent["id"], "json").json()
    told = {form: read_lines(read_receipt(api, sent["id"], form), form) for form in FORMS}
    assert told["csv"] == told["ndjson"] == told["fhir"] == told["json"]
    assert said["next_action"].startswith("Dry run: nothing is loaded.")
    assert sent["id"] not in [one["id"] for one in list_all(api, FHIR)]
    # Promoted: nothing is sent again.
    promoted = api.call("POST", done["links"]["promote"], source=FHIR)
    assert promoted.status_code == 202
    assert promoted.headers["Content-Location"] == f"/feeds/{sent['id']}"
    assert promoted.json()["dry_run"] is False
    run = wait_for(api, sent["id"], source=FHIR)
    assert (run["state"], run["filename"]) == ("finished", "try.ndjson")
    loaded = read_receipt(api, sent["id"], "json").json()
    # What was foretold is what happened.
    assert loaded["records"] == said["records"]
    assert loaded["counts"] == said["counts"]
    assert loaded["verdict"] == said["verdict"]
    again = api.call("POST", f"/feeds/{sent['id']}/promote", source=FHIR)
    assert (again.status_code, again.json()["state"]) == (202, "finished")
    assert read_lines(read_receipt(api, sent["id"], "json"), "json") == told["json"]


def test_a_dry_run_again_is_checked_again(api: Api) -> None:
    """What it is checked against may have changed."""
    name = make_name()
    body = encode(write_event(name=name))
    first = wait_for(api, send(api, body, source=SOURCE.id, query="?dry-run=true")["id"])
    assert foretell(api, first["id"]) == ["created"]
    assert api.create(write_event(name=name, narrative="Told otherwise before it came.")).ok
    api.clock.forward(1)
    again = send(api, body, source=SOURCE.id, query="?dry-run=1")
    assert (again["id"], again["state"]) == (first["id"], "waiting")
    wait_for(api, first["id"])
    assert foretell(api, first["id"]) == ["revised"]


def foretell(api: Api, feed_id: str) -> list[str]:
    told = read_receipt(api, feed_id, "json", source=SOURCE.id).json()
    return [one["disposition"] for one in told["records"]]


def test_a_dry_run_of_a_feed_that_is_loaded_is_that_feed(api: Api) -> None:
    feed = generate(seed=32)
    done = load(api, feed)
    before = count_rows(api.database)
    tried = send(api, feed, query="?dry-run=true")
    assert (tried["id"], tried["dry_run"], tried["state"]) == (done["id"], False, "finished")
    assert count_rows(api.database) == before


def test_a_feed_whose_dry_run_waits_is_loaded_all_the_same(api: Api) -> None:
    feed = generate(seed=33)
    wait_for(api, send(api, feed, query="?dry-run=true")["id"], source=FHIR)
    done = load(api, feed)
    assert (done["dry_run"], done["verdict"]) == (False, "accepted")


def test_a_dry_run_of_what_is_no_feed(api: Api) -> None:
    done = wait_for(api, send(api, b"Dear all", query="?dry-run=true")["id"], source=FHIR)
    assert done["state"] == "checked"
    told = read_receipt(api, done["id"], "json").json()
    assert (told["verdict"], told["records"]) == ("rejected", [])
    assert told["findings"]
    assert read_receipt(api, done["id"], "csv").text.count("\n") == 2


def test_a_dry_run_that_we_cannot_check(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a fault of ours: it says so, and does not wait for ever."""

    def fail(*_: object) -> Any:
        raise WrongUseError("x")

    with monkeypatch.context() as broken:
        broken.setattr(trial, "check_batch", fail)
        done = wait_for(api, send(api, generate(seed=34), query="?dry-run=true")["id"], source=FHIR)
    assert done["state"] == "failed"
    answer = api.call("GET", f"/feeds/{done['id']}/receipt", source=FHIR)
    assert (answer.status_code, get_code(answer)) == (409, "not-possible")
    assert api.call("POST", done["links"]["promote"], source=FHIR).status_code == 202
    assert wait_for(api, done["id"], source=FHIR)["verdict"] == "accepted"


# --- Receipts ---


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/fhir+ndjson", "ndjson"),
        ("application/fhir+json; fhirVersion=4.0", "fhir"),
        ("Text/CSV;q=0.9", "csv"),
        ("text/html, application/fhir+ndjson;q=0.8, */*;q=0.1", "ndjson"),
    ],
)
def test_the_form_is_chosen_by_accept(api: Api, accept: str, form: str) -> None:
    feed_id = load(api, generate(records=2, seed=41))["id"]
    path = f"/feeds/{feed_id}/receipt"
    answer = api.call("GET", path, source=FHIR, Accept=accept)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == MEDIA_TYPES[form]
    assert answer.content == read_receipt(api, feed_id, form).content
    asked = api.call("GET", f"{path}?format=csv", source=FHIR, Accept=accept)
    assert asked.headers["Content-Type"] == MEDIA_TYPES["csv"]


def test_a_form_that_there_is_not(api: Api) -> None:
    feed_id = load(api, generate(records=2, seed=41))["id"]
    answer = api.call("GET", f"/feeds/{feed_id}/receipt", source=FHIR, Accept="text/html, image/*")
    assert (answer.status_code, get_code(answer)) == (406, "not-acceptable")
    assert all(form in answer.json()["detail"] for form in FORMS)
    answer = api.call("GET", f"/feeds/{feed_id}/receipt?format=pdf", source=FHIR)
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")


def test_5000_records_are_told_in_feed_order(own_api: Api) -> None:
    api = own_api
    feed = generate(records=5_000, seed=42, errors=0.1, duplicates=0.1)
    done = load(api, make_gzip(feed))
    records = done["counts"]["records"]
    assert records >= 5_000
    told = {form: read_lines(read_receipt(api, done["id"], form), form) for form in FORMS}
    assert [number for number, _, _ in told["json"]] == list(range(1, records + 1))
    assert told["csv"] == told["ndjson"] == told["fhir"] == told["json"]


@pytest.mark.parametrize("form", FORMS)
def test_receipts_stream(form: Any) -> None:
    """The first piece is out before a fraction of the records is read."""
    read = []

    def make() -> Iterator[Any]:
        for number in range(1, 20_001):
            read.append(number)
            yield make_receipt_record(number)

    stream = structs.replace(make_receipt_stream(), records=make())
    pieces = write_receipt(nullcontext(stream), form, is_fhir=True, base="http://x")
    first = next(pieces)
    assert len(first) < 200_000
    assert len(read) < 2_000
    sizes = [len(piece) for piece in pieces]
    assert len(read) == 20_000
    assert max(sizes) < 200_000


def test_receipts_that_nobody_reads_to_the_end_hold_nothing_up(own_api: Api) -> None:
    api = own_api
    feed_id = load(api, generate(records=600, seed=43, errors=0.5))["id"]
    headers = {"Ocp-Apim-Subscription-Key": api.keys[FHIR]}
    for _ in range(40):
        url = f"{api.url}/feeds/{feed_id}/receipt?format=fhir"
        with requests.get(url, headers=headers, stream=True, timeout=PATIENCE) as answer:
            assert next(answer.iter_content(100))
    # More than the pool of connections holds; all of them are free again.
    assert read_receipt(api, feed_id, "json").status_code == 200
    assert api.create(write_event(name=make_name())).status_code == 201


# --- Bundles ---


def test_a_batch_bundle_is_answered_by_the_asynchronous_pattern(api: Api) -> None:
    lines = [encode(write_event(version, name=make_name())) for version in ("4", "5", "6")]
    answer = api.call("POST", "/adverse-event/fhir", make_bundle(lines))
    assert answer.status_code == 202
    place = answer.headers["Content-Location"]
    assert place == f"/feeds/{answer.json()['id']}/receipt?format=fhir"
    wait_for(api, answer.json()["id"])
    done = api.call("GET", place)
    assert (done.status_code, done.headers["Content-Type"]) == (200, FHIR_JSON)
    told = done.json()
    assert told["type"] == "batch-response"
    assert [entry["response"]["status"] for entry in told["entry"]] == ["201 Created"] * 3


def test_a_bundle_of_a_source_that_sends_something_else(api: Api) -> None:
    before = count_rows(api.database)
    answer = api.call("POST", "/adverse-event/fhir", make_bundle([]), source=CSV)
    assert (answer.status_code, get_code(answer)) == (409, "format-differs")
    assert answer.headers["Content-Type"] == FHIR_JSON
    assert count_rows(api.database) == before


# --- Waiting ---


def test_while_it_is_not_loaded(tmp_path: Path) -> None:
    """Where only Airflow loads: 202, and when to come again."""
    with open_api(tmp_path, load_at_once_bytes=0) as api:
        prepare(api)
        feed_id = send(api, generate())["id"]
        for path in ("", "/receipt", "/receipt?format=csv"):
            answer = api.call("GET", f"/feeds/{feed_id}{path}", source=FHIR)
            assert answer.status_code == 202
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["state"] == "received"
            assert answer.headers["Content-Type"] == "application/json"
        # A dry run is checked all the same: nobody else would.
        tried = send(api, generate(seed=51), query="?dry-run=true")
        assert wait_for(api, tried["id"], source=FHIR)["state"] == "checked"


def test_a_feed_that_breaks_off_waits_for_a_decision(api: Api) -> None:
    for decide, verdict in ((release_batch, "partly_accepted"), (discard_batch, "rejected")):
        seed = 61 if decide is release_batch else 62
        broken = make_bundle(generate(seed=seed).splitlines())[:-400]
        held = load(api, broken)
        assert (held["state"], held["says"]) == (
            "held",
            "It waits for a decision, as its receipt says.",
        )
        told = {form: read_lines(read_receipt(api, held["id"], form), form) for form in FORMS}
        assert told["csv"] == told["ndjson"] == told["fhir"] == told["json"]
        assert told["json"]
        assert read_receipt(api, held["id"], "json").json()["verdict"] == "held"
        decide(api.gateway, held["id"], "as the sender asked")
        api.app.state.feed_worker.wake(held["id"])
        done = wait_until_finished(api, held["id"])
        assert done["verdict"] == verdict


def wait_until_finished(api: Api, feed_id: str) -> Json:
    until = time.monotonic() + PATIENCE
    while True:
        told: Json = api.call("GET", f"/feeds/{feed_id}", source=FHIR).json()
        if told["state"] == "finished":
            return told
        assert time.monotonic() < until


def test_what_was_left_is_loaded_after_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Received by a process that died before it loaded it: nobody woke this one."""
    monkeypatch.setattr(feed_worker, "_LOOK_SECONDS", 0.05)
    with open_api(tmp_path) as api:
        prepare(api)
        feed, _ = receive_feed(
            api.gateway, FHIR, io.BytesIO(generate(seed=71)), filename="left", route="http"
        )
        dropped, _ = receive_feed(
            api.gateway, FHIR, io.BytesIO(generate(seed=72)), filename="a file", route="file"
        )
        tried = receive_trial(api.gateway, FHIR, io.BytesIO(generate(seed=73)), filename="left")
        api.clock.forward(59)
        time.sleep(0.3)
        assert read_rows(api.database, events) == [], "it may be another's yet"
        api.clock.forward(61)
        assert wait_for(api, feed.id, source=FHIR)["verdict"] == "accepted"
        assert wait_for(api, tried.id, source=FHIR)["state"] == "checked"
        states = {row.id: row.state for row in read_rows(api.database, batches)}
        # What comes another way is Airflow's.
        assert states[dropped.id] == "received"


def test_a_feed_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_worker, "_LOOK_SECONDS", 0.05)
    kept = feed_worker.process_batch
    failed = []

    def fail_once(*given: Any) -> Any:
        if not failed:
            failed.append(given)
            raise KeyError("x")
        return kept(*given)

    monkeypatch.setattr(feed_worker, "process_batch", fail_once)
    with open_api(tmp_path) as api:
        prepare(api)
        feed_id = send(api, generate())["id"]
        until = time.monotonic() + PATIENCE
        while not failed:
            assert time.monotonic() < until
        assert api.call("GET", f"/feeds/{feed_id}", source=FHIR).status_code == 202
        api.clock.forward(61)
        assert wait_for(api, feed_id, source=FHIR)["verdict"] == "accepted"


# --- Lists ---


def list_all(api: Api, source: str, query: str = "", limit: int = 500) -> list[Json]:
    """Page by page, as the links lead."""
    found: list[Json] = []
    path = f"/feeds?limit={limit}{query}"
    while path:
        answer = api.call("GET", path, source=source)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert len(told["feeds"]) <= limit
        found += told["feeds"]
        path = told["next"]
        assert path is None or path.startswith("/feeds?")
    return found


def test_lists_are_paged_and_filtered(own_api: Api) -> None:
    api = own_api
    ids = []
    for number in range(7):
        api.clock.forward(60)
        errors = (0.0, 0.5, 1.0)[number % 3]
        ids.append(load(api, generate(records=4, seed=80 + number, errors=errors))["id"])
    api.clock.forward(60)
    other = load(api, generate("csv", records=2), source=CSV)["id"]
    ids.reverse()
    for limit in (1, 2, 3, 7, 100):
        assert [one["id"] for one in list_all(api, FHIR, limit=limit)] == ids
    assert [one["id"] for one in list_all(api, CSV, limit=1)] == [other]
    everything = list_all(api, FHIR)
    for verdict in ("accepted", "partly_accepted", "rejected"):
        found = list_all(api, FHIR, f"&verdict={verdict}", limit=1)
        assert found == [one for one in everything if one["verdict"] == verdict]
        assert found, verdict
    assert list_all(api, FHIR, "&state=held") == []
    assert list_all(api, FHIR, "&state=finished&route=http") == everything
    assert list_all(api, FHIR, "&route=file") == []
    third = everything[2]["received_at"].replace("+", "%2B")
    assert list_all(api, FHIR, f"&since={third}", limit=2) == everything[:3]
    assert list_all(api, FHIR, f"&until={third}", limit=2) == everything[3:]
    # Behind one that is not known there is nothing.
    assert list_all(api, FHIR, "&before=b-nothing") == []
    assert api.call("GET", f"/feeds/{ids[0]}", source=FHIR).json() == everything[0]


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "state=lost", "verdict=fine", "route=pigeon"),
        *("since=yesterday", "since=2026-11-27T09:00:00", f"before={'x' * 33}"),
    ],
)
def test_what_a_list_cannot_be_asked(api: Api, query: str) -> None:
    answer = api.call("GET", f"/feeds?{query}")
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")
    assert query.partition("=")[0] in answer.json()["detail"]


def test_single_requests_are_listed_too(own_api: Api) -> None:
    api = own_api
    created = api.create(write_event(name=make_name()))
    rejected = api.create(write_event(name=make_name(), narrative="Fell."))
    told = list_all(api, SOURCE.id)
    assert [one["id"] for one in told] == [
        answer.headers["LRMS-Batch"] for answer in (rejected, created)
    ]
    assert [one["filename"] for one in told] == ["POST AdverseEvent"] * 2
    assert list_all(api, OTHER.id) == []
