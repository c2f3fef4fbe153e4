"""Sends over a bare socket what no client would: lies about its length, dribbles, broken heads."""

import http.client
import select
import socket
import ssl
import time
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.conformance.answer import Answer
from gateway.conformance.case import Raw
from gateway.conformance.sending import LONGEST_ANSWER, Request
from gateway.conformance.target import Target

_PIECE: Final = 2**16
_DRIP_EVERY: Final = 0.5


def send_raw(target: Target, request: Request, raw: Raw) -> Answer:
    """The answer, or the silence. What the server says early, before all is sent, is taken."""
    started = time.perf_counter()
    silence = "closed"
    try:
        with _connect(target) as connection:
            _send_pieces(connection, _make_head(target, request, raw))
            _send_body(connection, request.body or b"", raw)
            answer = _read(connection, request.method)
            if answer is not None:
                return _timed(answer, started)
    except TimeoutError:
        silence = "late"
    except (OSError, http.client.HTTPException):
        silence = "closed"
    return _timed(Answer(silence=silence), started)


def _connect(target: Target) -> socket.socket:
    parts = urlsplit(target.base)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = socket.create_connection((host, port), timeout=target.timeout)
    if parts.scheme != "https":
        return connection
    context = ssl.create_default_context(
        cafile=target.verify if isinstance(target.verify, str) else None
    )
    if target.verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(connection, server_hostname=host)


def _make_head(target: Target, request: Request, raw: Raw) -> bytes:
    parts = urlsplit(target.url_of(request.path))
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    where = f"{urlsplit(target.base).path}{raw.target}" if raw.target else path
    lines = [f"{request.method} {where} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body is not None:
        length = len(request.body) if raw.content_length is None else raw.content_length
        lines.append(f"Content-Length: {length}")
    lines += raw.lines
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _send_body(connection: socket.socket, body: bytes, raw: Raw) -> None:
    if raw.drip:
        _drip(connection, body, raw.drip)
    else:
        _send_pieces(connection, body)
    if raw.breaks_off:
        connection.shutdown(socket.SHUT_WR)


def _send_pieces(connection: socket.socket, content: bytes) -> None:
    """Until all is sent, or the server has said something already."""
    for start in range(0, len(content), _PIECE):
        if _has_answered(connection, 0):
            return
        try:
            connection.sendall(content[start : start + _PIECE])
        except (ConnectionError, TimeoutError):
            # It does not listen any more; what it said before that can still be read.
            return


def _drip(connection: socket.socket, body: bytes, seconds: float) -> None:
    ends = time.perf_counter() + seconds
    for byte in body:
        try:
            connection.sendall(bytes([byte]))
        except ConnectionError:
            return
        if _has_answered(connection, _DRIP_EVERY):
            return
        if time.perf_counter() > ends:
            raise TimeoutError


def _has_answered(connection: socket.socket, wait: float) -> bool:
    if isinstance(connection, ssl.SSLSocket):
        # Bytes wait there that are no answer: TLS sends tickets of its own accord.
        time.sleep(wait)
        return False
    readable, _, _ = select.select([connection], [], [], wait)
    return bool(readable)


def _read(connection: socket.socket, method: str) -> Answer | None:
    response = http.client.HTTPResponse(connection, method=method)
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


def _timed(answer: Answer, started: float) -> Answer:
    taken = round((time.perf_counter() - started) * 1000)
    return msgspec.structs.replace(answer, milliseconds=taken)
