"""Retention: what was pruned; and batches of history, loaded without telling anybody."""

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "batch_prunings",
        sa.Column("batch_number", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("details", JsonText(), nullable=True),
        sa.PrimaryKeyConstraint("batch_number", "what", name="pk_batch_prunings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "pruned_files",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("marked_at", UtcDateTime(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_pruned_files"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_pruned_files_state", "pruned_files", ["state"])
    op.create_table(
        "quiet_batches",
        sa.Column("batch_number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("before", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("batch_number", name="pk_quiet_batches"),
    )
    op.add_column(
        "alerts", sa.Column("quiet", sa.Boolean(), server_default=sa.false(), nullable=False)
    )


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
