"""Records that were not loaded: over which fault of ours, what was replayed, what was edited."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from store.tables.schema import metadata
from store.types import JsonText, UtcDateTime

# The faults of our own code: where in the code, and never a value. Of places in the code and not
# of any source.
faults = Table(
    "faults",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("trace", JsonText, nullable=False),
    Column("first_seen", UtcDateTime, nullable=False),
)

# A record over which our own code failed. The row stays when the record is loaded at last.
quarantine = Table(
    "quarantine",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("fault_id", String(16), nullable=False),
    Column("quarantined_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "fault_id"),
    Index("ix_quarantine_fault_id", "fault_id"),
    sqlite_with_rowid=False,
)

# Each time a replay made something else of a record: what its receipt line said until then.
replays = Table(
    "replays",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("before", String(16), nullable=False),
    Column("findings", JsonText, nullable=False),
    Column("after", String(16), nullable=False),
    # Name and version that it was mapped with, which may be newer than the batch's.
    Column("profile", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("replayed_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "attempt"),
    sqlite_with_rowid=False,
)

# A correction that an operator made: ``diff`` is content of the event, and stands nowhere else.
edits = Table(
    "edits",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("correction_batch", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("diff", JsonText, nullable=False),
    Column("edited_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "correction_batch"),
    sqlite_with_rowid=False,
)
