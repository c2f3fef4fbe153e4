"""Ports of this machine that are a test's own."""

import socket

_held: list[socket.socket] = []


def hold_port() -> int:
    """A port at which nobody listens, and that nobody else is given while these tests run. A server
    that is told of it may listen there: every server sets SO_REUSEADDR.

    One that is found free and let go is another's by luck: the other worker's, or a client's own
    end of a line."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _held.append(held)
    port: int = held.getsockname()[1]
    return port
