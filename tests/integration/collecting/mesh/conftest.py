"""MESH's sandbox, served for a module, with nothing in it before each test."""

from collections.abc import Iterator

import pytest

from tests.lib.mesh import Mesh, serve_mesh


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    with serve_mesh(tmp_path_factory.mktemp("mesh")) as mesh:
        yield mesh


@pytest.fixture
def mesh(server: Mesh) -> Mesh:
    server.reset()
    return server
