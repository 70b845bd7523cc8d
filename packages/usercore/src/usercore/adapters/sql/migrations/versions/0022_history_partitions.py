"""History in parts by time: what it was is the first of them."""

from usercore.adapters.sql.parting import one_table, parted

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None
phase = "expand"


def upgrade() -> None:
    parted("user_history", own={})


def downgrade() -> None:
    one_table("user_history", own={})
