"""Feeds over HTTP that wait: for the worker, for a decision, for what was left or failed before."""

import io
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.api import feed_worker
from gateway.pipeline.decide import discard_batch, release_batch
from gateway.pipeline.receive import receive_feed
from gateway.pipeline.trial import receive_trial
from store.tables import batches, events
from tests.lib.api_calls import PATIENCE, Api, open_api, wait_for
from tests.lib.api_feeds import FHIR, FORMS, Json, load, prepare, read_lines, read_receipt, send
from tests.lib.databases import read_rows
from tests.lib.feeds import generate, make_bundle


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
