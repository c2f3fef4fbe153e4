"""The API as an operator runs it: ``lrms-gateway serve`` in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

_READY_SECONDS = 60
# What is waited for when it is told to stop.
_STOP_SECONDS = 40


@contextmanager
def serve_command(home: Path, database_url: str, **settings: object) -> Iterator[str]:
    """The base address; told to stop at the end of the block, and it must do so."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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
            requests.get(f"{url}/health", timeout=5).raise_for_status()
            return
        time.sleep(0.05)
    raise AssertionError("lrms-gateway serve did not come up")
