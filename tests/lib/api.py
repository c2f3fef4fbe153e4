"""The API, really served: uvicorn on a port of its own, in a thread of the test."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from gateway.api.app import make_app
from gateway.api.serve import SERVER
from gateway.bootstrap import Gateway
from gateway.pipeline.credentials import add_key
from schemas.submission import Organisation, Source

SOURCE = Source(id="ward-system", organisation="RZA", format="fhir")
OTHER = Source(id="other-system", organisation="RZB", format="fhir")
_READY_SECONDS = 30


@contextmanager
def serve_app(app: FastAPI) -> Iterator[str]:
    """The base address while the block lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, **SERVER)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until = time.monotonic() + _READY_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started, "the API did not come up"
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def serve_gateway(gateway: Gateway) -> Iterator[str]:
    with serve_app(make_app(gateway)) as base:
        yield base


def register_sources(gateway: Gateway) -> dict[str, str]:
    """Two sources of two organisations; their keys."""
    with gateway.store.begin(actor="test", at=gateway.now()) as work:
        work.organisations.add_many(
            [
                Organisation("RZA", "Aldermoor University Hospitals"),
                Organisation("RZB", "Brackenfell Community"),
                Organisation("RZC", "Calder Bay Mental Health"),
            ]
        )
        work.sources.add(SOURCE)
        work.sources.add(OTHER)
    return {one.id: add_key(gateway, one.id).secret for one in (SOURCE, OTHER)}


def with_key(key: str, **more: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Ocp-Apim-Subscription-Key": key, "Content-Type": "application/fhir+json", **named}
