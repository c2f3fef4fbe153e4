"""A made-up person sent by every way into the API is in the events and in the bytes that were sent,
and nowhere else: no answer that refuses, no log, no entry of the audit log."""

import base64
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import MetaData, select

from gateway.logs import JsonFormatter
from gateway.monitoring.spans import flush_spans
from gateway.pipeline.credentials import add_key
from tests.lib.api import SOURCE
from tests.lib.api_calls import (
    EVENTS,
    Api,
    encode,
    get_reference,
    open_api,
    wait_for,
    write_event,
)
from tests.lib.databases import make_engine
from tests.lib.line import register_everyone
from tests.lib.marked_feeds import ALONE, PERSON, find_words, make_feeds, make_fhir_ndjson
from tests.lib.otlp import Received, receive_otlp

# Where content is kept, and what senders call things: by design.
KEPT = {
    ("revisions", "payload"),
    ("bodies", "body"),
    ("batches", "filename"),
    ("trials", "filename"),
    ("uploads", "filename"),
    ("uploads", "metadata"),
    ("idempotency_keys", "key"),
}
# Visible, without blanks: what a header or an address may hold.
WORD = "Zebulina-Quackenthorpe-9990000018"
# One call in so many: of some 2,000 lines each is a request.
EVERY = 9


class Run:
    """Everything that was answered, and everything that was logged meanwhile."""

    def __init__(self, api: Api, log: io.StringIO, traces: Received) -> None:
        self.api = api
        self.log = log
        self.traces = traces
        self.answers: list[Any] = []

    def call(self, method: str, path: str, body: Any = None, **how: str) -> Any:
        answer = self.api.call(method, path, body, **how)
        # Kept by the hundred, each would keep its socket: 1,024 files are all that many users have.
        answer.close()
        answer.raw = None
        self.answers.append(answer)
        return answer


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    log = io.StringIO()
    handlers = [logging.StreamHandler(log), logging.StreamHandler(log)]
    # Also as JSON, with the ids that are fields there.
    handlers[1].setFormatter(JsonFormatter())
    root = logging.getLogger()
    before = root.level
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    how: dict[str, object] = {
        "max_requests_per_minute": 0,
        "max_records_per_minute": 0,
        "load_at_once_bytes": 2**26,
    }
    # What the tests themselves send with logs too.
    logging.getLogger("urllib3").setLevel(logging.INFO)
    try:
        with (
            receive_otlp() as (endpoint, traces),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            yield from run_everything(tmp_path_factory.mktemp("api-leaks"), how, log, traces)
    finally:
        for handler in handlers:
            root.removeHandler(handler)
        root.setLevel(before)
        logging.getLogger("urllib3").setLevel(logging.NOTSET)


def run_everything(
    home: Path, how: dict[str, object], log: io.StringIO, traces: Received
) -> Iterator[Run]:
    with open_api(home, **how) as api:
        register_everyone(api.gateway)
        for name in ("test-fhir", "test-xml", "test-csv"):
            api.keys[name] = add_key(api.gateway, name).secret
        done = Run(api, log, traces)
        send_events(done)
        send_feeds(done)
        send_headers(done)
        send_corrections(done)
        send_uploads(done)
        api.app.state.meter.flush(api.gateway)
        yield done


def send_events(run: Run) -> None:
    reference = get_reference(run.call("POST", EVENTS, write_event(name="F-0")))
    lines = [one for one in make_fhir_ndjson().split(b"\n") if one]
    for number, line in enumerate(lines):
        if number % EVERY and number < len(lines) - 10:
            continue
        run.call("POST", f"{EVENTS}/$validate", line)
        run.call("POST", EVENTS, line, Prefer="return=OperationOutcome")
        run.call("PUT", f"{EVENTS}/{reference}", line, Prefer="return=minimal")


def send_feeds(run: Run) -> None:
    for form, feed in make_feeds():
        source = f"test-{form}"
        name = quote(f"{PERSON}.csv")
        for query in (f"?dry-run=true&filename={name}", f"?filename={name}"):
            sent = run.call("POST", f"/feeds{query}", feed, source=source)
            told = wait_for(run.api, sent.json()["id"], source=source)
            for wanted in ("json", "csv", "ndjson", "fhir"):
                run.call("GET", f"{told['links']['receipt']}?format={wanted}", source=source)
        run.call("POST", "/adverse-event/fhir", feed, source=source)
        run.call("GET", "/rejected?limit=500", source=source)


def send_headers(run: Run) -> None:
    body = write_event(name="F-headers")
    for name in ("If-Match", "If-None-Exist", "Prefer", "Accept", "Content-Encoding"):
        run.call("POST", EVENTS, body, **{name: WORD})
        run.call("PUT", f"{EVENTS}/0000-0000-0000-0", body, **{name: WORD})
    run.call("POST", EVENTS, body, If_None_Exist=f"identifier={WORD}")
    run.call("POST", EVENTS, body, Idempotency_Key=WORD)
    run.call("POST", EVENTS, write_event(name="F-other"), Idempotency_Key=WORD)
    run.call("POST", EVENTS, body, Content_Type=f"text/{WORD}")
    run.call("POST", EVENTS, body, Authorization=f"Bearer {WORD}", source="")
    run.call("POST", EVENTS, body, Ocp_Apim_Subscription_Key=WORD, source="")
    run.call("POST", EVENTS, body, Client_Cert=WORD)
    run.call("POST", EVENTS, body, X_Request_ID=f"{PERSON}", X_Correlation_ID=PERSON)
    run.call("POST", "/oauth2/token", PERSON.encode(), source="")
    form = "application/x-www-form-urlencoded"
    for field in ("grant_type", "client_assertion", "scope"):
        run.call("POST", "/oauth2/token", f"{field}={WORD}".encode(), source="", Content_Type=form)
    for path in (
        f"{EVENTS}?identifier={WORD}",
        f"{EVENTS}/{WORD}",
        f"{EVENTS}/{WORD}/_history/{WORD}",
        f"/feeds/{WORD[:30]}",
        f"/feeds/{WORD[:30]}/receipt",
        f"/feeds/{WORD[:30]}/records/1",
        f"/feeds/{WORD}/records/{WORD}",
        f"/feeds?state={WORD}&since={WORD}&limit={WORD}&before={WORD}",
        f"/rejected?code={WORD}&after={WORD}&corrected={WORD}",
        f"/taxonomy/fhir/{WORD}",
        f"/taxonomy/fhir/ValueSet/{WORD}",
        f"/taxonomy/fhir/ValueSet?version={WORD}",
        f"/uploads/{WORD}",
        f"/{WORD}",
    ):
        run.call("GET", path)


def send_corrections(run: Run) -> None:
    bad = encode(write_event(name="F-bad", narrative="Fell."))
    feed_id = run.call("POST", "/feeds", bad).json()["id"]
    wait_for(run.api, feed_id)
    path = f"/feeds/{feed_id}/records/1"
    for line in make_fhir_ndjson().split(b"\n")[-12:]:
        run.call("PUT", path, line)
    run.call("PUT", path, PERSON.encode())
    run.call(
        "PUT", path, write_event(name="F-bad", event_date="2092-01-01") | {"description": PERSON}
    )
    run.call("PUT", path, write_event(name="F-bad", narrative=f"It is told that {PERSON} fell."))
    run.call("GET", path)


def send_uploads(run: Run) -> None:
    tus = {"Tus_Resumable": "1.0.0"}
    told = base64.b64encode(f"{PERSON}.ndjson".encode()).decode()
    body = encode(write_event(name="F-upload", narrative=f"It is told that {PERSON} slid."))
    for metadata in (f"filename {told}", WORD, f"{WORD} !", f"filename {WORD}"):
        begun = run.call(
            "POST", "/uploads", Upload_Length=str(len(body)), Upload_Metadata=metadata, **tus
        )
        if begun.status_code != 201:
            continue
        how = {**tus, "Content_Type": "application/offset+octet-stream"}
        run.call("PATCH", begun.headers["Location"], body[:9], Upload_Offset=WORD, **how)
        run.call(
            "PATCH",
            begun.headers["Location"],
            body,
            Upload_Offset="0",
            Upload_Checksum=f"sha256 {WORD}",
            **how,
        )
        done = run.call("PATCH", begun.headers["Location"], body, Upload_Offset="0", **how)
        wait_for(run.api, done.headers["Content-Location"].rpartition("/")[2])


def find_lines(text: str) -> list[str]:
    return [line[:300] for line in text.splitlines() if find_words(line) or WORD in line]


def test_every_kind_of_answer_was_given(run: Run) -> None:
    statuses = {answer.status_code for answer in run.answers}
    assert statuses >= {200, 201, 202, 204, 400, 401, 404, 409, 415, 422}
    assert not statuses & {500, 503}
    assert len(run.answers) > 500


def test_no_answer_that_refuses_names_the_person(run: Run) -> None:
    for answer in run.answers:
        if answer.status_code >= 400:
            told = f"{answer.headers}\n{answer.text}"
            assert find_lines(told) == [], (answer.request.method, answer.request.path_url[:80])


def test_no_receipt_or_outcome_names_the_person(run: Run) -> None:
    for answer in run.answers:
        is_event = answer.text.startswith('{"resourceType":"AdverseEvent"')
        if answer.request.method == "GET" and "/receipt" in answer.request.path_url:
            assert find_lines(answer.text) == []
        elif '"OperationOutcome"' in answer.text[:40]:
            assert not is_event
            assert find_lines(answer.text) == []


def test_no_rejected_record_names_the_person(run: Run) -> None:
    shown = [one for one in run.answers if one.request.path_url.startswith("/rejected?limit")]
    assert sum(len(one.json()["records"]) for one in shown if one.status_code == 200) > 200
    for answer in shown:
        assert find_lines(answer.text) == []


def test_traces_name_nobody(run: Run) -> None:
    flush_spans()
    names = {span.name for span in run.traces.spans}
    assert {f"POST {EVENTS}", "POST /feeds", "submit", "chunk"} <= names
    assert find_lines("\n".join(map(str, run.traces.requests))) == []


def test_logs_name_nobody(run: Run) -> None:
    written = run.log.getvalue()
    assert "fault of the gateway" not in written
    assert f"POST {EVENTS} 422" in written, "the requests were logged"
    assert find_lines(written) == []


def test_the_person_is_where_content_is_kept_and_nowhere_else(run: Run) -> None:
    engine = make_engine(run.api.database)
    metadata = MetaData()
    found = set()
    with engine.connect() as connection:
        metadata.reflect(connection)
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)):
                for column, cell in row._mapping.items():
                    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
                    if find_lines(text):
                        found.add((table.name, column))
    engine.dispose()
    assert ("revisions", "payload") in found
    assert ("bodies", "body") in found
    assert found <= KEPT


def test_the_words_are_found_where_they_stand(run: Run) -> None:
    assert find_lines(f"x {WORD}") == [f"x {WORD}"]
    assert all(find_lines(one) for one in (PERSON, *ALONE[:2]))
    assert any("Quackenthorpe" in str(answer.request.body) for answer in run.answers)
    assert SOURCE.id in run.log.getvalue()
