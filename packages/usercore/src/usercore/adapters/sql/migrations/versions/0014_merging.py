"""Accounts that were merged into others, and what moved with them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    "ALTER TABLE users ADD COLUMN merged_into uuid",
    "ALTER TABLE activity_facts ADD COLUMN told_of uuid",
    """
    CREATE TABLE user_merges (
        id uuid NOT NULL,
        survivor_id uuid NOT NULL,
        merged_id uuid NOT NULL,
        survivor_before bigint NOT NULL,
        survivor_version bigint NOT NULL,
        merged_version bigint NOT NULL,
        merged_at timestamptz NOT NULL,
        merged_by_kind text NOT NULL,
        merged_by_id text NOT NULL,
        reason text NOT NULL,
        undone_at timestamptz,
        undone_by_kind text,
        undone_by_id text,
        undo_reason text,
        CONSTRAINT pk_user_merges PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX ix_user_merges_survivor_id ON user_merges (survivor_id, merged_at)",
    "CREATE INDEX ix_user_merges_merged_id ON user_merges (merged_id, merged_at)",
    "CREATE UNIQUE INDEX uq_user_merges_standing ON user_merges (merged_id) WHERE undone_at IS NULL",
)
_DOWN = (
    "DROP TABLE user_merges",
    "ALTER TABLE activity_facts DROP COLUMN told_of",
    "ALTER TABLE users DROP COLUMN merged_into",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
