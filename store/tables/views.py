"""Views: read like tables, stored nowhere. Not of the metadata, as no migration compares them."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, SmallInteger, String, Table

from store.types import UtcDateTime

_views = MetaData()

# Externally recorded: by which source, route and organisation, and whether that is another than
# where the event happened. An event is marked once a batch that it came in is.
marks = Table(
    "marks",
    _views,
    Column("event_id", BigInteger),
    Column("source_id", String(64)),
    Column("route", String(8)),
    Column("recorded_by", String(12)),
    Column("recorded_elsewhere", Boolean),
    Column("batch_number", BigInteger),
    Column("marked_at", UtcDateTime),
    Column("year", SmallInteger),
)

# The patients of the current content, by their place in it.
patients = Table(
    "patients",
    _views,
    Column("event_id", BigInteger),
    Column("sequence", Integer),
    Column("physical_harm", String(4)),
    Column("psychological_harm", String(4)),
    Column("age_days", Integer),
    Column("age_bracket", String(4)),
    Column("gender", String(4)),
)
