"""The audit trail in parts by time: what it was is the first of them."""

from alembic import op

from usercore.adapters.sql.parting import one_table, parted

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None
phase = "expand"

_INDEXES = {
    "ix_audit_entries_occurred_at": "(occurred_at, event_id)",
    "ix_audit_entries_operator": "(actor_id, occurred_at, event_id) WHERE actor_kind = 'OPERATOR'",
    "ix_audit_entries_event_id": "(event_id) WHERE user_id = '00000000-0000-0000-0000-000000000000'",
}
_KEPT = """
    CREATE TRIGGER audit_entries_are_kept BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
"""
_NOT_EMPTIED = """
    CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
"""
_GUARDS = (
    # The table hands it down to its parts, those to come too.
    "DROP TRIGGER audit_entries_are_kept ON audit_entries_first",
    _KEPT,
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_are_kept",
    "REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM PUBLIC, CURRENT_USER",
)


def upgrade() -> None:
    parted("audit_entries", own=_INDEXES, guards=_GUARDS)


def downgrade() -> None:
    one_table("audit_entries", own=_INDEXES)
    op.execute(_KEPT)
    op.execute(_NOT_EMPTIED)
    op.execute("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_are_kept")
    op.execute("ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_are_not_emptied")
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM PUBLIC, CURRENT_USER")
