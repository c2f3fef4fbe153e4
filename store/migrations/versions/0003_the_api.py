"""The API for vendors: who may send what, what was used, single requests, dry runs, corrections."""

import sqlalchemy as sa
from alembic import op

from store.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = UtcDateTime()
REJECTED = sa.text("disposition = 'rejected'")
UNMARKED = sa.text("state = 'finished' AND marked_at IS NULL")


def upgrade() -> None:
    _extend_grants()
    _make_identity()
    _make_usage()
    _make_requests()
    _index_batches()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _extend_grants() -> None:
    op.add_column("grants", sa.Column("starts_on", sa.Date(), nullable=True))
    op.add_column("grants", sa.Column("ends_on", sa.Date(), nullable=True))
    op.add_column(
        "grants", sa.Column("given_by", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("grants", sa.Column("given_at", INSTANT, nullable=True))


def _of_source(table: str) -> list[sa.schema.SchemaItem]:
    column = sa.Column("source_id", sa.String(length=64), nullable=False)
    name = f"fk_{table}_source_id"
    return [column, sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=name)]


def _make_identity() -> None:
    op.create_table(
        "source_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        *_of_source("source_keys"),
        sa.Column("key_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_source_keys"),
        sa.UniqueConstraint("key_hash", name="uq_source_keys_key_hash"),
    )
    op.create_index("ix_source_keys_source_id", "source_keys", ["source_id"])
    op.create_table(
        "source_certificates",
        *_of_source("source_certificates"),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "sha256", name="pk_source_certificates"),
    )
    op.create_table(
        "source_clients",
        *_of_source("source_clients"),
        sa.Column("jwks", sa.Text(), nullable=True),
        sa.Column("jwks_url", sa.Text(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_source_clients"),
    )
    op.create_table(
        "assertions",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("jti_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "jti_hash", name="pk_assertions"),
    )
    op.create_index("ix_assertions_expires_at", "assertions", ["expires_at"])
    op.create_table(
        "access_tokens",
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        *_of_source("access_tokens"),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_access_tokens"),
    )
    op.create_index("ix_access_tokens_expires_at", "access_tokens", ["expires_at"])


def _make_usage() -> None:
    counts = [
        sa.Column(name, sa.BigInteger(), server_default="0", nullable=False)
        for name in ("requests", "records", "bytes", "refused")
    ]
    op.create_table(
        "usage",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("window", sa.BigInteger(), nullable=False),
        *counts,
        sa.PrimaryKeyConstraint("source_id", "window", name="pk_usage"),
    )


def _make_requests() -> None:
    op.create_table(
        "bodies",
        sa.Column("batch_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("batch_number", name="pk_bodies"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved_until", INSTANT, nullable=False),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("batch_number", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source_id", "key", name="pk_idempotency_keys"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "trials",
        sa.Column("id", sa.String(length=16), nullable=False),
        *_of_source("trials"),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("route", sa.String(length=8), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("receipt", sa.String(length=64), nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_trials"),
        sa.UniqueConstraint("source_id", "sha256", name="uq_trials_source_id_sha256"),
    )
    op.create_index("ix_trials_state", "trials", ["state"])
    op.create_table(
        "corrections",
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("record_number", sa.Integer(), nullable=False),
        sa.Column("correction_batch", sa.BigInteger(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "batch_number", "record_number", "correction_batch", name="pk_corrections"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_corrections_correction_batch", "corrections", ["correction_batch"])
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        *_of_source("uploads"),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("batch_id", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_expires_at", "uploads", ["expires_at"])


def _index_batches() -> None:
    op.create_index("ix_batches_source", "batches", ["source_id", "number"])
    op.create_index(
        "ix_batches_unmarked",
        "batches",
        ["number"],
        sqlite_where=UNMARKED,
        postgresql_where=UNMARKED,
    )
    op.create_index(
        "ix_receipt_lines_rejected",
        "receipt_lines",
        ["batch_number", "number"],
        sqlite_where=REJECTED,
        postgresql_where=REJECTED,
    )
