"""A served gateway for the tests of a module that share it."""

from collections.abc import Iterator

import pytest

from tests.lib.api_calls import Api, open_api


@pytest.fixture(scope="module")
def api(shared_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with open_api(tmp_path_factory.mktemp("api"), shared_database_url) as opened:
        yield opened
