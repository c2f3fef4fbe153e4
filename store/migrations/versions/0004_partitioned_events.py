"""Events by year of occurrence: partitions on PostgreSQL. What stands around a part of a feed."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Parts of every shape: what their reader has to know of the rest of the feed.
    op.add_column(
        "parts", sa.Column("around", sa.Text(), server_default=sa.text("''"), nullable=False)
    )


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
