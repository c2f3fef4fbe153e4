"""Replay for vendors over HTTP: rejected records listed and paged, what was sent, and corrections
in their place; the original stays, and the two are linked."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from store.tables import audit, corrections
from tests.functional.test_api_feeds import (
    CSV,
    FHIR,
    XML,
    generate,
    load,
    make_bundle,
    prepare,
    read_receipt,
    send,
)
from tests.integration.test_store_concurrency import at_once
from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    Api,
    count_rows,
    encode,
    find_growth,
    get_code,
    get_reference,
    make_name,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.databases import read_rows
from tests.lib.packed_feeds import make_gzip, make_zip

Json = Any
STORY = "The bed rails were lowered for care, and they were not raised again before staff left."


@pytest.fixture(scope="module")
def api(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("records"), shared_database_url) as opened:
        prepare(opened)
        yield opened


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as opened:
        prepare(opened)
        yield opened


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


def put(
    api: Api, feed_id: str, number: int, body: Any, *, source: str = SOURCE.id
) -> requests.Response:
    return api.call("PUT", f"/feeds/{feed_id}/records/{number}", body, source=source)


def list_rejected(
    api: Api, query: str = "", *, limit: int = 500, source: str = SOURCE.id
) -> list[Json]:
    found: list[Json] = []
    path = f"/rejected?limit={limit}{query}"
    while path:
        answer = api.call("GET", path, source=source)
        assert answer.status_code == 200, answer.text
        told = answer.json()
        assert len(told["records"]) <= limit
        found += told["records"]
        path = told["next"]
        assert path is None or path.startswith("/rejected?")
    return found


# --- Lists ---


def test_rejected_records_are_paged_and_filtered(own_api: Api) -> None:
    api = own_api
    feeds = []
    for number in range(4):
        api.clock.forward(60)
        feed = generate(records=9, seed=200 + number, errors=0.5)
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
    assert list_rejected(api, "&after=b-nothing:1", source=FHIR) == []
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


# --- What was sent ---


def read_content(api: Api, feed_id: str, number: int, *, source: str = FHIR) -> requests.Response:
    answer = api.call("GET", f"/feeds/{feed_id}/records/{number}/content", source=source)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("pack", [bytes, make_gzip, lambda feed: make_zip([("a", feed)])])
def test_lines_are_shown_to_the_byte(api: Api, pack: Any) -> None:
    lines = generate(records=4, seed=210 + len(repr(pack)) % 7).splitlines()
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
    lines = generate(records=3, seed=220).splitlines()
    feed_id = load(api, make_bundle(lines))["id"]
    for number, line in enumerate(lines, 1):
        answer = read_content(api, feed_id, number)
        assert answer.json() == json.loads(line)
        assert answer.headers["Content-Type"] == "application/fhir+json"


def test_a_row_is_shown_with_its_header(api: Api) -> None:
    feed = generate("csv", records=3, seed=221)
    feed_id = load(api, feed, source=CSV)["id"]
    rows = list(csv.DictReader(io.StringIO(feed.decode())))
    for number, row in enumerate(rows, 1):
        answer = read_content(api, feed_id, number, source=CSV)
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        (shown,) = csv.DictReader(io.StringIO(answer.text))
        assert shown == {name: cell for name, cell in row.items() if cell}, "empty ones left out"


@pytest.mark.parametrize(("form", "source"), [("xml", XML), ("fhir-xml-5", FHIR)])
def test_xml_is_shown_as_it_was_read(api: Api, form: str, source: str) -> None:
    feed_id = load(api, generate(form, records=3, seed=222), source=source)["id"]
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


# --- Corrections ---


def test_a_correction_that_is_accepted(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name), write_event(name=make_name()))
    original = api.call("GET", f"/feeds/{feed_id}/records/1/content").content
    receipt = read_receipt(api, feed_id, "json", source=SOURCE.id).content
    before = count_rows(api.database)
    answer = put(api, feed_id, 1, write_event(name=name))
    assert answer.status_code == 200
    told = answer.json()
    assert (told["verdict"], told["records"][0]["local_id"]) == ("accepted", name)
    assert answer.headers["Content-Location"] == f"/feeds/{told['batch_id']}/receipt"
    assert api.call("GET", answer.headers["Content-Location"]).content == answer.content
    reference = told["records"][0]["reference"]
    assert api.read(f"/{reference}").json()["identifier"]["value"] == name
    # The two are linked, and the original is as it was.
    record = get_record(api, feed_id, 1)
    assert (record["disposition"], record["corrected"]) == ("rejected", True)
    (correction,) = record["corrections"]
    assert (correction["feed"], correction["disposition"]) == (told["batch_id"], "created")
    assert correction["receipt"] == answer.headers["Content-Location"]
    assert get_record(api, told["batch_id"])["corrects"] == f"/feeds/{feed_id}/records/1"
    assert api.call("GET", f"/feeds/{feed_id}/records/1/content").content == original
    assert read_receipt(api, feed_id, "json", source=SOURCE.id).content == receipt
    growth = find_growth(before, count_rows(api.database))
    assert growth["corrections"] == growth["batches"] == growth["events"] == 1
    assert [one["number"] for one in list_rejected(api, f"&feed={feed_id}&corrected=true")] == [1]
    assert list_rejected(api, f"&feed={feed_id}&corrected=false") == []
    entries = [row for row in read_rows(api.database, audit) if row.action == "record.corrected"]
    assert [row.subject for row in entries if row.subject == feed_id] == [feed_id]


def test_a_correction_that_is_rejected_too(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    answer = put(api, feed_id, 1, write_bad(name, narrative="Slid."))
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/json")
    told = answer.json()
    assert told["verdict"] == "rejected"
    assert told["records"][0]["findings"][0]["code"] == "TEXT-002"
    record = get_record(api, feed_id)
    assert (record["corrected"], len(record["corrections"])) == (False, 1)
    assert put(api, feed_id, 1, write_event(name=name)).status_code == 200
    record = get_record(api, feed_id)
    assert record["corrected"] is True
    assert [one["disposition"] for one in record["corrections"]] == ["rejected", "created"]
    assert [one["feed"] for one in list_rejected(api, f"&feed={told['batch_id']}")]


@pytest.mark.parametrize(
    "case", ["two", "none", "no feed", "another resource", "another format", "cut off"]
)
def test_what_is_not_one_record(api: Api, case: str) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    good = encode(write_event(name=name))
    body = {
        "two": good + b"\n" + encode(write_event(name=make_name())),
        "none": b"",
        "no feed": b"Dear all",
        "another resource": b'{"resourceType": "Bundle", "type": "searchset"}',
        "another format": b"record_id,narrative\n1,2\n",
        "cut off": make_bundle([good])[:-30],
    }[case]
    before = count_rows(api.database)
    answer = put(api, feed_id, 1, body)
    assert (answer.status_code, get_code(answer)) == (422, "correction-refused")
    assert count_rows(api.database) == before
    assert get_record(api, feed_id)["corrections"] == []


def test_what_is_another_record(api: Api) -> None:
    feed_id = load_lines(api, write_bad(make_name()))
    before = count_rows(api.database)
    for body in (write_event(name=make_name()), write_event()):
        answer = put(api, feed_id, 1, body)
        assert (answer.status_code, get_code(answer)) == (422, "correction-refused")
    assert count_rows(api.database) == before


def test_what_was_loaded_needs_no_correction(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_event(name=name))
    before = count_rows(api.database)
    answer = put(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert (answer.status_code, get_code(answer)) == (409, "not-possible")
    assert count_rows(api.database) == before


def test_what_is_corrected_already(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    body = encode(write_event(name=name))
    first = put(api, feed_id, 1, body)
    before = count_rows(api.database)
    # The same again: the answer was lost.
    again = put(api, feed_id, 1, body)
    assert (again.status_code, again.content) == (200, first.content)
    other = put(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert (other.status_code, get_code(other)) == (409, "not-possible")
    assert first.json()["batch_id"] in other.json()["detail"]
    assert count_rows(api.database) == before


def test_a_rejected_correction_again_is_the_same_rejection(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    body = encode(write_bad(name, narrative="Slid."))
    first, second = (put(api, feed_id, 1, body) for _ in range(2))
    assert (first.status_code, second.status_code) == (422, 422)
    assert first.content == second.content
    assert len(get_record(api, feed_id)["corrections"]) == 1


@pytest.mark.parametrize("way", ["request", "feed"])
def test_what_is_out_of_date(api: Api, way: str) -> None:
    """A newer record of the same event was accepted since: the correction would take it back."""
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    newer = write_event(name=name, narrative=STORY)
    if way == "request":
        reference = get_reference(api.create(newer))
    else:
        reference = get_record(api, load_lines(api, newer))["reference"]
    before = count_rows(api.database)
    answer = put(api, feed_id, 1, write_event(name=name))
    assert (answer.status_code, get_code(answer)) == (409, "not-possible")
    assert "newer" in answer.json()["detail"]
    assert count_rows(api.database) == before
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'


def test_an_older_version_is_revised_by_a_correction(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    feed_id = load_lines(api, write_bad(name))
    answer = put(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert answer.json()["records"][0]["disposition"] == "revised"
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"2"'


def test_of_many_corrections_at_once_one_is_loaded(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))

    def correct(number: int) -> requests.Response:
        body = write_event(name=name, narrative=f"{STORY} As {number} saw it.")
        return put(api, feed_id, 1, body)

    answers = at_once(correct)
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {200: 1, 409: 7}
    (done,) = [answer.json() for answer in answers if answer.status_code == 200]
    event = api.read(f"/{done['records'][0]['reference']}")
    assert event.headers["ETag"] == 'W/"1"'
    record = get_record(api, feed_id)
    assert [one["feed"] for one in record["corrections"]] == [done["batch_id"]]


def test_the_same_correction_at_once_is_loaded_once(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    body = encode(write_event(name=name))
    before = count_rows(api.database)
    answers = at_once(lambda _: put(api, feed_id, 1, body))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    assert put(api, feed_id, 1, body).status_code == 200
    growth = find_growth(before, count_rows(api.database))
    assert growth["events"] == growth["corrections"] == growth["batches"] == 1


def test_a_row_is_corrected_by_a_row_with_its_header(api: Api) -> None:
    feed = generate("csv", records=3, seed=230)
    rows = list(csv.DictReader(io.StringIO(feed.decode())))
    whole = dict(rows[1])
    rows[1]["narrative"] = "Fell."
    feed_id = load(api, write_rows(rows), source=CSV)["id"]
    assert get_record(api, feed_id, 2, source=CSV)["disposition"] == "rejected"
    answer = put(api, feed_id, 2, write_rows([whole]), source=CSV)
    assert answer.status_code == 200
    assert answer.json()["records"][0]["local_id"] == whole["record_id"]


def test_a_row_that_was_shown_can_be_sent_back(api: Api) -> None:
    rows = list(csv.DictReader(io.StringIO(generate("csv", records=3, seed=231).decode())))
    rows[1]["narrative"] = "Fell."
    feed_id = load(api, write_rows(rows), source=CSV)["id"]
    (shown,) = csv.DictReader(io.StringIO(read_content(api, feed_id, 2, source=CSV).text))
    answer = put(api, feed_id, 2, write_rows([shown | {"narrative": STORY}]), source=CSV)
    assert answer.status_code == 200, answer.text


def write_rows(rows: list[dict[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def test_a_single_request_that_was_rejected_is_corrected(api: Api) -> None:
    name = make_name()
    feed_id = api.create(write_bad(name)).headers["LRMS-Batch"]
    answer = put(api, feed_id, 1, write_event(name=name))
    assert answer.status_code == 200
    assert get_record(api, feed_id)["corrected"] is True
    assert (
        get_reference(api.create(write_event(name=name)))
        == answer.json()["records"][0]["reference"]
    )


def test_a_correction_may_be_corrected(api: Api) -> None:
    """It is a record like any other."""
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    second = put(api, feed_id, 1, write_bad(name, narrative="Slid.")).json()["batch_id"]
    third = put(api, second, 1, write_event(name=name))
    assert third.status_code == 200
    assert get_record(api, third.json()["batch_id"])["corrects"] == f"/feeds/{second}/records/1"
    assert get_record(api, second)["corrected"] is True


def test_a_record_without_an_id_of_theirs(api: Api) -> None:
    feed_id = load_lines(api, write_bad())
    answer = put(api, feed_id, 1, write_event(narrative=f"{STORY} {make_name()}"))
    assert answer.status_code == 200


def test_bytes_that_were_sent_before_cannot_be_a_correction_too(api: Api) -> None:
    """They are a feed already; what became of it is told, and the link is made."""
    name = make_name()
    feed_id = load_lines(api, write_bad(name), write_bad(make_name()))
    body = encode(write_event(name=name))
    answer = put(api, feed_id, 1, body)
    assert answer.status_code == 200
    other = put(api, feed_id, 2, body)
    assert (other.status_code, get_code(other)) == (422, "correction-refused")
    told = [row.correction_batch for row in read_rows(api.database, corrections)]
    assert len(told) == len(set(told))
