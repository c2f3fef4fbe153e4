"""Runs the API under uvicorn."""

import gc
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from gateway.api.app import make_app
from gateway.api.wire import Wire
from gateway.bootstrap import open_gateway
from gateway.config import read_settings
from gateway.fhir.sent import prepare_checks
from gateway.logs import set_up_logging
from gateway.monitoring.exporter import serve_metrics
from gateway.sandbox.restore import prepare_sandbox
from schemas.errors import UnavailableError

_GRACE_SECONDS: Final = 30
_READY_SECONDS: Final = 120
_LOGGED: Final = {"version": 1, "disable_existing_loggers": False}
# What does not depend on where it runs; the tests serve the app by the same.
SERVER: Final[dict[str, Any]] = {
    "http": Wire,
    "ws": "none",
    # The proxy is asked for by LRMS_TRUSTED_PROXIES, and never believed by default.
    "proxy_headers": False,
    "server_header": False,
    "date_header": True,
    "access_log": False,
    "timeout_keep_alive": 75,
}


def serve(*, host: str, port: int, workers: int) -> None:
    """Until it is told to stop; what is being answered then is answered first. Several workers
    share one database, which must be PostgreSQL for them to gain anything."""
    with serve_metrics(read_settings()):
        uvicorn.run(
            "gateway.api.serve:make_served_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            loop="uvloop",
            log_config=_LOGGED,
            log_level=logging.getLevelName(logging.getLogger().level).lower(),
            timeout_graceful_shutdown=_GRACE_SECONDS,
            **SERVER,
        )


@contextmanager
def serve_app(app: FastAPI) -> Iterator[str]:
    """Serves an app in a thread, on a port of its own, while the block lasts; gives its address.
    For whoever needs the API for a moment: the demo, and the tests."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, **SERVER))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        until = time.monotonic() + _READY_SECONDS
        while not server.started and thread.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        if not server.started:
            raise UnavailableError("the API did not come up")
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def make_served_app() -> FastAPI:
    """For uvicorn: an app with a gateway of its own, by the settings of the environment."""
    # In a process of several it was not done yet.
    set_up_logging()
    opened = open_gateway(actor="api")
    gateway = opened.__enter__()
    if gateway.settings.sandbox:
        prepare_sandbox(gateway)
    app = make_app(gateway, close=lambda: opened.__exit__(None, None, None))
    prepare_checks()
    # What is here now stays: 200,000 objects, most of them code and models. Every 700 creates a
    # full collection walked them all, for 0.13 s in which nobody was answered (2026-11-27).
    gc.collect()
    gc.freeze()
    return app
