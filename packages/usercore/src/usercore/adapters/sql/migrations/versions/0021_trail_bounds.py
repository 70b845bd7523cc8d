"""What history and the audit trail need to become the first parts of themselves, made beside the traffic."""

from datetime import UTC, datetime

from alembic import op
from sqlalchemy import text

from usercore.adapters.sql import online
from usercore.adapters.sql.quarters import KEYS, after, quarter, written

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None
phase = "expand"
transactional = False

_ROOM = 3
"""Quarters that the first part takes beyond the one in which this version runs: half a year at least to go on."""


def upgrade() -> None:
    for table in KEYS:
        newest = op.get_bind().execute(text(f"SELECT max(occurred_at) FROM {table}")).scalar()  # noqa: S608 -- ours
        if newest is None:
            # Nothing was ever written, and there is nothing to be read before the part is attached.
            continue
        bound = after(quarter(max(newest, datetime.now(UTC))), _ROOM)
        # PostgreSQL need not read the table again, under a lock that stops everybody, to attach it up to this bound.
        check = f"CHECK (occurred_at < {written(bound)})"
        online.add_constraint(table, f"ck_{table}_first", check)


def downgrade() -> None:
    for table in KEYS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_first")
