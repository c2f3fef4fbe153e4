"""Collectors: where feeds are fetched from, and what was fetched."""

import sqlalchemy as sa
from alembic import op

from store.tables.schema import RowNumber
from store.types import JsonText, UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = UtcDateTime()
OPEN = sa.text("settled_at IS NULL OR state = 'refused'")


def upgrade() -> None:
    _make_collectors()
    _make_collected()
    _make_receipt_messages()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _make_collectors() -> None:
    op.create_table(
        "collectors",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("settings", JsonText(), nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", INSTANT, nullable=True),
        sa.Column("last_success_at", INSTANT, nullable=True),
        sa.Column("last_failure_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("removed_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_collectors_source_id"),
        sa.PrimaryKeyConstraint("id", name="pk_collectors"),
    )


def _make_collected() -> None:
    op.create_table(
        "collected",
        sa.Column("id", RowNumber, autoincrement=True, nullable=False),
        sa.Column("collector_id", sa.String(length=64), nullable=False),
        sa.Column("item_key", sa.String(length=64), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("first_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("source_id", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("batch_id", sa.String(length=16), nullable=True),
        sa.Column("received_at", INSTANT, nullable=True),
        sa.Column("settled_at", INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.Column("headers", JsonText(), nullable=True),
        sa.ForeignKeyConstraint(
            ["collector_id"], ["collectors.id"], name="fk_collected_collector_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_collected"),
        sa.UniqueConstraint("collector_id", "item_key", name="uq_collected_collector_id_item_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_collected_sha256", "collected", ["sha256"])
    op.create_index("ix_collected_batch_id", "collected", ["batch_id"])
    op.create_index(
        "ix_collected_open",
        "collected",
        ["collector_id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def _make_receipt_messages() -> None:
    op.create_table(
        "receipt_messages",
        sa.Column("item_id", RowNumber, autoincrement=False, nullable=False),
        sa.Column("collector_id", sa.String(length=64), nullable=False),
        sa.Column("batch_id", sa.String(length=16), nullable=False),
        sa.Column("local_id", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("workflow", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("token", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("message_id", sa.String(length=100), nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["collected.id"], name="fk_receipt_messages_item_id"),
        sa.ForeignKeyConstraint(
            ["collector_id"], ["collectors.id"], name="fk_receipt_messages_collector_id"
        ),
        sa.PrimaryKeyConstraint("item_id", name="pk_receipt_messages"),
        sa.UniqueConstraint("local_id", name="uq_receipt_messages_local_id"),
    )
    op.create_index("ix_receipt_messages_state", "receipt_messages", ["state", "due_at"])
    op.create_index("ix_receipt_messages_message_id", "receipt_messages", ["message_id"])
