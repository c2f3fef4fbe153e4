"""Feeds over HTTP in every format, packed or not, and what is answered for them; the same bytes
again; names of files; Bundles."""

import json
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    FHIR_JSON,
    Api,
    count_rows,
    encode,
    get_code,
    make_name,
    wait_for,
    write_event,
)
from tests.lib.api_feeds import CSV, FHIR, FORMS, XML, load, read_lines, read_receipt, send
from tests.lib.feeds import generate, make_bundle
from tests.lib.packed_feeds import make_gzip, make_zip

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
    is_rejected = done["verdict"] == "rejected"
    what = "It is rejected: nothing of it is loaded" if is_rejected else "It is loaded"
    assert done["says"] == f"{what}, as its receipt says."
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
        feed = generate(events=1, seed=100 + position)
        query = urlencode({"filename": name})
        answer = api.call("POST", f"/feeds?{query}", feed, source=FHIR)
        assert answer.status_code == 202
        assert wait_for(api, answer.json()["id"], source=FHIR)["verdict"] == "accepted"
    refused = api.call("POST", f"/feeds?filename={'x' * 256}", b"x", source=FHIR)
    assert (refused.status_code, get_code(refused)) == (400, "request-malformed")


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
