"""Feeds that come packed, and batches that wait for a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sources",
        sa.Column("on_break", sa.String(length=4), server_default="wait", nullable=False),
    )
    op.add_column(
        "parts",
        sa.Column("content", sa.String(length=64), server_default=sa.text("''"), nullable=False),
    )
    op.add_column(
        "parts", sa.Column("member", sa.Text(), server_default=sa.text("''"), nullable=False)
    )
    op.add_column("parts", sa.Column("shape", sa.String(length=12), nullable=True))
    op.add_column("batches", sa.Column("profile_digest", sa.String(length=64), nullable=True))
    _widen_profile_version()


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")


def _widen_profile_version() -> None:
    """The version of a profile that extends another names both."""
    wide = sa.String(length=128)
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("batches", "profile_version", type_=wide)
        return
    # SQLite widens no column. A table made anew would have to be dropped while parts refer to it,
    # and would begin the order of arrival again; a column made anew leaves all that alone.
    op.add_column("batches", sa.Column("wider", wide, nullable=True))
    op.execute("UPDATE batches SET wider = profile_version")
    op.drop_column("batches", "profile_version")
    op.alter_column("batches", "wider", new_column_name="profile_version")
