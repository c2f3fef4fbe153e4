"""``make serve``: Airflow and the API come up together on a fresh home, which is a sandbox then,
and end together."""

import importlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from gateway.client import GatewayClient
from gateway.pipeline.register import add_organisations, add_source
from samples.airflow_home import make_environment
from schemas.submission import Source
from tests.lib.line import open_line, read_register
from tests.lib.ports import hold_port
from tests.lib.waiting import wait_for

# Far beyond what it takes (25 s): one that never comes up must not hang the suite.
PATIENCE = 900
UP = "Ctrl-C stops everything."


@contextmanager
def serve(home, **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "samples/serve.py"],
        env=os.environ | {"LRMS_HOME": str(home), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    alarm = threading.Timer(PATIENCE, process.send_signal, [signal.SIGINT])
    alarm.start()
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        process.wait()
        alarm.cancel()
        process.stdout.close()


def read_until(process: subprocess.Popen[str], end: str) -> str:
    said = ""
    for line in process.stdout:
        said += line
        if end in line:
            return said
    raise AssertionError(said)


def check_late_load_is_told(home):
    """Airflow's scheduler sees the deadline go by, and its triggerer opens our alarm and mails."""
    airflow = Path(sys.executable).with_name("airflow")
    environment = make_environment(home)
    trigger = [airflow, "dags", "trigger", "load_feeds"]
    subprocess.run(trigger, env=environment, check=True, capture_output=True)
    mailbox = home / "mailbox"
    mails = wait_for("Airflow's mail", lambda: list(mailbox.glob("alarm-*.eml")), every=0.5)
    assert "ALARM-016 load_feeds: the load is late" in mails[0].read_text()


@pytest.mark.airflow
def test_both_come_up_with_something_to_try_and_end_together(tmp_path):
    ports = {"LRMS_SERVE_PORT": str(hold_port()), "LRMS_API_PORT": str(hold_port())}
    api, airflow = (f"http://127.0.0.1:{ports[name]}" for name in sorted(ports))
    # Every run of load_feeds is late then, a third of a second after it was queued.
    late = {"LRMS_LOAD_LATE_MINUTES": "0.005"}
    with serve(tmp_path / "home", **ports, **late) as process:
        said = read_until(process, UP)
        assert api in said
        key = re.search(r"sandbox-fhir +(lrms_sandbox_\S+)", said)[1]
        with GatewayClient(api, key=key) as client:
            done = client.wait_for(client.send_feed("samples/fhir/demo/feed.ndjson").id)
        assert (done.verdict, done.counts.records) == ("partly_accepted", 38)
        health = requests.get(f"{airflow}/api/v2/monitor/health", timeout=60).json()
        assert health["scheduler"]["status"] == "healthy"
        check_late_load_is_told(tmp_path / "home")
        process.send_signal(signal.SIGINT)
        assert "Stopping" in process.stdout.read()
        assert process.wait() == 0
    for address in (api, airflow):
        with pytest.raises(requests.ConnectionError):
            requests.get(address, timeout=60)


def test_a_home_with_somebody_s_source_is_no_sandbox(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend("samples")
    monkeypatch.setenv("LRMS_HOME", str(tmp_path))
    choose_sandbox = importlib.import_module("serve").choose_sandbox

    assert choose_sandbox() is True
    with open_line(tmp_path) as gateway:
        add_organisations(gateway, read_register())
        add_source(gateway, Source(id="mine", organisation="RZA", format="fhir"))
    assert choose_sandbox() is False
    monkeypatch.setenv("LRMS_SANDBOX", "false")
    assert choose_sandbox() is False


def test_a_sandbox_that_is_asked_for_where_it_cannot_be_is_refused(tmp_path):
    with open_line(tmp_path) as gateway:
        add_organisations(gateway, read_register())
        add_source(gateway, Source(id="mine", organisation="RZA", format="fhir"))
    with serve(tmp_path, LRMS_SANDBOX="true") as process:
        assert "not only a sandbox's" in process.stdout.read()
        assert process.wait() == 2
    assert not (tmp_path / "airflow").exists()
