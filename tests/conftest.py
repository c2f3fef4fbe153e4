"""Fixtures for every test: databases, real and fresh. A database that does not start is a failure,
never a skip."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from store.engine import Store, open_store
from tests.lib.databases import copy_sqlite, make_database, make_template, start_postgresql

# On a busy machine an example may take its time, and making one too; and a run of the tests is red
# for what was changed, not for what was drawn today (--hypothesis-profile=default draws anew).
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def postgresql_server() -> str:
    return start_postgresql()


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    with make_template(postgresql_server) as name:
        yield name


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    store = open_store(f"sqlite:///{path}")
    store.migrate()
    store.close()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def fresh_database(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Callable[[], AbstractContextManager[str]]:
    """Makes migrated databases, empty each; the test runs on each kind."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        return lambda: copy_sqlite(template, tmp_path)
    server = request.getfixturevalue("postgresql_server")
    name = request.getfixturevalue("postgresql_template")
    return lambda: make_database(server, name)


@pytest.fixture
def database_url(fresh_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """A migrated database of the test's own."""
    with fresh_database() as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def shared_database_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A migrated database that the tests of a module share; each kind in turn."""
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        with copy_sqlite(template, tmp_path_factory.mktemp("shared")) as url:
            yield url
        return
    server = request.getfixturevalue("postgresql_server")
    with make_database(server, request.getfixturevalue("postgresql_template")) as url:
        yield url


@pytest.fixture
def fresh_postgresql(
    postgresql_server: str, postgresql_template: str
) -> Iterator[Callable[[], str]]:
    """Makes migrated databases of PostgreSQL, empty each."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(make_database(postgresql_server, postgresql_template))
