"""Quarantined records, and what was replayed."""

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = UtcDateTime()
UNLOADED = sa.text("event_id IS NULL")
WITHOUT_ROWID = {"sqlite_with_rowid": False}


def upgrade() -> None:
    op.add_column(
        "batches", sa.Column("quarantined", sa.Integer(), server_default="0", nullable=False)
    )
    if op.get_bind().dialect.name == "postgresql":
        # A longer word; SQLite holds no text to its length.
        op.alter_column("receipt_lines", "disposition", type_=sa.String(length=16))
    op.drop_index("ix_receipt_lines_rejected", "receipt_lines")
    op.create_index(
        "ix_receipt_lines_unloaded",
        "receipt_lines",
        ["batch_number", "number"],
        sqlite_where=UNLOADED,
        postgresql_where=UNLOADED,
    )
    _make_faults()
    _make_replays()
    _make_edits()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _of_record() -> list[sa.Column[int]]:
    return [
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("record_number", sa.Integer(), nullable=False),
    ]


def _make_faults() -> None:
    op.create_table(
        "faults",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("trace", JsonText(), nullable=False),
        sa.Column("first_seen", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_faults"),
    )
    op.create_table(
        "quarantine",
        *_of_record(),
        sa.Column("fault_id", sa.String(length=16), nullable=False),
        sa.Column("quarantined_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("batch_number", "record_number", "fault_id", name="pk_quarantine"),
        **WITHOUT_ROWID,
    )
    op.create_index("ix_quarantine_fault_id", "quarantine", ["fault_id"])


def _make_replays() -> None:
    op.create_table(
        "replays",
        *_of_record(),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("findings", JsonText(), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("replayed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("batch_number", "record_number", "attempt", name="pk_replays"),
        **WITHOUT_ROWID,
    )


def _make_edits() -> None:
    op.create_table(
        "edits",
        *_of_record(),
        sa.Column("correction_batch", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("diff", JsonText(), nullable=False),
        sa.Column("edited_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint(
            "batch_number", "record_number", "correction_batch", name="pk_edits"
        ),
        **WITHOUT_ROWID,
    )
