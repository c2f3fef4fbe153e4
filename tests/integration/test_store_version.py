"""The store knows whether its tables are those of this program."""

from importlib.resources import files

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.bootstrap import open_gateway
from gateway.config import Settings
from schemas.errors import WrongUseError
from store.engine import NEWEST_MIGRATION, open_store
from tests.lib.databases import make_database


def test_the_newest_migration_is_the_head():
    config = Config()
    config.set_main_option("script_location", str(files("store") / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == NEWEST_MIGRATION


def test_a_migrated_store_says_so(store):
    assert store.is_migrated()


def test_an_empty_sqlite_database_is_migrated_on_the_way(tmp_path):
    url = f"sqlite:///{tmp_path / 'own.sqlite'}"
    store = open_store(url)
    assert not store.is_migrated()
    store.close()
    with open_gateway(Settings(home=tmp_path, database_url=url)) as gateway:
        assert gateway.store.is_migrated()


@pytest.mark.postgresql
def test_an_empty_postgresql_database_is_refused(tmp_path, postgresql_server):
    with (
        make_database(postgresql_server) as url,
        pytest.raises(WrongUseError, match="lrms-gateway migrate"),
        open_gateway(Settings(home=tmp_path, database_url=url)),
    ):
        pass
