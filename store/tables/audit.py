"""The audit log."""

from sqlalchemy import Column, String, Table, Text

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

# Insert only: triggers refuse update and delete.
audit = Table(
    "audit",
    metadata,
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("details", JsonText),
    sqlite_autoincrement=True,
)
