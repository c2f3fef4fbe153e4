"""Corrections over HTTP: a record in the place of one that was rejected; the original stays, and
the two are linked."""

import csv
import io
from collections import Counter

import pytest
import requests

from store.tables import audit, corrections
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
    write_event,
)
from tests.lib.api_feeds import (
    CSV,
    get_record,
    list_rejected,
    load,
    load_lines,
    put_record,
    read_content,
    read_receipt,
    write_bad,
)
from tests.lib.databases import read_rows
from tests.lib.events import STORY
from tests.lib.feeds import generate, make_bundle


def test_a_correction_that_is_accepted(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name), write_event(name=make_name()))
    original = api.call("GET", f"/feeds/{feed_id}/records/1/content").content
    receipt = read_receipt(api, feed_id, "json", source=SOURCE.id).content
    before = count_rows(api.database)
    answer = put_record(api, feed_id, 1, write_event(name=name))
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
    answer = put_record(api, feed_id, 1, write_bad(name, narrative="Slid."))
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/json")
    told = answer.json()
    assert told["verdict"] == "rejected"
    assert told["records"][0]["findings"][0]["code"] == "TEXT-002"
    record = get_record(api, feed_id)
    assert (record["corrected"], len(record["corrections"])) == (False, 1)
    assert put_record(api, feed_id, 1, write_event(name=name)).status_code == 200
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
    answer = put_record(api, feed_id, 1, body)
    assert (answer.status_code, get_code(answer)) == (422, "correction-refused")
    assert count_rows(api.database) == before
    assert get_record(api, feed_id)["corrections"] == []


def test_what_is_another_record(api: Api) -> None:
    feed_id = load_lines(api, write_bad(make_name()))
    before = count_rows(api.database)
    for body in (write_event(name=make_name()), write_event()):
        answer = put_record(api, feed_id, 1, body)
        assert (answer.status_code, get_code(answer)) == (422, "correction-refused")
    assert count_rows(api.database) == before


def test_what_was_loaded_needs_no_correction(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_event(name=name))
    before = count_rows(api.database)
    answer = put_record(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert (answer.status_code, get_code(answer)) == (409, "not-possible")
    assert count_rows(api.database) == before


def test_what_is_corrected_already(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    body = encode(write_event(name=name))
    first = put_record(api, feed_id, 1, body)
    before = count_rows(api.database)
    # The same again: the answer was lost.
    again = put_record(api, feed_id, 1, body)
    assert (again.status_code, again.content) == (200, first.content)
    other = put_record(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert (other.status_code, get_code(other)) == (409, "not-possible")
    assert first.json()["batch_id"] in other.json()["detail"]
    assert count_rows(api.database) == before


def test_a_rejected_correction_again_is_the_same_rejection(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    body = encode(write_bad(name, narrative="Slid."))
    first, second = (put_record(api, feed_id, 1, body) for _ in range(2))
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
    answer = put_record(api, feed_id, 1, write_event(name=name))
    assert (answer.status_code, get_code(answer)) == (409, "not-possible")
    assert "newer" in answer.json()["detail"]
    assert count_rows(api.database) == before
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"1"'


def test_an_older_version_is_revised_by_a_correction(api: Api) -> None:
    name = make_name()
    reference = get_reference(api.create(write_event(name=name)))
    feed_id = load_lines(api, write_bad(name))
    answer = put_record(api, feed_id, 1, write_event(name=name, narrative=STORY))
    assert answer.json()["records"][0]["disposition"] == "revised"
    assert api.read(f"/{reference}").headers["ETag"] == 'W/"2"'


def test_of_many_corrections_at_once_one_is_loaded(api: Api) -> None:
    name = make_name()
    feed_id = load_lines(api, write_bad(name))

    def correct(number: int) -> requests.Response:
        body = write_event(name=name, narrative=f"{STORY} As {number} saw it.")
        return put_record(api, feed_id, 1, body)

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
    answers = at_once(lambda _: put_record(api, feed_id, 1, body))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert 200 in {answer.status_code for answer in answers}
    assert put_record(api, feed_id, 1, body).status_code == 200
    growth = find_growth(before, count_rows(api.database))
    assert growth["events"] == growth["corrections"] == growth["batches"] == 1


def test_a_row_is_corrected_by_a_row_with_its_header(api: Api) -> None:
    feed = generate("csv", events=3, seed=230)
    rows = list(csv.DictReader(io.StringIO(feed.decode())))
    whole = dict(rows[1])
    rows[1]["narrative"] = "Fell."
    feed_id = load(api, write_rows(rows), source=CSV)["id"]
    assert get_record(api, feed_id, 2, source=CSV)["disposition"] == "rejected"
    answer = put_record(api, feed_id, 2, write_rows([whole]), source=CSV)
    assert answer.status_code == 200
    assert answer.json()["records"][0]["local_id"] == whole["record_id"]


def test_a_row_that_was_shown_can_be_sent_back(api: Api) -> None:
    rows = list(csv.DictReader(io.StringIO(generate("csv", events=3, seed=231).decode())))
    rows[1]["narrative"] = "Fell."
    feed_id = load(api, write_rows(rows), source=CSV)["id"]
    (shown,) = csv.DictReader(io.StringIO(read_content(api, feed_id, 2, source=CSV).text))
    answer = put_record(api, feed_id, 2, write_rows([shown | {"narrative": STORY}]), source=CSV)
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
    answer = put_record(api, feed_id, 1, write_event(name=name))
    assert answer.status_code == 200
    assert get_record(api, feed_id)["corrected"] is True
    assert (
        get_reference(api.create(write_event(name=name)))
        == answer.json()["records"][0]["reference"]
    )


@pytest.mark.parametrize("to", ["the original", "the attempt"])
def test_what_was_tried_in_vain_is_not_left_to_do(api: Api, to: str) -> None:
    """A correction that is rejected too stands for the record that it was to correct."""
    name = make_name()
    feed_id = load_lines(api, write_bad(name))
    tried = put_record(api, feed_id, 1, write_bad(name, narrative="Slid.")).json()["batch_id"]
    assert find_to_do(api, name) == {feed_id, tried}
    place = feed_id if to == "the original" else tried
    done = put_record(api, place, 1, write_event(name=name))
    assert done.status_code == 200
    made = done.json()["batch_id"]
    assert get_record(api, made)["corrects"] == f"/feeds/{feed_id}/records/1"
    for one, told in ((feed_id, [tried, made]), (tried, [made])):
        record = get_record(api, one)
        assert record["corrected"] is True
        assert [each["feed"] for each in record["corrections"]] == told
    assert find_to_do(api, name) == set()
    again = put_record(api, tried, 1, write_event(name=name, narrative=f"{STORY} Again."))
    assert (again.status_code, get_code(again)) == (409, "not-possible")


def find_to_do(api: Api, name: str) -> set[str]:
    found = list_rejected(api, "&corrected=false")
    return {one["feed"] for one in found if one["local_id"] == name}


def test_a_record_without_an_id_of_theirs(api: Api) -> None:
    feed_id = load_lines(api, write_bad())
    answer = put_record(api, feed_id, 1, write_event(narrative=f"{STORY} {make_name()}"))
    assert answer.status_code == 200


def test_bytes_that_were_sent_before_cannot_be_a_correction_too(api: Api) -> None:
    """They are a feed already; what became of it is told, and the link is made."""
    name = make_name()
    feed_id = load_lines(api, write_bad(name), write_bad(make_name()))
    body = encode(write_event(name=name))
    answer = put_record(api, feed_id, 1, body)
    assert answer.status_code == 200
    other = put_record(api, feed_id, 2, body)
    assert (other.status_code, get_code(other)) == (422, "correction-refused")
    told = [row.correction_batch for row in read_rows(api.database, corrections)]
    assert len(told) == len(set(told))
