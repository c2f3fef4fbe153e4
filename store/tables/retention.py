"""What was pruned, and which batches are loaded quietly."""

from sqlalchemy import BigInteger, Column, Date, PrimaryKeyConstraint, String, Table

from store.tables.schema import metadata
from store.types import JsonText, UtcDateTime

# What of a batch was pruned when: ``bytes`` (its raw file, or the body of its request),
# ``unpacked`` (what was packed in it), ``findings``. ``details``: counts of what was.
batch_prunings = Table(
    "batch_prunings",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("what", String(8), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("details", JsonText),
    PrimaryKeyConstraint("batch_number", "what"),
    sqlite_with_rowid=False,
)

# Raw files that nothing needs any more: ``marked``, to be deleted, or ``deleted``. Whoever receives
# the same bytes again takes the row away first (store.pruned_files).
pruned_files = Table(
    "pruned_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("state", String(8), nullable=False, index=True),
    Column("marked_at", UtcDateTime, nullable=False),
    Column("deleted_at", UtcDateTime),
    sqlite_with_rowid=False,
)

# Batches of history: of events before ``before`` nobody is told. Who decided it why: the audit log.
quiet_batches = Table(
    "quiet_batches",
    metadata,
    Column("batch_number", BigInteger, primary_key=True, autoincrement=False),
    Column("before", Date, nullable=False),
)
