"""Imports, and what was wrong with their rows."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE imports (
        id uuid NOT NULL,
        format text NOT NULL,
        mode text NOT NULL,
        by text NOT NULL,
        quiet boolean NOT NULL,
        invite boolean NOT NULL,
        fingerprint bytea,
        state text NOT NULL,
        end_at bigint NOT NULL,
        line bigint NOT NULL,
        created bigint NOT NULL,
        updated bigint NOT NULL,
        unchanged bigint NOT NULL,
        skipped bigint NOT NULL,
        failed bigint NOT NULL,
        started_by text NOT NULL,
        started_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        finished_at timestamptz,
        trouble text,
        CONSTRAINT pk_imports PRIMARY KEY (id),
        CONSTRAINT ck_imports_state CHECK (state IN ('RUNNING', 'COMPLETED', 'CANCELLED', 'FAILED'))
    )
    """,
    """
    CREATE UNIQUE INDEX uq_imports_fingerprint ON imports (fingerprint)
    WHERE fingerprint IS NOT NULL AND state IN ('RUNNING', 'COMPLETED')
    """,
    "CREATE INDEX ix_imports_finished_at ON imports (finished_at) WHERE finished_at IS NOT NULL",
    """
    CREATE TABLE import_errors (
        import_id uuid NOT NULL,
        number bigint NOT NULL,
        line bigint NOT NULL,
        code text NOT NULL,
        pointer text NOT NULL,
        detail text NOT NULL,
        CONSTRAINT pk_import_errors PRIMARY KEY (import_id, number),
        CONSTRAINT fk_import_errors_import_id FOREIGN KEY (import_id) REFERENCES imports (id)
    )
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("import_errors", "imports"):
        op.drop_table(table)
    # A topic that is not known any more has nothing to be told.
    op.execute("DELETE FROM outbox WHERE aggregatetype = 'import'")
