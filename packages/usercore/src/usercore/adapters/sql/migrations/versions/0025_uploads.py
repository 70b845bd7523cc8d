"""Files that were uploaded to be imported, in parts, until they are."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    # A constant default is kept in the catalogue: no row is written anew.
    "ALTER TABLE imports ADD COLUMN uploaded boolean NOT NULL DEFAULT false, ADD COLUMN taken_at timestamptz",
    """
    CREATE TABLE import_parts (
        import_id uuid NOT NULL,
        number integer NOT NULL,
        came_at timestamptz NOT NULL,
        sealed bytea NOT NULL,
        CONSTRAINT pk_import_parts PRIMARY KEY (import_id, number)
    )
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("import_parts")
    op.execute("ALTER TABLE imports DROP COLUMN taken_at, DROP COLUMN uploaded")
