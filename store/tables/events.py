"""The national events: one row an event, its revisions, and what they are searched by."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
)

from store.tables.schema import metadata
from store.types import JsonText, UtcDateTime

# One row an event: its current revision, in columns to search by. No index on reference or local
# id: both lead to ``id`` by arithmetic (schemas.identifiers).
events = Table(
    "events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("reference", String(16), nullable=False),
    Column("source_id", String(64), nullable=False),
    Column("identity", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    # Where the newest record about the event stands in the order of arrival.
    Column("seen_batch", BigInteger, nullable=False),
    Column("seen_record", Integer, nullable=False),
    Column("taxonomy_version", String(4), nullable=False),
    Column("event_type", String(1), nullable=False),
    Column("occurred_on", Date),
    Column("worst_harm", SmallInteger),
    Column("never_event", Boolean, nullable=False),
    Column("reporter_organisation", String(12)),
    Column("first_batch", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Index("ix_events_first_batch", "first_batch"),
)

# Where the current revision says it happened: a row for each organisation.
event_organisations = Table(
    "event_organisations",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("organisation", String(12), nullable=False),
    PrimaryKeyConstraint("event_id", "organisation"),
    Index("ix_event_organisations_organisation", "organisation"),
    sqlite_with_rowid=False,
)

# Each content an event has had, in order of arrival; the record is where it first stood.
revisions = Table(
    "revisions",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("number", Integer, nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("record_number", Integer, nullable=False),
    Column("content_hash", LargeBinary(32), nullable=False),
    Column("payload", JsonText, nullable=False),
    Column("changes", JsonText),
    Column("derived", JsonText),
    Column("recorded_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("event_id", "number"),
)

# The patients of the current revision, in columns to search by.
patients = Table(
    "patients",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("physical_harm", String(4)),
    Column("psychological_harm", String(4)),
    Column("age_days", Integer),
    Column("age_bracket", String(4)),
    Column("gender", String(4)),
    PrimaryKeyConstraint("event_id", "sequence"),
    sqlite_with_rowid=False,
)

# Externally recorded: by which source, route and organisation, and whether that is another than
# where the event happened.
marks = Table(
    "marks",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source_id", String(64), nullable=False),
    Column("route", String(8), nullable=False),
    Column("recorded_by", String(12), nullable=False),
    Column("recorded_elsewhere", Boolean, nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("marked_at", UtcDateTime, nullable=False),
)
