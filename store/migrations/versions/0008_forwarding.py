"""Forwarding: what was submitted to the endpoint upstream, and what is not known."""

import sqlalchemy as sa
from alembic import op

from store.tables.schema import RowNumber
from store.types import JsonText, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INSTANT = UtcDateTime()


def upgrade() -> None:
    op.create_table(
        "forwarding",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("queued_until", sa.BigInteger(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_forwarding"),
    )
    op.create_table(
        "forwarding_batches",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("is_queued", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_forwarding_batches"),
    )
    _make_forwards()
    _make_calls()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _make_forwards() -> None:
    op.create_table(
        "forwards",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("call_id", sa.BigInteger(), nullable=True),
        sa.Column("upstream_id", sa.String(length=64), nullable=True),
        sa.Column("upstream_revision", sa.Integer(), nullable=True),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("codes", JsonText(), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_forwards"),
    )
    op.create_index("ix_forwards_state", "forwards", ["state", "due_at"])


def _make_calls() -> None:
    op.create_table(
        "forward_calls",
        sa.Column("id", RowNumber, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("idempotency_key", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("codes", JsonText(), nullable=True),
        sa.Column("upstream_id", sa.String(length=64), nullable=True),
        sa.Column("upstream_revision", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_forward_calls"),
        sa.UniqueConstraint("idempotency_key", name="uq_forward_calls_idempotency_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_forward_calls_event_id", "forward_calls", ["event_id"])
