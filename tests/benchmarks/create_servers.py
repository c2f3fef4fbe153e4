"""The servers that single creates are measured on: the gateway as ``lrms-gateway serve`` runs it,
and the barest one, each in a process and with a database of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import psycopg

from gateway.api.caller import KEY_HEADER
from gateway.pipeline.credentials import add_key
from tests.benchmarks import baseline_insert
from tests.benchmarks.create_load import Answers
from tests.benchmarks.databases import Databases
from tests.lib.line import open_line, register_everyone

GATEWAY = "lrms-gateway"
BARE = "bare insert"
_SOURCE = "test-fhir"
_LIMITS = ("REQUESTS", "RECORDS", "BYTES")
_READY_SECONDS = 60
_END_SECONDS = 30


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A server that runs. ``path``, ``headers`` and ``answers`` are for the load; each event
    created has a row in ``table`` at ``url``."""

    pid: int
    port: int
    path: str
    answers: Answers
    url: str
    table: str
    headers: dict[str, str] = {}


@contextmanager
def open_servers(databases: Databases) -> Iterator[dict[str, Served]]:
    """Both, by name; each idles while the other is measured."""
    with open_gateway_server(databases) as gateway, open_bare_server(databases) as bare:
        yield {BARE: bare, GATEWAY: gateway}


@contextmanager
def open_gateway_server(databases: Databases) -> Iterator[Served]:
    """Everybody of the sample register known, one source with a key, no limits a minute."""
    home, url, port = databases.folder / "creates", databases.make_postgresql(), find_port()
    with open_line(home, url) as gateway:
        register_everyone(gateway, formats=("fhir",))
        key = add_key(gateway, _SOURCE).secret
    settings = {"HOME": str(home), "DATABASE_URL": url}
    settings |= {f"MAX_{name}_PER_MINUTE": "0" for name in _LIMITS}
    program = str(Path(sys.executable).with_name("lrms-gateway"))
    command = (program, "serve", "--port", str(port))
    with running(command, port, databases.folder / "gateway.log", settings) as pid:
        yield Served(
            pid=pid,
            port=port,
            path="/adverse-event/fhir/AdverseEvent",
            answers="event",
            url=url,
            table="events",
            headers={KEY_HEADER: key},
        )


@contextmanager
def open_bare_server(databases: Databases) -> Iterator[Served]:
    url, port = databases.make_postgresql(), find_port()
    baseline_insert.prepare(url)
    command = (sys.executable, "-m", baseline_insert.__name__, url, str(port))
    with running(command, port, databases.folder / "bare.log", {}) as pid:
        yield Served(
            pid=pid,
            port=port,
            path=baseline_insert.PATH,
            answers="row",
            url=url,
            table=baseline_insert.TABLE,
        )


@contextmanager
def running(
    command: Sequence[str], port: int, log: Path, settings: dict[str, str]
) -> Iterator[int]:
    """The process's id while the block lasts; it answers by then. Settings of ours only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LRMS_")}
    own = {f"LRMS_{name}": value for name, value in settings.items()}
    with log.open("wb") as told:
        process = subprocess.Popen(command, env=kept | own, stdout=told, stderr=told)
    try:
        _wait_until_ready(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def count_created(served: Served) -> int:
    with psycopg.connect(served.url) as connection:
        found = connection.execute(f"SELECT count(*) FROM {served.table}".encode()).fetchone()
    return int(found[0]) if found else 0


def find_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"a server did not come up: {log.read_text(errors='replace')}")
