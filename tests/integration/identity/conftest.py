"""A gateway with two sources of two organisations, and its clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.bootstrap import Gateway
from tests.lib.identity import Clock, open_identity


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    with open_identity(tmp_path, database_url, clock) as opened:
        yield opened
