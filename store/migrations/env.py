"""Run by Alembic: the migrations go over the connection that ``store.migrate`` hands in."""

from alembic import context

from store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # One transaction for all, on SQLite too: store.engine begins it itself there.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
