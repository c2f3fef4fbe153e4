"""Migrations, driven from within: no ini file, the scripts are part of the package."""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from store.bulk import is_postgresql
from store.engine import check_version
from store.partitions import bring_home

# Any number, the same for every process: one migrates, the others wait and find it done.
_ADVISORY_LOCK = 7_265_510


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version within the connection's transaction. (SQLite lets
    one writing transaction in at a time anyway.)"""
    if is_postgresql(connection):
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    config = _make_config()
    newest = ScriptDirectory.from_config(config).get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    check_version(found)
    if found != newest:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    bring_home(connection)


def _make_config() -> Config:
    config = Config()
    folder = str(files("store") / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
