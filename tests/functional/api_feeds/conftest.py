"""A served gateway with a source of each format: one that the tests of a module share, and one of a
test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lib.api_calls import Api, open_api
from tests.lib.api_feeds import prepare


@pytest.fixture(scope="module")
def api(api: Api) -> Api:
    prepare(api)
    return api


@pytest.fixture
def own_api(tmp_path: Path) -> Iterator[Api]:
    with open_api(tmp_path) as opened:
        prepare(opened)
        yield opened
