"""Deliveries that were given up, and those who are told."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    ALTER TABLE deliveries
        ADD COLUMN error_code text,
        ADD COLUMN failed_at timestamptz,
        ADD COLUMN discarded_at timestamptz,
        ADD COLUMN settled_by text,
        ADD COLUMN settled_reason text
    """,
    # One recipient's deliveries are claimed at a time: those of another one that is down must not stand in the way.
    "DROP INDEX ix_deliveries_due",
    """
    CREATE INDEX ix_deliveries_due ON deliveries (recipient, due_at, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL
    """,
    "DROP INDEX ix_deliveries_line",
    """
    CREATE INDEX ix_deliveries_line ON deliveries (user_id, recipient, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL
    """,
    "CREATE INDEX ix_deliveries_failed ON deliveries (event_id, recipient) WHERE failed_at IS NOT NULL",
    "CREATE INDEX ix_deliveries_delivered_at ON deliveries (delivered_at) WHERE delivered_at IS NOT NULL",
    "CREATE INDEX ix_deliveries_user_id ON deliveries (user_id, seq)",
)
_DOWN = (
    "DROP INDEX ix_deliveries_user_id",
    "DROP INDEX ix_deliveries_delivered_at",
    "DROP INDEX ix_deliveries_failed",
    "DROP INDEX ix_deliveries_line",
    "DROP INDEX ix_deliveries_due",
    # What an operator discarded must not be told after all; what was given up is tried again.
    "UPDATE deliveries SET delivered_at = discarded_at WHERE discarded_at IS NOT NULL AND delivered_at IS NULL",
    """
    ALTER TABLE deliveries
        DROP COLUMN error_code,
        DROP COLUMN failed_at,
        DROP COLUMN discarded_at,
        DROP COLUMN settled_by,
        DROP COLUMN settled_reason
    """,
    "DELETE FROM deliveries WHERE operation = 'REMOVE_CREDENTIAL' AND delivered_at IS NULL",
    "CREATE INDEX ix_deliveries_due ON deliveries (due_at, seq) WHERE delivered_at IS NULL",
    "CREATE INDEX ix_deliveries_line ON deliveries (user_id, recipient, seq) WHERE delivered_at IS NULL",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
