"""The migrated schema is the one the code believes in; the audit log can only grow; JSON goes in
and out as the bytes we made."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from schemas.errors import WrongUseError
from schemas.event import encode_event
from store.engine import Store, open_store
from store.tables import metadata
from tests.lib.databases import make_database, make_engine
from tests.lib.records import NOW, make_event, make_record, receive, register


def test_migrated_schema_equals_the_tables(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        partitions = find_partitions(connection)

        def is_compared(name: str | None, kind: str, _parents: object) -> bool:
            """A partition is made like its table (``store.partitions``)."""
            return kind != "table" or name not in partitions

        opts = {"compare_type": True, "compare_server_default": True, "include_name": is_compared}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def find_partitions(connection: Connection) -> set[str]:
    if connection.dialect.name == "sqlite":
        return set()
    query = text("SELECT relname FROM pg_class WHERE relispartition")
    return set(connection.execute(query).scalars())


def test_migrating_again_changes_nothing(store: Store) -> None:
    register(store)
    store.migrate()
    with store.read() as work:
        assert len(work.sources.find_all()) == 1


@pytest.mark.postgresql
def test_many_processes_migrate_one_empty_postgresql(postgresql_server: str) -> None:
    with make_database(postgresql_server) as url:
        migrate_at_once(url)


def test_many_processes_migrate_one_empty_sqlite(tmp_path: Path) -> None:
    migrate_at_once(f"sqlite:///{tmp_path / 'new' / 'gateway.sqlite'}")


def migrate_at_once(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Store.migrate, stores))
    register(stores[0])
    for store in stores:
        store.close()


def test_a_database_of_a_newer_gateway_is_left_alone(store: Store, database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    for do in (store.migrate, store.is_migrated):
        with pytest.raises(WrongUseError, match=r"newer gateway \(schema 9999"):
            do()


def test_database_that_was_not_migrated_says_what_to_do(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'empty.sqlite'}")
    with pytest.raises(WrongUseError, match="lrms-gateway migrate"), store.read() as work:
        work.sources.find_all()
    store.close()


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_audit_log_refuses_change(store: Store, database_url: str, change: str) -> None:
    register(store)
    check_refused(database_url, change)


@pytest.mark.postgresql
@pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)
def test_audit_log_refuses_truncate(store: Store, database_url: str) -> None:
    register(store)
    check_refused(database_url, "TRUNCATE audit")


def check_refused(url: str, change: str) -> None:
    engine = make_engine(url)
    with pytest.raises(DBAPIError, match="insert only"), engine.begin() as connection:
        connection.execute(text(change))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit")).scalar_one() == 2
    engine.dispose()


def test_payload_is_stored_as_the_bytes_it_was(store: Store, database_url: str) -> None:
    """A JSON column can swallow text as a JSON string, silently."""
    register(store)
    batch = receive(store, "one")
    with store.begin(actor="test", at=NOW) as work:
        work.records.load(batch, [make_record(1, "A", "one")])
    engine = make_engine(database_url)
    with engine.connect() as connection:
        payload = connection.execute(text("SELECT payload FROM revisions")).scalar_one()
        kind = "json_typeof" if store.is_postgresql else "json_type"
        query = text(f"SELECT {kind}(payload), {kind}(derived) FROM revisions")
        assert tuple(connection.execute(query).one()) == ("object", "array")
    engine.dispose()
    assert payload == encode_event(make_event("A")).decode()


@pytest.mark.postgresql
@pytest.mark.parametrize("fresh_database", ["postgresql"], indirect=True)
def test_payload_is_compressed_by_lz4_where_the_server_has_it(database_url: str) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        query = "SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = :name"
        name = {"name": "default_toast_compression"}
        has_lz4 = connection.execute(text(query), name).scalar_one()
        query = (
            "SELECT DISTINCT attcompression FROM pg_attribute"
            " WHERE attname = 'payload' AND CAST(attrelid AS regclass)::text LIKE 'revisions%'"
        )
        assert connection.execute(text(query)).scalar_one() == ("l" if has_lz4 else "")
    engine.dispose()
