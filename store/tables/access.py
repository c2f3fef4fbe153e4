"""How sources prove who they are, and what they used."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from store.tables.schema import metadata
from store.types import UtcDateTime

# Subscription keys, as sha256 only: what was handed out is nowhere to be read.
source_keys = Table(
    "source_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False, index=True),
    Column("key_hash", LargeBinary(32), nullable=False, unique=True),
    Column("label", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)

# A source that has one of these is believed only where the proxy saw the certificate.
source_certificates = Table(
    "source_certificates",
    metadata,
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("source_id", "sha256"),
)

# OAuth 2 client credentials: the public keys of a source (a JWKS, uploaded or fetched).
source_clients = Table(
    "source_clients",
    metadata,
    Column("source_id", ForeignKey("sources.id"), primary_key=True),
    Column("jwks", Text),
    Column("jwks_url", Text),
    Column("scopes", Text, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
)

# Client assertions that were used, until they expire: each ``jti`` is good once.
assertions = Table(
    "assertions",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("jti_hash", LargeBinary(32), nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    PrimaryKeyConstraint("source_id", "jti_hash"),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# What a source used, by window (the second it began, since 1970): for its limits.
usage = Table(
    "usage",
    metadata,
    Column("source_id", String(64), nullable=False),
    Column("window", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False, server_default="0"),
    Column("records", BigInteger, nullable=False, server_default="0"),
    Column("bytes", BigInteger, nullable=False, server_default="0"),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("source_id", "window"),
)
