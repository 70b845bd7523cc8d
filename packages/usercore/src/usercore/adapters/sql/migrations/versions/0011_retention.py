"""How long things are kept, and what was let go."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE inactivity_notices (
        user_id uuid NOT NULL,
        noticed_at timestamptz NOT NULL,
        event_id uuid NOT NULL,
        CONSTRAINT pk_inactivity_notices PRIMARY KEY (user_id),
        CONSTRAINT fk_inactivity_notices_user_id FOREIGN KEY (user_id) REFERENCES users (id)
    )
    """,
    "CREATE INDEX ix_inactivity_notices_noticed_at ON inactivity_notices (noticed_at, user_id)",
    """
    CREATE TABLE retention_runs (
        name text COLLATE "C" NOT NULL,
        leased_until timestamptz,
        last_run_at timestamptz,
        CONSTRAINT pk_retention_runs PRIMARY KEY (name)
    )
    """,
    "INSERT INTO retention_runs (name) VALUES ('schedule')",
)
_DOWN = (
    "DROP TABLE retention_runs",
    "DROP TABLE inactivity_notices",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
