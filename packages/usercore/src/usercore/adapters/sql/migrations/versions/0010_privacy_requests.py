"""What people asked of their data, and what became of it."""

from alembic import op

revision = "0010"
down_revision = "0009"
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
