"""Messages that were set aside, sealed."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
phase = "expand"

_TABLES = ("parked_messages", "dead_letters")
_UP = tuple(
    statement
    for table in _TABLES
    for statement in (
        f"""
        ALTER TABLE {table} ALTER COLUMN headers DROP NOT NULL,
            ADD COLUMN sealed bytea, ADD COLUMN value_bytes integer, ADD COLUMN user_id uuid
        """,
        f"CREATE INDEX ix_{table}_user_id ON {table} (user_id) WHERE user_id IS NOT NULL",
    )
)
# What is sealed could not be read before.
_DOWN = tuple(
    statement
    for table in _TABLES
    for statement in (
        f"DELETE FROM {table} WHERE sealed IS NOT NULL",  # noqa: S608 -- the names above
        f"""
        ALTER TABLE {table} DROP COLUMN sealed, DROP COLUMN value_bytes, DROP COLUMN user_id,
            ALTER COLUMN headers SET NOT NULL
        """,
    )
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
