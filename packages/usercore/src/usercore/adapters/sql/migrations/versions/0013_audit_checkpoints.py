"""Checkpoints of the audit trail, what its lists showed, and the ways to look into it."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
phase = "expand"

_APPEND_ONLY = ("audit_leaves", "audit_checkpoints", "audit_listed")

_UP = (
    """
    CREATE TABLE audit_leaves (
        position bigint NOT NULL,
        user_id uuid NOT NULL,
        sequence bigint NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_leaves PRIMARY KEY (position),
        CONSTRAINT uq_audit_leaves_user_id_sequence UNIQUE (user_id, sequence)
    )
    """,
    """
    CREATE TABLE audit_checkpoints (
        number bigint NOT NULL,
        made_at timestamptz NOT NULL,
        note text NOT NULL,
        peaks bytea[] NOT NULL,
        CONSTRAINT pk_audit_checkpoints PRIMARY KEY (number)
    )
    """,
    """
    CREATE TABLE audit_checkpoint_turns (
        turn smallint NOT NULL,
        CONSTRAINT pk_audit_checkpoint_turns PRIMARY KEY (turn)
    )
    """,
    "INSERT INTO audit_checkpoint_turns (turn) VALUES (1)",
    """
    CREATE TABLE audit_listed (
        event_id uuid NOT NULL,
        user_id uuid NOT NULL,
        CONSTRAINT pk_audit_listed PRIMARY KEY (event_id, user_id)
    )
    """,
    "CREATE INDEX ix_audit_listed_user_id ON audit_listed (user_id, event_id)",
    "CREATE INDEX ix_audit_entries_occurred_at ON audit_entries (occurred_at, event_id)",
    """
    CREATE INDEX ix_audit_entries_operator ON audit_entries (actor_id, occurred_at, event_id)
    WHERE actor_kind = 'OPERATOR'
    """,
    """
    CREATE INDEX ix_audit_entries_event_id ON audit_entries (event_id)
    WHERE user_id = '00000000-0000-0000-0000-000000000000'
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)
    for table in _APPEND_ONLY:
        _keep(table)


def _keep(table: str) -> None:
    """Let nobody change or take away what stands in a table."""
    op.execute(
        f"CREATE TRIGGER {table}_are_kept BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_are_not_emptied BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_are_kept")
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_are_not_emptied")
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM PUBLIC, CURRENT_USER")


def downgrade() -> None:
    for index in ("ix_audit_entries_event_id", "ix_audit_entries_operator", "ix_audit_entries_occurred_at"):
        op.drop_index(index)
    for table in ("audit_listed", "audit_checkpoint_turns", "audit_checkpoints", "audit_leaves"):
        op.drop_table(table)
    # A topic and a service that are not known any more have nothing to be told.
    op.execute("DELETE FROM outbox WHERE aggregatetype = 'checkpoint'")
    op.execute("DELETE FROM deliveries WHERE operation = 'RECORD_CHECKPOINT'")
