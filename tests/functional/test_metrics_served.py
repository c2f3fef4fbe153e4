"""Metrics are served on a port of their own, and count all processes of the API together."""

import os
import subprocess
import sys
import time
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.lib.ports import hold_port

PATIENCE = 180
CALLS = 12


def ask(address):
    try:
        return requests.get(address, timeout=PATIENCE, headers={"Connection": "close"})
    except requests.ConnectionError:
        return None


def wait_for(address, process):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        answer = ask(address)
        if answer is not None:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"{address} did not come up")


def test_all_processes_count_into_one_port_that_is_not_the_apis(tmp_path):
    port, metrics = hold_port(), hold_port()
    program = Path(sys.executable).with_name("lrms-gateway")
    settings = {"LRMS_HOME": str(tmp_path / "home"), "LRMS_METRICS_PORT": str(metrics)}
    command = [program, "serve", "--port", str(port), "--workers", "2"]
    log = (tmp_path / "log").open("wb")
    with log, subprocess.Popen(command, env=os.environ | settings, stderr=log) as process:
        try:
            api = f"http://127.0.0.1:{port}"
            wait_for(f"{api}/health/live", process)
            for _ in range(CALLS):
                assert ask(f"{api}/health").json() == {"status": "pass"}
            assert ask(f"{api}/metrics").status_code == 404
            found = {
                (one.name, *sorted(one.labels.values())): one.value
                for family in text_string_to_metric_families(
                    ask(f"http://127.0.0.1:{metrics}/metrics").text
                )
                for one in family.samples
            }
            assert found["lrms_up",] == 1
            assert found["lrms_api_requests_total", "/health", "200", "GET"] == CALLS
            assert found["lrms_api_request_seconds_count", "/health"] == CALLS
            # What no route has is one label, whatever was asked for.
            assert found["lrms_api_requests_total", "-", "404", "GET"] == 1
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0
