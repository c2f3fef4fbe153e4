"""Dry runs over HTTP: what they foretell, and what becomes of them."""

from typing import Any

import pytest

from gateway.pipeline import trial
from schemas.errors import WrongUseError
from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    Api,
    count_rows,
    encode,
    find_growth,
    get_code,
    make_name,
    wait_for,
    write_event,
)
from tests.lib.api_feeds import FHIR, FORMS, list_feeds, load, read_lines, read_receipt, send
from tests.lib.feeds import generate


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
    assert sent["id"] not in [one["id"] for one in list_feeds(api, FHIR)]
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
