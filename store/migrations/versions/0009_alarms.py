"""Alarms: what was seen, since when, and who was told."""

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = UtcDateTime()
OPEN = sa.text("closed_at IS NULL")


def upgrade() -> None:
    _make_alarms()
    _make_expected()
    _make_history()
    # What came since yesterday, of millions.
    op.create_index("ix_batches_received_at", "batches", ["received_at"])


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _make_alarms() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alarms",
        sa.Column("number", number, autoincrement=True, nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("params", JsonText(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("acknowledged_at", INSTANT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_alarms"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_alarms_open",
        "alarms",
        ["code", "subject"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _make_expected() -> None:
    op.create_table(
        "expected",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("silent_after_minutes", sa.Integer(), nullable=True),
        sa.Column("records_least", sa.Integer(), nullable=True),
        sa.Column("records_most", sa.Integer(), nullable=True),
        sa.Column("rejected_most", sa.Float(), nullable=True),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_expected_source_id"),
        sa.PrimaryKeyConstraint("source_id", name="pk_expected"),
    )


def _make_history() -> None:
    op.create_table(
        "feed_days",
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("batches", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "source_id", name="pk_feed_days"),
    )
    op.create_table(
        "steps",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("ran_at", INSTANT, nullable=True),
        sa.Column("failed_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_steps"),
    )
