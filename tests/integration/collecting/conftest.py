"""A gateway with two sources, and its clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from tests.lib.collecting import Clock, open_collecting
from tests.lib.databases import copy_sqlite


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: Path) -> Iterator[tuple[Gateway, Clock]]:
    with (
        copy_sqlite(sqlite_template, tmp_path) as url,
        open_collecting(tmp_path / "home", url, max_feed_bytes=10_000_000) as both,
    ):
        yield both


@pytest.fixture
def gateway(opened: tuple[Gateway, Clock]) -> Gateway:
    return opened[0]


@pytest.fixture
def clock(opened: tuple[Gateway, Clock]) -> Clock:
    return opened[1]
