"""Proofs that a contact belongs to its user."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_UP: tuple[str, ...] = ()
_DOWN: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
