"""Reference data: how far the sync of organisations and of the taxonomy came."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("what was loaded since cannot be told in the older tables")
