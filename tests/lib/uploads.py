"""Uploads in tests: a served gateway with two sources that may send, and the headers of tus."""

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from httpx import Client

from gateway.bootstrap import Gateway
from tests.lib.api import OTHER, SOURCE, register_sources, serve_gateway
from tests.lib.line import NOW, open_line

BYTES = "application/offset+octet-stream"


@dataclass
class Bench:
    """``now`` may be moved. ``client`` calls as one source, ``other`` as another."""

    gateway: Gateway
    now: datetime
    client: Client = field(init=False)
    other: Client = field(init=False)

    def wait(self, **how_long: float) -> None:
        self.now += timedelta(**how_long)


@contextmanager
def open_bench(home: Path, database_url: str = "", **settings: object) -> Iterator[Bench]:
    with open_line(home, database_url, **settings) as opened:
        keys = register_sources(opened)
        bench: Bench
        gateway = replace(opened, now=lambda: bench.now)
        bench = Bench(gateway, NOW)
        with serve_gateway(gateway) as url:
            one, other = (make_client(url, keys[source]) for source in (SOURCE.id, OTHER.id))
            with one as bench.client, other as bench.other:
                yield bench


def make_client(url: str, key: str) -> Client:
    headers = {"Ocp-Apim-Subscription-Key": key, "Tus-Resumable": "1.0.0"}
    return Client(base_url=url, headers=headers, timeout=120)


def tell(**told: str) -> dict[str, str]:
    """Upload-Metadata; ``_`` for ``-`` in keys."""
    pairs = [
        f"{key.replace('_', '-')} {base64.b64encode(value.encode()).decode()}".rstrip()
        for key, value in told.items()
    ]
    return {"Upload-Metadata": ",".join(pairs)}


def begin(client: Client, length: int, **told: str) -> str:
    """The address of a new upload."""
    answer = client.post("/uploads", headers={"Upload-Length": str(length), **tell(**told)})
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def at(offset: int, **more: str) -> dict[str, str]:
    """The headers of a PATCH."""
    named = {key.replace("_", "-"): value for key, value in more.items()}
    return {"Upload-Offset": str(offset), "Content-Type": BYTES, **named}


def digest(body: bytes, algorithm: str = "sha256") -> str:
    """Upload-Checksum"""
    found = hashlib.new(algorithm, body, usedforsecurity=False).digest()
    return f"{algorithm} {base64.b64encode(found).decode()}"
