"""Who takes part: organisations, sources, grants, users."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from store.tables.schema import RowNumber, metadata
from store.types import JsonText, UtcDateTime

organisations = Table(
    "organisations",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("name", Text, nullable=False),
    Column("opened", Date),
    Column("closed", Date),
    Column("successor", String(12)),
    Column("icb", String(12)),
    Column("region", Text),
    # From here on what the sync keeps (store.synced): the day the register of ODS last changed it,
    # its roles and all who carried on from it (codes, by blanks), the names it had before.
    Column("changed_on", Date),
    Column("roles", Text, nullable=False, server_default=text("''")),
    Column("successors", Text, nullable=False, server_default=text("''")),
    Column("former_names", JsonText),
)

sources = Table(
    "sources",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("organisation", ForeignKey("organisations.code"), nullable=False),
    Column("format", String(8), nullable=False),
    Column("profile", String(64)),
    Column("strict", Boolean, nullable=False, server_default=false()),
    Column("taxonomy_version", String(4), nullable=False),
    Column("on_break", String(4), nullable=False, server_default="wait"),
    Column("created_at", UtcDateTime, nullable=False),
)

# The organisations a source may submit for, besides its own: from ``starts_on`` to ``ends_on``
# (both included; none: without a bound). One that is given again is the same row; who gave it when
# before is in the audit log.
grants = Table(
    "grants",
    metadata,
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("organisation", ForeignKey("organisations.code"), nullable=False),
    Column("starts_on", Date),
    Column("ends_on", Date),
    Column("given_by", Text, nullable=False, server_default=text("''")),
    Column("given_at", UtcDateTime),
    PrimaryKeyConstraint("source_id", "organisation"),
)

users = Table(
    "users",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("email", Text, nullable=False),
    Column("organisation", ForeignKey("organisations.code"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    UniqueConstraint("email", "organisation", "role"),
)
