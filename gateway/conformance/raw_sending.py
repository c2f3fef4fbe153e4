"""Sends over a bare line what no client would: lies about its length, dribbles, broken heads."""

import http.client
import time
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.conformance.answer import Answer
from gateway.conformance.case import Raw
from gateway.conformance.sending import Request
from gateway.conformance.target import Target
from gateway.conformance.wire_line import WireLine, open_line

_DRIP_EVERY: Final = 0.5


def send_raw(target: Target, request: Request, raw: Raw) -> Answer:
    """The answer, or the silence. What the server says early, before all is sent, is taken."""
    started = time.perf_counter()
    try:
        with open_line(target) as line:
            is_heard = line.send(_make_head(target, request, raw))
            if is_heard and request.body:
                _send_body(line, request.body, raw)
            answer = line.read(request.method)
    except TimeoutError:
        answer = Answer(silence="late")
    except (OSError, http.client.HTTPException):
        answer = Answer(silence="closed")
    taken = round((time.perf_counter() - started) * 1000)
    return msgspec.structs.replace(answer, milliseconds=taken)


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


def _send_body(line: WireLine, body: bytes, raw: Raw) -> None:
    if raw.drip:
        _drip(line, body, raw.drip)
        return
    line.send(body)
    if raw.breaks_off:
        line.end()


def _drip(line: WireLine, body: bytes, seconds: float) -> None:
    """TimeoutError where the server listens for all that time."""
    ends = time.perf_counter() + seconds
    for byte in body:
        if not line.send(bytes([byte])) or line.has_answered(_DRIP_EVERY):
            return
        if time.perf_counter() > ends:
            raise TimeoutError
