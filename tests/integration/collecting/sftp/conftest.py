"""A real OpenSSH server, a folder on it, and what puts files there and registers its collector."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from tests.lib.collecting import FEED, add
from tests.lib.sftp_server import SftpServer

# Written long before: it is not being written any more.
LONG_AGO = 1_700_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[SftpServer]:
    with SftpServer() as started:
        yield started


@pytest.fixture
def folder(server: SftpServer) -> Path:
    return server.make_folder()


@pytest.fixture
def put(server: SftpServer, folder: Path) -> Callable[..., Path]:
    """A file as its sender left it, each a second after the one before."""
    count = 0

    def put(name: str | bytes, content: bytes = b"") -> Path:
        nonlocal count
        count += 1
        path = folder / os.fsdecode(name)
        server.write(path, content or FEED * count)
        os.utime(path, (LONG_AGO + count, LONG_AGO + count))
        return path

    return put


@pytest.fixture
def make(gateway: Gateway, server: SftpServer, folder: Path) -> Callable[..., str]:
    """Registers the collector of the folder."""

    def make(name: str = "far", **settings: object) -> str:
        values = {
            "host": server.host,
            "port": server.port,
            "user": server.user,
            "key_file": str(server.key_file),
            "host_key": server.host_key,
            "folder": str(folder),
            "still_seconds": 0.05,
            "timeout": 60,
        }
        values |= settings
        text = json.dumps({name: value for name, value in values.items() if value is not None})
        return add(gateway, "sftp", name=name, settings=text).id

    return make
