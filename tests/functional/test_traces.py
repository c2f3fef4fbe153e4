"""Traces reach a real OTLP receiver: of a feed from the request that brought it to its end, across
processes; with ids and counts and nothing else; and nothing at all where none is asked for."""

import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.monitoring.spans import _TELLING, is_configured, span, spanned
from gateway.monitoring.steps import open_step
from gateway.pipeline.ingest import ingest_feed
from gateway.pipeline.notify import deliver_messages, prepare_messages
from gateway.pipeline.process import process_parts
from gateway.pipeline.receive import receive_feed
from schemas.errors import GatewayError
from tests.lib.api_calls import EVENTS, open_api, wait_for, write_event
from tests.lib.line import open_line, register_everyone
from tests.lib.otlp import read_attributes, receive_otlp

FEED = Path("samples/fhir/demo/feed.ndjson")
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def otlp(monkeypatch):
    with receive_otlp() as (url, received):
        monkeypatch.setenv(ENDPOINT, url)
        # What is not taken in time is dropped.
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
        yield received


def make_trace_id(batch_id: str) -> bytes:
    return hashlib.sha256(b"lrms batch " + batch_id.encode()).digest()[:16]


def ingest_demo(gateway):
    with FEED.open("rb") as stream:
        return ingest_feed(gateway, "test-fhir", stream, filename="feed.ndjson")[0]


def test_all_that_is_done_with_a_batch_is_one_trace(otlp, tmp_path):
    with open_line(tmp_path / "home", commit_records=10) as gateway:
        register_everyone(gateway, formats=("fhir",))
        batch = ingest_demo(gateway)
        prepare_messages(gateway)
        deliver_messages(gateway)
    assert set(otlp.paths) == {"/v1/traces"}
    assert otlp.resources["service.name"] == "lrms-gateway"
    of_batch = [one for one in otlp.spans if one.trace_id == make_trace_id(batch.id)]
    names = [one.name for one in of_batch]
    assert sorted(set(names)) == ["batch", "chunk", "finish", "part", "plan", "process", "receive"]
    (root,) = otlp.find("batch")
    assert not root.parent_span_id
    told = read_attributes(root)
    assert told["lrms.batch"] == batch.id
    assert told["lrms.source"] == "test-fhir"
    assert told["lrms.records"] == batch.counts.records
    ids = {one.span_id: one for one in of_batch}
    assert all(one.parent_span_id in ids for one in of_batch if one is not root)
    chunks = otlp.find("chunk")
    assert len(chunks) == 4
    assert sum(read_attributes(one)["lrms.records"] for one in chunks) == batch.counts.records
    (part,) = otlp.find("part")
    assert {one.parent_span_id for one in chunks} == {part.span_id}
    assert {"mark", "prepare messages", "deliver messages"} <= {one.name for one in otlp.spans}
    assert read_attributes(otlp.find("deliver messages")[0])["lrms.sent"] > 0


def test_a_request_is_a_trace_that_the_batch_links_to(otlp, tmp_path):
    caller = "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"
    with open_api(tmp_path / "home") as api:
        sent = {"Content_Type": "application/fhir+ndjson", "traceparent": caller}
        answer = api.call("POST", "/feeds", FEED.read_bytes(), **sent)
        assert answer.status_code == 202, answer.text
        feed = answer.json()["id"]
        wait_for(api, feed)
        api.create(write_event())
    request = otlp.find("POST /feeds")[0]
    told = read_attributes(request)
    assert told["http.response.status_code"] == 202
    assert told["http.route"] == "/feeds"
    assert told["lrms.source"] == "ward-system"
    assert told["lrms.request"] == answer.headers["X-Request-ID"]
    # A caller's trace is linked to: it does not decide about ours.
    assert [one.trace_id.hex() for one in request.links] == ["ab" * 16]
    assert request.trace_id.hex() != "ab" * 16
    (received,) = otlp.find("receive")
    assert received.trace_id == make_trace_id(feed)
    assert request.trace_id in {one.trace_id for one in received.links}
    assert otlp.find("chunk")[0].trace_id == make_trace_id(feed)
    assert otlp.find(f"POST {EVENTS}")
    assert read_attributes(otlp.find("submit")[0])["lrms.requests"] == 1


def test_the_trace_goes_on_in_another_process(otlp, tmp_path):
    home = tmp_path / "home"
    with open_line(home) as gateway:
        register_everyone(gateway, formats=("fhir",))
        with FEED.open("rb") as stream:
            batch, _ = receive_feed(gateway, "test-fhir", stream, filename="feed")
    assert [one.name for one in otlp.spans] == ["receive"]
    command = [str(Path(sys.executable).with_name("lrms-gateway")), "process", batch.id]
    done = subprocess.run(
        command,
        env=os.environ | {"LRMS_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    (root,), (part,) = otlp.find("batch"), otlp.find("part")
    assert root.trace_id == part.trace_id == otlp.find("receive")[0].trace_id


def test_a_failure_tells_its_kind_and_no_text(otlp, tmp_path):
    with open_line(tmp_path / "home") as gateway:
        register_everyone(gateway, formats=("fhir",))
        with pytest.raises(GatewayError):
            process_parts(gateway, "b-nothing", [])
    (failed,) = otlp.find("process")
    assert read_attributes(failed) == {
        "lrms.batch": "b-nothing",
        "lrms.parts": 0,
        "error.type": "UnknownError",
    }
    assert not failed.events
    assert not failed.status.message


def test_a_step_links_to_the_batches_it_works_on(otlp, tmp_path, monkeypatch):
    monkeypatch.setenv("LRMS_HOME", str(tmp_path / "home"))
    with open_line(tmp_path / "home") as gateway:
        register_everyone(gateway, formats=("fhir",))
    with open_step("load_feeds.process") as gateway:
        batch = ingest_demo(gateway)
    (step,) = otlp.find("load_feeds.process")
    plans = [one for one in otlp.find("plan") if one.trace_id == make_trace_id(batch.id)]
    assert [one.trace_id for one in plans[0].links] == [step.trace_id]


def test_a_collector_that_is_not_there_costs_no_feed(tmp_path, monkeypatch):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with open_line(tmp_path / "home") as gateway:
        register_everyone(gateway, formats=("fhir",))
        assert ingest_demo(gateway).state == "finished"


def test_nothing_is_imported_where_nothing_is_asked_for(tmp_path):
    program = (
        "import sys, io\n"
        "from gateway.bootstrap import open_gateway\n"
        "with open_gateway() as gateway: pass\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    environment = {name: one for name, one in os.environ.items() if not name.startswith("OTEL")}
    subprocess.run(
        [sys.executable, "-c", program], env=environment | {"LRMS_HOME": str(tmp_path)}, check=True
    )


@pytest.mark.parametrize(
    ("environment", "configured"),
    [
        ({}, False),
        ({ENDPOINT: ""}, False),
        ({ENDPOINT: "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({ENDPOINT: "http://collector:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({ENDPOINT: "http://collector:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_opentelemetrys_own_variables_decide(environment, configured):
    assert is_configured(environment) is configured


def test_a_share_of_the_batches_is_sampled_whole(otlp, tmp_path, monkeypatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    with open_line(tmp_path / "home") as gateway:
        register_everyone(gateway, formats=("fhir",))
        ingest_demo(gateway)
    assert otlp.spans == []


def test_a_span_changes_no_result_and_no_error():
    @spanned("test")
    def divide(batch_id: str, *, by: int) -> float:
        return 1 / by

    assert divide("b-1", by=2) == 0.5
    with pytest.raises(ZeroDivisionError):
        divide("b-1", by=0)
    assert divide.__name__ == "divide"
    with span("test", batch="b-1") as one:
        one.tell(records=3)


def test_bytes_are_never_told():
    """What a decorated function is given goes out only where its name says that it is an id."""
    content = io.BytesIO(b"content")
    for tell in _TELLING.values():
        assert tell(content) == {}
