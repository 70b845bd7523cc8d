"""Filters that are kept under names."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    op.execute("""
        CREATE TABLE segments (
            name text COLLATE "C" NOT NULL,
            filter text NOT NULL,
            about text NOT NULL,
            saved_at timestamptz NOT NULL,
            saved_by text NOT NULL,
            CONSTRAINT pk_segments PRIMARY KEY (name)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE segments")
