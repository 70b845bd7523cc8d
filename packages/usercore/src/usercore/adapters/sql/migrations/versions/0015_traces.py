"""The trace that a delivery belongs to."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    # A column that may be missing and has no default is a change of the catalogue alone.
    op.execute("ALTER TABLE deliveries ADD COLUMN traceparent text")


def downgrade() -> None:
    op.execute("ALTER TABLE deliveries DROP COLUMN traceparent")
