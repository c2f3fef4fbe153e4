"""Collectors: where feeds are fetched from, and what was fetched."""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
