"""The national events: one row an event, its contents, and what the current one is searched by.
Contents and what is searched are partitioned by year of occurrence on PostgreSQL (ADR 15)."""

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
    text,
)

from store.tables.schema import metadata
from store.types import JsonText, UtcDateTime

_BY_YEAR = "LIST (year)"
_ONCE = text("place = 1")

# One narrow row an event: who it is, its lock, and where it stands. Not partitioned, so that its
# number is unique over all years. No index on reference or local id: both lead to ``id`` by
# arithmetic (schemas.identifiers). ``year``: in which partition the rest of it is, 0 for none.
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
    Column("first_batch", BigInteger, nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Each content an event has had, in order of arrival; the record is where it first stood. All of an
# event are in the year of the current one.
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
    Column("year", SmallInteger, nullable=False),
    PrimaryKeyConstraint("event_id", "number", "year"),
    postgresql_partition_by=_BY_YEAR,
)

# What the current content is searched by: a row for each organisation where it happened, numbered
# by ``place``; one without an organisation where none is known. Rows of place 1 are one an event.
# Within a day the indexes leave the order to the query, so that PostgreSQL keeps equal keys once:
# a tenth of the size, and of the pages that a load touches.
event_search = Table(
    "event_search",
    metadata,
    Column("event_id", BigInteger, nullable=False),
    Column("place", SmallInteger, nullable=False),
    Column("year", SmallInteger, nullable=False),
    Column("occurred_on", Date),
    Column("worst_harm", SmallInteger),
    Column("never_event", Boolean, nullable=False),
    Column("recorded_elsewhere", Boolean, nullable=False),
    Column("event_type", String(1), nullable=False),
    Column("taxonomy_version", String(4), nullable=False),
    Column("organisation", String(12)),
    Column("reporter_organisation", String(12)),
    Column("source_id", String(64), nullable=False),
    PrimaryKeyConstraint("event_id", "place", "year"),
    Index("ix_event_search_organisation", "organisation", "occurred_on"),
    Index(
        "ix_event_search_reporter",
        "reporter_organisation",
        "occurred_on",
        postgresql_where=_ONCE,
        sqlite_where=_ONCE,
    ),
    Index(
        "ix_event_search_source",
        "source_id",
        "occurred_on",
        postgresql_where=_ONCE,
        sqlite_where=_ONCE,
    ),
    # With type and year, so that counts by them read nothing else.
    Index(
        "ix_event_search_occurred",
        "occurred_on",
        "event_type",
        "year",
        postgresql_where=_ONCE,
        sqlite_where=_ONCE,
    ),
    # What is looked for among all, and is rare.
    Index(
        "ix_event_search_serious",
        "occurred_on",
        postgresql_where=text("worst_harm <= 2"),
        sqlite_where=text("worst_harm <= 2"),
    ),
    Index(
        "ix_event_search_never",
        "occurred_on",
        postgresql_where=text("never_event"),
        sqlite_where=text("never_event"),
    ),
    Index(
        "ix_event_search_elsewhere",
        "occurred_on",
        postgresql_where=text("recorded_elsewhere"),
        sqlite_where=text("recorded_elsewhere"),
    ),
    postgresql_partition_by=_BY_YEAR,
    sqlite_with_rowid=False,
)

# The rows of an event, in the year it says: so that PostgreSQL reads one partition.
IS_CURRENT = (
    (revisions.c.event_id == events.c.id)
    & (revisions.c.year == events.c.year)
    & (revisions.c.number == events.c.revision)
)
IS_SEARCHED = (
    (event_search.c.event_id == events.c.id)
    & (event_search.c.year == events.c.year)
    & (event_search.c.place == 1)
)
