"""Where feeds are fetched from, and what was found there."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

# One that is removed keeps its row: its items are history.
collectors = Table(
    "collectors",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("settings", JsonText, nullable=False),
    Column("every", Integer, nullable=False),
    Column("cursor", Text, nullable=False, server_default=text("''")),
    Column("due_at", UtcDateTime, nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("leased_until", UtcDateTime),
    Column("last_success_at", UtcDateTime),
    Column("last_failure_at", UtcDateTime),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("reason", String(16)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("removed_at", UtcDateTime),
)

# ``item_key`` is a hash of what the far end calls it: that may be longer than an index takes.
# ``batch_id`` points to no row of batches: a record of what was fetched outlives them.
collected = Table(
    "collected",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("collector_id", ForeignKey("collectors.id"), nullable=False),
    Column("item_key", String(64), nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("source_id", String(64)),
    Column("size", BigInteger),
    Column("sha256", String(64), index=True),
    Column("batch_id", String(16), index=True),
    Column("received_at", UtcDateTime),
    Column("settled_at", UtcDateTime),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", String(16)),
    Column("headers", JsonText),
    UniqueConstraint("collector_id", "item_key"),
    # Few of many: those that something is still to be done about, and those refused.
    Index(
        "ix_collected_open",
        "collector_id",
        sqlite_where=text("settled_at IS NULL OR state = 'refused'"),
        postgresql_where=text("settled_at IS NULL OR state = 'refused'"),
    ),
    sqlite_autoincrement=True,
)

# The answer to one collected message: its batch's receipt, sent back the way it came. Written
# before the first byte is sent, so that one whose sending broke off is known.
receipt_messages = Table(
    "receipt_messages",
    metadata,
    Column("item_id", ForeignKey("collected.id"), primary_key=True, autoincrement=False),
    Column("collector_id", ForeignKey("collectors.id"), nullable=False),
    Column("batch_id", String(16), nullable=False),
    Column("local_id", String(32), nullable=False, unique=True),
    Column("recipient", Text, nullable=False),
    Column("workflow", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("message_id", String(100)),
    Column("sent_at", UtcDateTime),
    Column("reason", String(16)),
    Index("ix_receipt_messages_state", "state", "due_at"),
    Index("ix_receipt_messages_message_id", "message_id"),
)
