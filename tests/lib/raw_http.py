"""HTTP written by hand: requests that no library would send, and answers as they came."""

import json
import socket
from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.api.envelope import SECURITY_HEADERS

PATIENCE = 120


class RawAnswer(msgspec.Struct):
    """``status`` 0: the connection ended without an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@contextmanager
def connect(url: str) -> Any:
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=PATIENCE) as line:
        yield line


def make_head(method: str, path: str, **headers: str) -> bytes:
    """``_`` for ``-``."""
    named = {"Host": "gateway", **{name.replace("_", "-"): one for name, one in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {one}" for name, one in named.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def send(url: str, *pieces: bytes) -> RawAnswer:
    """Everything that comes until the other side ends the connection."""
    with connect(url) as line:
        for piece in pieces:
            try:
                line.sendall(piece)
            except (BrokenPipeError, ConnectionResetError):
                break
        return read_answer(line)


def read_answer(line: socket.socket) -> RawAnswer:
    came = bytearray()
    try:
        while piece := line.recv(65_536):
            came += piece
    except ConnectionResetError:
        pass
    return parse_answer(bytes(came))


def parse_answer(came: bytes) -> RawAnswer:
    if not came:
        return RawAnswer(0, {}, b"")
    head, _, body = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return RawAnswer(int(first.split()[1]), headers, body)


def chunk(pieces: Iterable[bytes]) -> bytes:
    """A body without a length."""
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces if one) + b"0\r\n\r\n"


def check_raw_answer(answer: RawAnswer) -> None:
    """The headers that every answer has."""
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name.lower()] == value
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
