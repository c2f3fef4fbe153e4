"""What is forwarded to the endpoint upstream. Off unless it was started: then ``forwarding`` has a
row."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
)

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

# One row. Every batch up to ``queued_until`` is queued, but those that ``forwarding_batches`` says
# are not; of those above, the ones are that it says are.
forwarding = Table(
    "forwarding",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("queued_until", BigInteger, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
)

forwarding_batches = Table(
    "forwarding_batches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("is_queued", Boolean, nullable=False),
)

# One row an event. ``call_id``: the call that is not ended yet.
forwards = Table(
    "forwards",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("state", String(8), nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("call_id", BigInteger),
    Column("upstream_id", String(64)),
    Column("upstream_revision", Integer),
    Column("token", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due_at", UtcDateTime, nullable=False),
    Column("status", Integer),
    Column("codes", JsonText),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_forwards_state", "state", "due_at"),
)

# Written before the call is made, and how it ended after: one without an end is one of which
# nobody knows.
forward_calls = Table(
    "forward_calls",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("event_id", BigInteger, nullable=False, index=True),
    Column("revision", Integer, nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    Column("idempotency_key", String(64), nullable=False, unique=True),
    Column("state", String(8), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("status", Integer),
    Column("codes", JsonText),
    Column("upstream_id", String(64)),
    Column("upstream_revision", Integer),
    sqlite_autoincrement=True,
)
