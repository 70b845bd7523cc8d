"""Pairs of accounts that may be one person's."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE merge_candidates (
        first_id uuid NOT NULL,
        second_id uuid NOT NULL,
        signs text[] NOT NULL,
        score double precision NOT NULL,
        found_at timestamptz NOT NULL,
        dismissed_at timestamptz,
        dismissed_by_kind text,
        dismissed_by_id text,
        dismissal_reason text,
        CONSTRAINT pk_merge_candidates PRIMARY KEY (first_id, second_id),
        CONSTRAINT ck_merge_candidates_order CHECK (first_id < second_id)
    )
    """,
    "CREATE INDEX ix_merge_candidates_score ON merge_candidates (score DESC, first_id, second_id)",
    "CREATE INDEX ix_merge_candidates_second_id ON merge_candidates (second_id)",
    """
    CREATE TABLE merge_scans (
        name text COLLATE "C" NOT NULL,
        scanned_at timestamptz,
        CONSTRAINT pk_merge_scans PRIMARY KEY (name)
    )
    """,
    "INSERT INTO merge_scans (name) VALUES ('accounts')",
)
_DOWN = ("DROP TABLE merge_scans", "DROP TABLE merge_candidates")


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
