"""Pages of an API, against a real one: each is a batch; where the next run begins, also after a
kill; pages that lead nowhere."""

import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.collectors import http_asking
from gateway.collectors.far_end import CollectError
from gateway.collectors.http_pull import HttpPull
from gateway.generator import write_feed
from gateway.pipeline.ingest import process_batch
from tests.lib.collecting import NOW, Killed, list_batches, read_items, run
from tests.lib.lrms_api import fail, say
from tests.lib.pulling import BUNDLE, fill, read_cursor, read_raw


def test_every_page_is_a_batch_and_the_next_run_asks_for_what_changed(gateway, make, api, clock):
    fill(api, 5)
    make(**BUNDLE)
    assert run(gateway) == {"received": 3}
    assert [one[2] for one in list_batches(gateway.settings.database)] == ["pull"] * 3
    ids = [
        entry["resource"]["id"] for raw in read_raw(gateway) for entry in json.loads(raw)["entry"]
    ]
    assert ids == ["0", "1", "2", "3", "4"]
    assert [query for _, query in api.asked] == [{}, {"page": "1"}, {"page": "2"}]
    clock.go(hours=1)
    api.now += timedelta(hours=1)
    api.add({"resourceType": "AdverseEvent", "id": "new"})
    assert run(gateway) == {"received": 1}
    # Ten minutes before the last run began.
    assert api.asked[-1][1] == {"_lastUpdated": "ge2026-11-22T09:20:00Z"}
    assert json.loads(read_raw(gateway)[-1])["entry"][-1]["resource"]["id"] == "new"


def test_an_answer_without_records_is_no_batch_and_moves_the_cursor(gateway, make, api, clock):
    make(**BUNDLE)
    for _ in range(3):
        assert run(gateway) in ({"noted": 1}, {})
        clock.go(minutes=5)
        api.now += timedelta(minutes=5)
    assert list_batches(gateway.settings.database) == []
    assert list(read_items(gateway)) == ["empty"]
    assert read_cursor(gateway) == {"since": "2026-11-22T09:40:00Z"}


@pytest.mark.parametrize(
    ("path", "settings"),
    [
        ("/events.ndjson", {"since": {"parameter": "since"}, "pages": {"by": "link"}}),
        (
            "/incidents",
            {
                "since": {"parameter": "changed"},
                "pages": {"by": "field", "field": "paging.next"},
                "records": "incidents",
            },
        ),
        (
            "/incidents",
            {
                "pages": {"by": "field", "field": "paging.page", "parameter": "page"},
                "records": "incidents",
            },
        ),
    ],
)
def test_pages_are_found_by_link_and_by_field(gateway, make, api, path, settings):
    fill(api, 5)
    make(path, **settings)
    assert run(gateway) == {"received": 3}
    assert [query.get("page") for _, query in api.asked] == [None, "1", "2"]
    assert read_raw(gateway)[0].count(b"AdverseEvent") == 2


def test_a_run_begins_from_where_the_api_says(gateway, make, api):
    fill(api, 2)
    settings = {"mark": {"parameter": "after", "field": "serial"}, "records": "incidents"}
    make("/incidents", **settings)
    run(gateway)
    assert read_cursor(gateway)["mark"] == "2"
    fill(api, 1)
    run(gateway)
    assert api.asked[-1][1] == {"after": "2"}
    assert read_cursor(gateway)["mark"] == "3"
    # A number that goes back is not followed.
    api.faults.append(say(b'{"incidents": [{"id": 9}], "serial": 1}', "application/json"))
    run(gateway)
    assert read_cursor(gateway)["mark"] == "3"


def test_a_feed_that_did_not_change_is_not_sent_again(gateway, make, api):
    fill(api, 2)
    make("/whole.csv")
    assert run(gateway) == {"received": 1}
    assert run(gateway) == {}
    assert api.headers[-1]["if-none-match"] == '"2"'
    fill(api, 1)
    assert run(gateway) == {"received": 1}


def test_the_same_records_in_the_overlap_are_unchanged(gateway, make, api, clock):
    stream = io.BytesIO()
    write_feed(stream, events=4, format="fhir-5", seed=3, errors=0.0, duplicates=0.0)
    for line in stream.getvalue().splitlines():
        api.add(json.loads(line))
    api.page_size = 10
    make(**BUNDLE)
    run(gateway)
    clock.go(minutes=5)
    api.now += timedelta(minutes=5)
    # The same records, in other bytes.
    api.records.reverse()
    assert run(gateway) == {"received": 1}
    with gateway.store.read() as work:
        batches = work.batches.find_all(10)
    counts = [
        process_batch(gateway, one.id).counts for one in sorted(batches, key=lambda b: b.number)
    ]
    assert [(one.created, one.unchanged, one.rejected) for one in counts] == [(4, 0, 0), (0, 4, 0)]


@pytest.mark.parametrize("step", ["open", "ask"])
def test_a_run_that_is_killed_between_pages_goes_on_where_it_was(
    gateway, make, api, clock, monkeypatch, step
):
    fill(api, 7)
    make(**BUNDLE)
    count = 0
    owner, name = (HttpPull, "open") if step == "open" else (http_asking.Asker, "ask")
    real = getattr(owner, name)

    def die(self, *given, **named):
        nonlocal count
        count += 1
        if count == 3:
            raise Killed
        return real(self, *given, **named)

    monkeypatch.setattr(owner, name, die)
    with pytest.raises(Killed):
        run(gateway)
    monkeypatch.undo()
    assert len(list_batches(gateway.settings.database)) == 2
    assert read_cursor(gateway)["next"].endswith("page=2")
    clock.go(minutes=20)
    run(gateway)
    assert len(list_batches(gateway.settings.database)) == 4
    # From where the run began, not where it was taken up.
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}


def test_a_run_bounded_in_pages_goes_on_in_the_next(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE, max_pages=2)
    assert run(gateway) == {"received": 2}
    assert run(gateway) == {"received": 1}
    assert "next" not in read_cursor(gateway)


def test_where_the_next_page_is_not_kept_any_longer_the_run_begins_anew(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE, max_pages=2)
    run(gateway)
    api.faults.append(fail(410))
    assert run(gateway) == {}
    assert run(gateway) == {"received": 1}
    assert len(list_batches(gateway.settings.database)) == 3


def test_the_cursor_is_where_it_was_when_a_page_fails(gateway, make, api):
    fill(api, 6)
    make(**BUNDLE)
    api.faults.extend([lambda _: None, *[fail(500)] * 3])
    with pytest.raises(CollectError, match="failing"):
        run(gateway)
    assert len(list_batches(gateway.settings.database)) == 1
    assert read_cursor(gateway)["next"].endswith("page=1")
    assert run(gateway) == {"received": 2}


def test_the_earlier_of_two_clocks_counts_and_time_never_goes_back(gateway, make, api, clock):
    fill(api, 1)
    make(**BUNDLE)
    api.now = NOW + timedelta(days=400)
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}
    api.now = NOW - timedelta(days=400)
    fill(api, 1)
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-22T09:30:00Z"}


def test_without_the_apis_clock_a_day_is_asked_for_again(gateway, make, api):
    make(**BUNDLE)
    api.faults.append(say(b'{"resourceType": "Bundle", "entry": [1]}', Date=""))
    run(gateway)
    assert read_cursor(gateway) == {"since": "2026-11-21T09:30:00Z"}


def test_a_page_that_leads_to_itself_ends_the_run(gateway, make, api):
    make(**BUNDLE)
    bundle = {
        "resourceType": "Bundle",
        "link": [{"relation": "next", "url": "/fhir/AdverseEvent"}],
        "entry": [{"resource": {"id": "1"}}],
    }
    api.faults.extend([say(json.dumps(bundle))] * 9)
    with pytest.raises(CollectError, match="bad-answer"):
        run(gateway)
    assert len(api.asked) == 1


def test_pages_that_lead_in_a_circle_end_the_run(gateway, make, api):
    make(**BUNDLE)

    def lead(to: str) -> Callable[[Request], Response]:
        link = [{"relation": "next", "url": f"/fhir/AdverseEvent?{to}"}]
        return say(
            json.dumps({"resourceType": "Bundle", "link": link, "entry": [{"resource": to}]})
        )

    api.faults.extend([lead("b"), lead("a")] * 20)
    with pytest.raises(CollectError, match="bad-answer"):
        run(gateway)
    assert len(api.asked) < 12
    assert len(list_batches(gateway.settings.database)) == 2


def test_the_same_page_twice_is_received_once(gateway, make, api):
    fill(api, 6)
    make("/events.ndjson", pages={"by": "link"})
    same = b'{"resourceType": "AdverseEvent", "id": "0"}\n'
    kind = "application/fhir+ndjson"
    links = [f'</events.ndjson?page={number}>; rel="next"' for number in (1, 2)]
    api.faults.extend(say(same, kind, Link=link) for link in links)
    assert run(gateway) == {"received": 2}
    assert [query.get("page") for _, query in api.asked] == [None, "1", "2"]
