"""The API as an operator runs it: ``lrms-gateway serve`` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.lib.ports import hold_port

_READY_SECONDS = 180
# What is waited for when it is told to stop.
_STOP_SECONDS = 120


@contextmanager
def serve_command(home: Path, database_url: str, **settings: object) -> Iterator[str]:
    """The base address; told to stop at the end of the block, and it must do so."""
    port = hold_port()
    given = {f"LRMS_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("lrms-gateway"), "serve", "--port", str(port)],
        env={**os.environ, "LRMS_HOME": str(home), "LRMS_DATABASE_URL": database_url, **given},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(process, url)
        yield url
        process.send_signal(signal.SIGTERM)
        assert process.wait(_STOP_SECONDS) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str) -> None:
    until = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(requests.RequestException):
            requests.get(f"{url}/health", timeout=60).raise_for_status()
            return
        time.sleep(0.05)
    raise AssertionError("lrms-gateway serve did not come up")
