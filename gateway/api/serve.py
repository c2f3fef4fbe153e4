"""Runs the API under uvicorn."""

import logging
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from gateway.api.app import make_app
from gateway.api.wire import Wire
from gateway.bootstrap import open_gateway
from gateway.sandbox.restore import prepare_sandbox

_GRACE_SECONDS: Final = 30
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


def make_served_app() -> FastAPI:
    """For uvicorn: an app with a gateway of its own, by the settings of the environment."""
    opened = open_gateway(actor="api")
    gateway = opened.__enter__()
    if gateway.settings.sandbox:
        prepare_sandbox(gateway)
    return make_app(gateway, close=lambda: opened.__exit__(None, None, None))
