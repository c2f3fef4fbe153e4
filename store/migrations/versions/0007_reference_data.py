"""Reference data: what each sync of organisations changed, and what it adds to the register."""

import sqlalchemy as sa
from alembic import op

from store.types import JsonText, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("organisations", sa.Column("changed_on", sa.Date(), nullable=True))
    for name in ("roles", "successors"):
        empty = sa.text("''")
        op.add_column(
            "organisations", sa.Column(name, sa.Text(), server_default=empty, nullable=False)
        )
    op.add_column("organisations", sa.Column("former_names", JsonText(), nullable=True))
    op.create_table(
        "reference_runs",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.String(length=24), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("upto", sa.Date(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("report", JsonText(), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_reference_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reference_runs_name", "reference_runs", ["name", "number"])


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
