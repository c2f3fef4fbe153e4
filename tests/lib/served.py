"""The API in a process of its own, that can be killed and started again at the same address."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

import requests
import uvicorn

from gateway.api.serve import SERVER, make_served_app

_READY_SECONDS = 180


class Served:
    """On a gateway's home; the address stays while the block lasts, and who calls in between
    waits."""

    module = "tests.lib.served"

    def __init__(self, home: Path) -> None:
        self._home = home
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        number = self._listening.fileno()
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, str(number)],
            pass_fds=[number],
            env={**os.environ, "LRMS_HOME": str(self._home)},
        )
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def _wait(self) -> None:
        until = time.monotonic() + _READY_SECONDS
        while self.process.poll() is None and time.monotonic() < until:
            with suppress(requests.RequestException):
                requests.get(f"{self.url}/openapi.json", timeout=60).raise_for_status()
                return
        raise AssertionError("the API did not come up")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def measure_anew(self) -> int:
        """The memory it has now; the peak is counted from here (Linux: clear_refs, 5)."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.get_peak_mib()

    def get_peak_mib(self) -> int:
        """The most memory it had."""
        told = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        peak = next(line for line in told if line.startswith("VmHWM"))
        return int(peak.split()[1]) // 1024

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.kill()
        self._listening.close()


if __name__ == "__main__":
    given = socket.socket(fileno=int(sys.argv[1]))
    config = uvicorn.Config(make_served_app, factory=True, log_level="error", **SERVER)
    uvicorn.Server(config).run(sockets=[given])
