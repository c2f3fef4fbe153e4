"""A served gateway with a source of each format: one that the tests of a module share, and one of a
test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lib.api_calls import Api, open_api
from tests.lib.api_feeds import prepare


@pytest.fixture(scope="module")
def api(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("feeds"), shared_database_url) as opened:
        prepare(opened)
        yield opened


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as opened:
        prepare(opened)
        yield opened
