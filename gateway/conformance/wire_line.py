"""One connection to a server, bare: bytes go out as they are, and an answer is heard early."""

import http.client
import io
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from gateway.conformance.answer import Answer
from gateway.conformance.sending import LONGEST_ANSWER
from gateway.conformance.target import Target

_PIECE: Final = 2**16


@contextmanager
def open_line(target: Target) -> Iterator["WireLine"]:
    """OSError where nobody listens, or TLS fails."""
    parts = urlsplit(target.base)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    with socket.create_connection((host, port), timeout=target.timeout) as bare:
        if parts.scheme != "https":
            yield WireLine(bare)
            return
        with _make_context(target.verify).wrap_socket(bare, server_hostname=host) as wrapped:
            yield WireLine(wrapped)


def _make_context(verify: bool | str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=verify if isinstance(verify, str) else None)
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class WireLine:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        # Under TLS only reading tells whether an answer waits; what was read so is kept.
        self._heard = b""

    def send(self, content: bytes) -> bool:
        """False where the server does not listen any more: it has said something, or left."""
        for start in range(0, len(content), _PIECE):
            if self.has_answered(0):
                return False
            try:
                self._connection.sendall(content[start : start + _PIECE])
            except (ConnectionError, TimeoutError):
                # What it said before that can still be read.
                return False
        return True

    def has_answered(self, seconds: float) -> bool:
        """Whether an answer, or its end, comes within that time."""
        if self._heard:
            return True
        readable, _, _ = select.select([self._connection], [], [], seconds)
        if not isinstance(self._connection, ssl.SSLSocket):
            return bool(readable)
        return self._has_heard(self._connection)

    def _has_heard(self, connection: ssl.SSLSocket) -> bool:
        """Tells an answer from the tickets that TLS sends of its own accord."""
        timeout = connection.gettimeout()
        connection.setblocking(False)
        try:
            self._heard = connection.recv(1)
        except ssl.SSLWantReadError:
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(timeout)
        return True

    def end(self) -> None:
        """No more is sent; an answer may still come."""
        # Not SSLSocket's own, which would end TLS in the other direction as well.
        socket.socket.shutdown(self._connection, socket.SHUT_WR)

    def read(self, method: str) -> Answer:
        """OSError or HTTPException where no answer comes."""
        # HTTPResponse asks a socket for nothing but this file.
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        response.begin()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        try:
            body = response.read(LONGEST_ANSWER)
        except ConnectionResetError:
            # After its answer it may reset what it did not want to read.
            body = b""
        return Answer(status=response.status, headers=headers, body=body)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Heard(self._heard, self._connection))


class _Heard(io.RawIOBase):
    """What was read already, and then the rest."""

    def __init__(self, first: bytes, connection: socket.socket) -> None:
        self._first = first
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._first:
            return self._connection.recv_into(buffer)
        taken = len(self._first)
        buffer[:taken], self._first = self._first, b""
        return taken
