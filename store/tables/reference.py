"""Reference data that is fetched: what each sync was asked, how far it came, what it changed."""

from sqlalchemy import Column, Date, Index, String, Table, Text

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

# A run of a sync. ``upto``: where the next one begins, kept by a run that ended well. ``report``:
# what it changed, as JSON; codes, names and dates of organisations, nothing else.
reference_runs = Table(
    "reference_runs",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("name", String(24), nullable=False),
    Column("began_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("state", String(8), nullable=False),
    Column("since", Date),
    Column("upto", Date),
    Column("failure", Text),
    Column("report", JsonText),
    Index("ix_reference_runs_name", "name", "number"),
    sqlite_autoincrement=True,
)
