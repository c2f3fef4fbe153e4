"""The load of the benchmark of single creates, in a process of its own: reads a Load from standard
input, writes what was measured to standard output. Every request is made before the clock runs;
every answer is kept and checked after it has stopped."""

import asyncio
import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, cast

import httptools
import msgspec
import uvloop

from schemas.identifiers import parse_reference

Answers = Literal["event", "row"]
CREATED = 201
_HEAD = (
    "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/fhir+json\r\n"
    "Content-Length: {length}\r\n{headers}\r\n"
)


class Load(msgspec.Struct, frozen=True):
    """``requests`` events of the NDJSON file ``feed`` from the ``first`` on, over so many
    connections at once. ``answers``: what each answer must be. ``keyed``: each with an
    Idempotency-Key of its own."""

    feed: str
    first: int
    requests: int
    connections: int
    port: int
    path: str
    answers: Answers
    headers: dict[str, str] = {}
    keyed: bool = False
    seconds: float = 120.0


class Loaded(msgspec.Struct, frozen=True):
    """``errors``: requests without an answer, and answers that are not as they must be."""

    requests: int
    errors: int
    seconds: float
    p50: float
    p95: float
    p99: float


class _Element(msgspec.Struct):
    value: str = msgspec.field(name="valueString", default="")


class _Extension(msgspec.Struct):
    elements: list[_Element] = msgspec.field(name="extension", default_factory=list)


class _Event(msgspec.Struct):
    """Where national clients look for the reference: the first element of the last extension."""

    id: str
    extension: list[_Extension]


class _Row(msgspec.Struct):
    id: str


class Sending:
    """Requests that are still to be sent, and what came of those that were."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.waiting = iter(requests)
        self.latencies: list[float] = []
        self.answers: list[tuple[int, bytes]] = []


class Connection(asyncio.Protocol):
    """One connection that is kept: it sends the next request once it has the answer to the last.
    ``ended`` is set when there is no more to send, or when the server hangs up."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._body: list[bytes] = []
        self._sent_at = 0.0
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is not derived from asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def send_next(self) -> None:
        request = next(self._sending.waiting, None)
        if request is None or self._transport is None:
            self.ended.set()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self._sending.latencies.append(time.perf_counter() - self._sent_at)
        status = self._parser.get_status_code()
        self._sending.answers.append((status, b"".join(self._body)))
        self._body.clear()
        self.send_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


def make_requests(load: Load) -> list[bytes]:
    with Path(load.feed).open("rb") as lines:
        events = [
            line.rstrip(b"\n")
            for line in itertools.islice(lines, load.first, load.first + load.requests)
        ]
    if len(events) != load.requests:
        raise SystemExit(f"{load.feed} has too few events")
    return [_make_request(load, load.first + at, event) for at, event in enumerate(events)]


def _make_request(load: Load, number: int, event: bytes) -> bytes:
    headers = load.headers | ({"Idempotency-Key": f"create-{number}"} if load.keyed else {})
    head = _HEAD.format(
        path=load.path,
        port=load.port,
        length=len(event),
        headers="".join(f"{name}: {value}\r\n" for name, value in headers.items()),
    )
    return head.encode() + event


async def send_all(load: Load, requests: Sequence[bytes]) -> Loaded:
    """All connections stand before the first request is sent."""
    loop = asyncio.get_running_loop()
    sending = Sending(requests)
    opened = [
        await loop.create_connection(lambda: Connection(sending), "127.0.0.1", load.port)
        for _ in range(load.connections)
    ]
    began = time.perf_counter()
    async with asyncio.timeout(load.seconds):
        for _, connection in opened:
            connection.send_next()
        for _, connection in opened:
            await connection.ended.wait()
    seconds = time.perf_counter() - began
    for transport, _ in opened:
        transport.close()
    return summarise(load, sending, seconds)


def summarise(load: Load, sending: Sending, seconds: float) -> Loaded:
    references = {find_reference(load, *answer) for answer in sending.answers} - {None}
    p50, p95, p99 = _find_percentiles(sorted(sending.latencies))
    return Loaded(load.requests, load.requests - len(references), seconds, p50, p95, p99)


def find_reference(load: Load, status: int, body: bytes) -> str | None:
    """What the answer calls the event, where it is as it must be."""
    if status != CREATED:
        return None
    try:
        if load.answers == "row":
            return msgspec.json.decode(body, type=_Row).id or None
        event = msgspec.json.decode(body, type=_Event)
    except msgspec.DecodeError:
        return None
    last = event.extension[-1].elements if event.extension else []
    is_told = bool(last) and last[0].value == event.id
    return event.id if is_told and parse_reference(event.id) is not None else None


def _find_percentiles(latencies: Sequence[float]) -> Iterator[float]:
    """Milliseconds: the smallest latency that so many per cent do not exceed."""
    for percent in (50, 95, 99):
        at = -(-len(latencies) * percent // 100) - 1
        yield 1000 * latencies[at] if latencies else 0.0


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Load)
    loaded = uvloop.run(send_all(given, make_requests(given)))
    sys.stdout.buffer.write(msgspec.json.encode(loaded))
