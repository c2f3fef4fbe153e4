"""A real MESH server for tests: NHS England's mesh-sandbox in its own environment (it pins other
versions than ours), behind a proxy that breaks single requests as a test says."""

import fcntl
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import requests
from mesh_client import MeshClient

from tests.lib.ports import hold_port

SHARED_KEY = "TestKey"
PASSWORD = "password"
OURS, SENDER, STRANGER = "X26ABC2", "X26ABC1", "X26ABC3"
WORKFLOW = "TEST_WORKFLOW"
_ENVIRONMENT = Path(".venv/mesh-sandbox")
_READY_SECONDS = 180
_DROPPED = ("connection", "host", "transfer-encoding")


def make_environment() -> Path:
    """The sandbox's Python, made by the Makefile's rule where it is not there yet."""
    with Path(".venv/.mesh-sandbox.lock").open("w") as lock:
        # Workers of one run come here at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "--silent", f"{_ENVIRONMENT}/.ready"],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-2000:]
    return _ENVIRONMENT / "bin" / "python"


@contextmanager
def serve_sandbox(home: Path, *options: str, scheme: str = "http") -> Iterator[str]:
    """Its base address; it holds nothing, keeps all in memory, and checks who asks. ``options`` are
    uvicorn's."""
    port = hold_port()
    log = home / "mesh-sandbox.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                *(str(make_environment()), "-m", "uvicorn", "mesh_sandbox.api:app"),
                *("--port", str(port), *options),
            ],
            env={
                "PATH": os.environ["PATH"],
                "STORE_MODE": "memory",
                "SHARED_KEY": SHARED_KEY,
                "HOME": str(home),
            },
            stdout=output,
            stderr=output,
        )
    try:
        _wait(process, port, log)
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _READY_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60):
            return
        time.sleep(0.05)
    raise AssertionError(f"mesh-sandbox did not come up: {log.read_text()[-2000:]}")


@dataclass
class Request:
    method: str
    path: str


@dataclass
class Answer:
    """What the proxy gives in the place of MESH's own; ``status`` 0: the connection breaks."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Mesh:
    """MESH as the gateway reaches it. ``breaks`` is asked before a request is passed on, ``after``
    when it was answered; each may give another answer. ``seen`` is what was asked."""

    url: str
    direct: str
    breaks: Callable[[Request], Answer | None] = lambda _request: None
    after: Callable[[Request], Answer | None] = lambda _request: None
    seen: list[Request] = field(default_factory=list)

    def reset(self) -> None:
        requests.delete(f"{self.direct}/messageexchange/admin/reset", timeout=60).raise_for_status()
        self.breaks = self.after = lambda _request: None
        self.seen.clear()

    @contextmanager
    def client(self, mailbox: str) -> Iterator[MeshClient]:
        with MeshClient(self.direct, mailbox, PASSWORD, shared_key=SHARED_KEY.encode()) as opened:
            yield opened

    def send(
        self,
        data: bytes,
        *,
        sender: str = SENDER,
        compress: bool = False,
        chunk: int | None = None,
        **headers: str | bool,
    ) -> str:
        """The message's id."""
        told = {"workflow_id": WORKFLOW, "filename": "feed.json", **headers}
        with self.client(sender) as client:
            return client.send_message(OURS, data, compress=compress, max_chunk_size=chunk, **told)

    def list(self, mailbox: str = OURS) -> list[str]:
        with self.client(mailbox) as client:
            return client.list_messages()

    def report(
        self, linked: str, *, local_id: str | None = None, status: str = "undeliverable"
    ) -> str:
        """MESH's own report to us, about a message of ours."""
        told = {
            "mailbox_id": OURS,
            "code": "14",
            "description": "Message not collected by recipient after 5 days",
            "workflow_id": f"{WORKFLOW}_ACK",
            "linked_message_id": linked,
            "local_id": local_id,
            "status": status,
        }
        made = requests.post(f"{self.direct}/messageexchange/admin/report", json=told, timeout=60)
        made.raise_for_status()
        return str(made.json()["message_id"])

    def asked(self, method: str, ending: str) -> int:
        return sum(one.method == method and one.path.endswith(ending) for one in self.seen)


@contextmanager
def serve_mesh(home: Path) -> Iterator[Mesh]:
    with serve_sandbox(home) as direct:
        port = int(direct.rsplit(":", 1)[1])
        mesh = Mesh(url="", direct=direct)

        class Proxy(_Proxy):
            to, state = port, mesh

        server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        mesh.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield mesh
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    to: int
    state: Mesh

    def do_GET(self) -> None:
        self._pass_on()

    do_POST = do_PUT = do_GET  # noqa: N815 - as http.server names them

    def _pass_on(self) -> None:
        asked = Request(self.command, self.path)
        self.state.seen.append(asked)
        body = self._read_body()
        given = self.state.breaks(asked)
        if given is None:
            given = self._ask(asked, body)
            given = self.state.after(asked) or given
        self._answer(given)

    def _ask(self, asked: Request, body: bytes) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.to, timeout=60)
        try:
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in _DROPPED
            }
            connection.request(asked.method, asked.path, body or None, headers)
            answer: HTTPResponse = connection.getresponse()
            told = {
                name: value
                for name, value in answer.getheaders()
                if name.lower() not in (*_DROPPED, "content-length")
            }
            return Answer(answer.status, answer.read(), told)
        finally:
            connection.close()

    def _answer(self, given: Answer) -> None:
        if not given.status:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(given.status)
        for name, value in given.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in given.headers:
            self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(given.body)
        if int(given.headers.get("Content-Length", len(given.body))) != len(given.body):
            self.close_connection = True

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        blocks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            blocks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(blocks)

    def log_message(self, *_words: object) -> None:
        """Tests have no use for it."""
