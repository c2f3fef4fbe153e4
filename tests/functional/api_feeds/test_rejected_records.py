"""Rejected records over HTTP: listed and paged, each with what became of it, and what was sent."""

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest

from tests.lib.api import SOURCE
from tests.lib.api_calls import Api, encode, get_code, make_name, wait_for, write_event
from tests.lib.api_feeds import (
    CSV,
    FHIR,
    XML,
    get_record,
    list_rejected,
    load,
    load_lines,
    read_content,
    read_receipt,
    send,
    write_bad,
)
from tests.lib.events import STORY
from tests.lib.feeds import generate, make_bundle
from tests.lib.packed_feeds import make_gzip, make_zip


def test_rejected_records_are_paged_and_filtered(own_api: Api) -> None:
    api = own_api
    feeds = []
    for number in range(4):
        api.clock.forward(60)
        feed = generate(events=9, seed=200 + number, errors=0.5)
        feeds.append(load(api, feed)["id"])
    everything = list_rejected(api, source=FHIR)
    places = [(one["feed"], one["number"]) for one in everything]
    expected = [
        (feed_id, record["number"])
        for feed_id in reversed(feeds)
        for record in read_receipt(api, feed_id, "json").json()["records"]
        if record["disposition"] == "rejected"
    ]
    assert places == expected, "the newest feed first, each in its order"
    assert len(places) > 8
    for limit in (1, 2, 3, 5, 100):
        assert list_rejected(api, limit=limit, source=FHIR) == everything, "each exactly once"
    one_feed = list_rejected(api, f"&feed={feeds[1]}", limit=1, source=FHIR)
    assert one_feed == [one for one in everything if one["feed"] == feeds[1]]
    codes = Counter(found["code"] for one in everything for found in one["findings"])
    for code in codes:
        found = list_rejected(api, f"&code={code}", limit=1, source=FHIR)
        assert found == [
            one for one in everything if code in [each["code"] for each in one["findings"]]
        ]
    assert list_rejected(api, "&code=RULE-999", source=FHIR) == []
    since = next(one["received_at"] for one in everything if one["feed"] == feeds[2])
    since = since.replace("+", "%2B")
    newer = [one for one in everything if one["feed"] in feeds[2:]]
    assert list_rejected(api, f"&since={since}", limit=2, source=FHIR) == newer
    older = [one for one in everything if one["feed"] in feeds[:2]]
    assert list_rejected(api, f"&until={since}", limit=2, source=FHIR) == older
    for query in ("after=b-nothing:1", "feed=b-nothing"):
        # An empty page would say that nothing was rejected.
        unknown = api.call("GET", f"/rejected?{query}", source=FHIR)
        assert (unknown.status_code, get_code(unknown)) == (404, "not-found")
    both = f"&feed={feeds[1]}&corrected=false"
    assert list_rejected(api, both, source=FHIR) == one_feed
    assert list_rejected(api, "&corrected=true", source=FHIR) == []


@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "corrected=perhaps", "code=fine", "code=RULE-10", "after=1"),
        *("after=b-x:0", "after=b-x:99999999999", "since=now", f"feed={'x' * 33}"),
    ],
)
def test_what_a_list_cannot_be_asked(api: Api, query: str) -> None:
    answer = api.call("GET", f"/rejected?{query}")
    assert (answer.status_code, get_code(answer)) == (400, "request-malformed")


def test_a_record_says_what_became_of_it(api: Api) -> None:
    good, bad = make_name(), make_name()
    feed_id = load_lines(api, write_event(name=good), write_bad(bad))
    accepted, rejected = get_record(api, feed_id, 1), get_record(api, feed_id, 2)
    assert (accepted["disposition"], accepted["local_id"]) == ("created", good)
    event = api.read(f"/{accepted['reference']}")
    assert event.json()["identifier"]["value"] == good
    assert accepted["findings"] == []
    assert (rejected["disposition"], rejected["local_id"]) == ("rejected", bad)
    (finding,) = rejected["findings"]
    assert finding["code"] == "TEXT-002"
    assert finding.keys() == {"code", "severity", "path", "source_path", "message", "fix"}
    assert rejected["links"] == {
        "self": f"/feeds/{feed_id}/records/2",
        "content": f"/feeds/{feed_id}/records/2/content",
        "feed": f"/feeds/{feed_id}",
    }
    assert (rejected["corrected"], rejected["corrections"], rejected["corrects"]) == (
        False,
        [],
        None,
    )
    assert list_rejected(api, f"&feed={feed_id}") == [rejected]


def test_records_that_are_not_there(api: Api) -> None:
    feed_id = load_lines(api, write_bad(make_name()))
    tried = send(api, encode(write_bad(make_name())), source=SOURCE.id, query="?dry-run=true")["id"]
    wait_for(api, tried)
    body = write_event(name=make_name())
    for place in (f"{feed_id}/records/2", "b-nothing/records/1", f"{tried}/records/1"):
        for method, more in (("GET", ""), ("GET", "/content"), ("PUT", "")):
            sent = body if method == "PUT" else None
            answer = api.call(method, f"/feeds/{place}{more}", sent)
            assert (answer.status_code, get_code(answer)) == (404, "not-found"), (method, place)
    for number in ("0", "-1", "x", "2147483648"):
        answer = api.call("GET", f"/feeds/{feed_id}/records/{number}")
        assert (answer.status_code, get_code(answer)) == (400, "request-malformed")


@pytest.mark.parametrize("pack", [bytes, make_gzip, lambda feed: make_zip([("a", feed)])])
def test_lines_are_shown_to_the_byte(api: Api, pack: Any) -> None:
    lines = generate(events=4, seed=210 + len(repr(pack)) % 7).splitlines()
    lines.insert(1, b'{"resourceType": "AdverseEvent", "cut off')
    lines.insert(2, b'  {"resourceType":"Patient"}  ')
    feed_id = load(api, pack(b"\n".join(lines)))["id"]
    for number, line in enumerate(lines, 1):
        answer = read_content(api, feed_id, number)
        assert answer.headers["Content-Type"] == "application/fhir+json"
        assert answer.content.strip() == line.strip()


def test_a_single_request_is_shown_to_the_byte(api: Api) -> None:
    body = b" " + encode(write_bad(make_name())) + b"\n\n"
    feed_id = api.create(body).headers["LRMS-Batch"]
    answer = read_content(api, feed_id, 1, source=SOURCE.id)
    assert (answer.content, answer.headers["Content-Type"]) == (body, "application/fhir+json")


def test_a_resource_of_a_bundle_is_shown_as_it_was(api: Api) -> None:
    lines = generate(events=3, seed=220).splitlines()
    feed_id = load(api, make_bundle(lines))["id"]
    for number, line in enumerate(lines, 1):
        answer = read_content(api, feed_id, number)
        assert answer.json() == json.loads(line)
        assert answer.headers["Content-Type"] == "application/fhir+json"


def test_a_row_is_shown_with_its_header(api: Api) -> None:
    feed = generate("csv", events=3, seed=221)
    feed_id = load(api, feed, source=CSV)["id"]
    rows = list(csv.DictReader(io.StringIO(feed.decode())))
    for number, row in enumerate(rows, 1):
        answer = read_content(api, feed_id, number, source=CSV)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        (shown,) = csv.DictReader(io.StringIO(answer.text))
        assert shown == {name: cell for name, cell in row.items() if cell}, "empty ones left out"


@pytest.mark.parametrize(("form", "source"), [("xml", XML), ("fhir-xml-5", FHIR)])
def test_xml_is_shown_as_it_was_read(api: Api, form: str, source: str) -> None:
    feed_id = load(api, generate(form, events=3, seed=222), source=source)["id"]
    shown = [read_content(api, feed_id, number, source=source).json() for number in (1, 2, 3)]
    assert len({json.dumps(one) for one in shown}) == 3
    if source == FHIR:
        assert {one["resourceType"] for one in shown} == {"AdverseEvent"}


def test_what_was_shown_can_be_sent_back(api: Api) -> None:
    """Fetched, corrected, put in its place: without the feed at hand."""
    feed_id = load_lines(api, write_event(name=make_name()), write_bad(make_name()))
    (rejected,) = list_rejected(api, f"&feed={feed_id}")
    content = api.call("GET", rejected["links"]["content"]).json()
    content["description"] = STORY
    answer = api.call("PUT", rejected["links"]["self"], content)
    assert answer.status_code == 200
    assert answer.json()["records"][0]["disposition"] == "created"
