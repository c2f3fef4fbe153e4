"""What the API keeps of requests: keys for idempotency, dry runs, corrections, uploads."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from store.tables.schema import metadata
from store.types import UtcDateTime

# What was answered to a request with an Idempotency-Key: ``answer``, about which event at which
# revision, and the batch that tells the rest. Reserved first, so that a second one that comes
# meanwhile is told to wait; ``token`` fences out whoever lost the reservation.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", LargeBinary(32), nullable=False),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("reserved_until", UtcDateTime, nullable=False),
    Column("answer", String(10)),
    Column("batch_number", BigInteger),
    Column("event_id", BigInteger),
    Column("revision", Integer),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("source_id", "key"),
    sqlite_with_rowid=False,
)

# Dry runs: a feed whose bytes are kept, checked, and loaded only if it is promoted. ``receipt`` is
# the sha256 of the raw file that holds what loading it would do.
trials = Table(
    "trials",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("route", String(8), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(10), nullable=False, index=True),
    Column("receipt", String(64)),
    Column("finished_at", UtcDateTime),
    UniqueConstraint("source_id", "sha256"),
)

# A rejected record and the batches (of one record each) that were sent in its place.
corrections = Table(
    "corrections",
    metadata,
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("correction_batch", BigInteger, nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("batch_number", "record_number", "correction_batch"),
    sqlite_with_rowid=False,
)

# Uploads that are under way, or done (``batch_id``); the bytes that came so far are in a file.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("filename", Text, nullable=False),
    Column("metadata", Text, nullable=False, server_default=text("''")),
    Column("dry_run", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("batch_id", String(16)),
)
