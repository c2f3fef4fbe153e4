"""The API in a process of its own, to be killed: ``python -m tests.lib.killed_api SOCKET``. What it
leaves is taken over after seconds instead of minutes."""

import socket
import sys
from datetime import timedelta

import uvicorn

import gateway.api.feed_worker
import store.reservations
from gateway.api.serve import SERVER, make_served_app
from tests.lib.served import Served

SOON = timedelta(seconds=1)


class KilledApi(Served):
    """Killed at any moment and started again, at the same address."""

    module = "tests.lib.killed_api"


def run(listening: socket.socket) -> None:
    # The names of modules are the only places where these stand.
    store.reservations.LEASE = SOON
    gateway.api.feed_worker._LEFT = SOON
    gateway.api.feed_worker._LOOK_SECONDS = 0.2
    config = uvicorn.Config(make_served_app, factory=True, log_level="error", **SERVER)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    run(socket.socket(fileno=int(sys.argv[1])))
