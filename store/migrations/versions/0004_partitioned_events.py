"""Events by year of occurrence: partitions on PostgreSQL."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
