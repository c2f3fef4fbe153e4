"""A real Airflow, with scheduler, triggerer and API server, in a folder of a test's own."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import requests

from samples.airflow_home import make_environment
from samples.processes import start, stop
from tests.lib.ports import hold_port
from tests.lib.waiting import wait_for

READY_SECONDS = 600
PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
Found = TypeVar("Found")


class RunningAirflow:
    def __init__(self, home: Path, port: int, environment: dict[str, str]) -> None:
        self.home = home
        self.log = home / "airflow" / "standalone.log"
        self._health = f"http://127.0.0.1:{port}/api/v2/monitor/health"
        self._environment = environment

    def is_up(self) -> bool:
        try:
            health = requests.get(self._health, timeout=60).json()
        except requests.RequestException:
            return False
        return all(health[part]["status"] == "healthy" for part in PARTS)

    def call(self, *words: str) -> str:
        """The command ``airflow``."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Of Airflow's own database; nothing while it is busy with itself."""
        try:
            with closing(
                sqlite3.connect(self.home / "airflow" / "airflow.db", timeout=5)
            ) as opened:
                return list(opened.execute(query, values))
        except sqlite3.OperationalError:
            return []

    def wait_for(self, what: str, look: Callable[[], Found], *, seconds: float = 300) -> Found:
        return wait_for(what, look, seconds=seconds, explain=lambda: self.log.read_text()[-5000:])


@contextmanager
def run_airflow(home: Path, **settings: str) -> Iterator[RunningAirflow]:
    """Up, with our DAGs. ``settings``: of the environment, Airflow's or the gateway's."""
    port = hold_port()
    environment = make_environment(home, port=port) | settings
    airflow = RunningAirflow(home, port, environment)
    process = start([sys.executable, "-m", "airflow", "standalone"], environment, airflow.log)
    try:
        airflow.wait_for("Airflow to come up", airflow.is_up, seconds=READY_SECONDS)
        yield airflow
    finally:
        stop([process])
