"""Alarms: what was seen, since when, and who was told."""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
