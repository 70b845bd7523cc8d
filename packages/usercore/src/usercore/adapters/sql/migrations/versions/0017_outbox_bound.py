"""What the outbox needs to become the first partition of itself, made beside the traffic."""

from alembic import op
from sqlalchemy import text

from usercore.adapters.sql import online

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None
phase = "expand"
transactional = False

_SPAN = 1_000_000
_ROOM = 10
"""Times as many events as the outbox keeps now may come before the first partition is full: weeks of them at least."""
_KEPT = text("SELECT COALESCE(max(id), 0), COALESCE(max(id) - min(id) + 1, 0) FROM outbox")


def upgrade() -> None:
    online.create_index("ix_outbox_aggregateid", "outbox (aggregateid, sequence)")
    last, kept = op.get_bind().execute(_KEPT).one()
    if last == 0:
        # Nothing was ever written, and there is nothing to be read before the partition is attached.
        return
    bound = (last + max(_SPAN, _ROOM * kept)) // _SPAN * _SPAN + _SPAN
    # PostgreSQL need not read the table again, under a lock that stops everybody, to attach it up to this bound.
    online.add_constraint("outbox", "ck_outbox_first", f"CHECK (id < {bound})")


def downgrade() -> None:
    op.execute("ALTER TABLE outbox DROP CONSTRAINT IF EXISTS ck_outbox_first")
    online.drop_index("ix_outbox_aggregateid")
