"""What was received: batches, their parts, receipt lines and findings."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

batches = Table(
    "batches",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("route", String(8), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("shape", String(12)),
    Column("profile", String(64)),
    Column("profile_version", String(128)),
    Column("profile_digest", String(64)),
    Column("verdict", String(16)),
    Column("records", Integer, nullable=False, server_default="0"),
    Column("created", Integer, nullable=False, server_default="0"),
    Column("revised", Integer, nullable=False, server_default="0"),
    Column("unchanged", Integer, nullable=False, server_default="0"),
    Column("rejected", Integer, nullable=False, server_default="0"),
    Column("quarantined", Integer, nullable=False, server_default="0"),
    Column("finished_at", UtcDateTime),
    Column("marked_at", UtcDateTime),
    UniqueConstraint("source_id", "sha256"),
    Index("ix_batches_state", "state"),
    Index("ix_batches_source", "source_id", "number"),
    Index("ix_batches_received_at", "received_at"),
    # Few at a time wait to be marked, of millions.
    Index(
        "ix_batches_unmarked",
        "number",
        sqlite_where=text("state = 'finished' AND marked_at IS NULL"),
        postgresql_where=text("state = 'finished' AND marked_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

parts = Table(
    "parts",
    metadata,
    Column("batch_number", ForeignKey("batches.number"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("first_record", Integer, nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("state", String(8), nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("records_done", Integer, nullable=False, server_default="0"),
    Column("content", String(64), nullable=False, server_default=text("''")),
    Column("member", Text, nullable=False, server_default=text("''")),
    Column("shape", String(12)),
    Column("around", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("batch_number", "number"),
)

# The bytes of a batch that came as one request: stored in the transaction of its event. Those of
# feeds are raw files.
bodies = Table(
    "bodies",
    metadata,
    Column("batch_number", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
)

receipt_lines = Table(
    "receipt_lines",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("locator", Text, nullable=False),
    Column("local_id", Text),
    Column("raw_hash", LargeBinary(32), nullable=False),
    # SQLite holds no text to its length, and could not widen a column that was shorter.
    Column("disposition", String(16).with_variant(String(10), "sqlite"), nullable=False),
    Column("event_id", BigInteger),
    Column("revision", Integer),
    PrimaryKeyConstraint("batch_number", "number"),
    # The other lines of an event are where its revisions say they are; so the index costs
    # nothing on the first load of a record.
    Index(
        "ix_receipt_lines_unchanged",
        "event_id",
        sqlite_where=text("disposition = 'unchanged'"),
        postgresql_where=text("disposition = 'unchanged'"),
    ),
    Index(
        "ix_receipt_lines_unloaded",
        "batch_number",
        "number",
        sqlite_where=text("event_id IS NULL"),
        postgresql_where=text("event_id IS NULL"),
    ),
    sqlite_with_rowid=False,
)

# Record number 0: a finding on the batch as a whole.
findings = Table(
    "findings",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("code", String(12), nullable=False),
    Column("severity", String(12), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("source_path", Text, nullable=False),
    Column("params", JsonText, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "ordinal"),
    sqlite_with_rowid=False,
)
