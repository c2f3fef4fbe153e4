"""A served sandbox whose clock is moved by hand, and what its tables hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

from gateway.api.app import make_app
from gateway.bootstrap import Gateway, open_gateway
from gateway.config import Settings
from gateway.sandbox.fixed import KEYS
from gateway.sandbox.restore import prepare_sandbox
from store.engine import open_store
from store.tables import metadata
from tests.lib.api import serve_app
from tests.lib.api_calls import Api
from tests.lib.databases import make_engine
from tests.lib.identity import Clock

FHIR, CSV, XML, SHARED = "sandbox-fhir", "sandbox-csv", "sandbox-xml", "sandbox-shared"


@contextmanager
def open_sandbox_gateway(
    home: Path, database_url: str = "", clock: Clock | None = None, **settings: Any
) -> Iterator[Gateway]:
    """Not prepared yet."""
    clock = clock or Clock()
    config = Settings(home=home, database_url=database_url, sandbox=True, **settings)
    store = open_store(config.database)
    store.migrate()
    store.close()
    with open_gateway(config, now=clock.now, monotonic=clock.monotonic, actor="test") as gateway:
        yield gateway


@contextmanager
def open_sandbox(home: Path, database_url: str = "", **settings: Any) -> Iterator[Api]:
    clock = Clock()
    with open_sandbox_gateway(home, database_url, clock, **settings) as gateway:
        prepare_sandbox(gateway)
        keys = {key.source_id: key.secret for key in KEYS if key.expires_at is None}
        api = Api(gateway, keys, clock)
        api.app = make_app(gateway)
        with serve_app(api.app) as api.url:
            yield api


def read_everything(database_url: str) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table."""
    engine = make_engine(database_url)
    with engine.connect() as connection:
        found = {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }
    engine.dispose()
    return found
