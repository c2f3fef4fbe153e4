"""Alarms, and what the watch that raises them goes by."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

alarms = Table(
    "alarms",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("code", String(12), nullable=False),
    Column("subject", Text, nullable=False),
    Column("params", JsonText, nullable=False),
    Column("state", String(12), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("acknowledged_at", UtcDateTime),
    Column("reason", Text),
    Column("closed_at", UtcDateTime),
    # Of two watches at once, one opens the alarm, and tells.
    Index(
        "uq_alarms_open",
        "code",
        "subject",
        unique=True,
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
    sqlite_autoincrement=True,
)

# What an operator set; what is NULL is learned.
expected = Table(
    "expected",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("silent_after_minutes", Integer),
    Column("records_least", Integer),
    Column("records_most", Integer),
    Column("rejected_most", Float),
    Column("set_at", UtcDateTime, nullable=False),
)

# What came, by source and day (Europe/London): written once a day is some days past, so that the
# watch need not read months of batches, and knows of them when they are pruned.
feed_days = Table(
    "feed_days",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("batches", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("hours", Integer, nullable=False),
    PrimaryKeyConstraint("day", "source_id"),
)

# When each step of the DAGs last ran to its end, and failed. A row a step.
steps = Table(
    "steps",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("ran_at", UtcDateTime),
    Column("failed_at", UtcDateTime),
    Column("failures", Integer, nullable=False, server_default="0"),
)
