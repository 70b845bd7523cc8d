"""Keys, sealed history, and the chain of the audit trail."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from hashlib import sha256
from typing import Any

from alembic import op
from sqlalchemy import Connection, text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE user_keys (
        user_id uuid NOT NULL,
        master_version integer NOT NULL,
        sealed_key bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_user_keys PRIMARY KEY (user_id)
    )
    """,
    "CREATE INDEX ix_user_keys_master_version ON user_keys (master_version, user_id)",
    """
    CREATE TABLE service_keys (
        name text COLLATE "C" NOT NULL,
        master_version integer NOT NULL,
        sealed_key bytea NOT NULL,
        created_at timestamptz NOT NULL,
        CONSTRAINT pk_service_keys PRIMARY KEY (name)
    )
    """,
    "ALTER TABLE user_history ADD COLUMN sealed bytea, ALTER COLUMN changes DROP NOT NULL",
    "ALTER TABLE outbox ADD COLUMN sealed bytea, ALTER COLUMN payload DROP NOT NULL",
    """
    CREATE TABLE audit_heads (
        user_id uuid NOT NULL,
        sequence bigint NOT NULL,
        hash bytea NOT NULL,
        CONSTRAINT pk_audit_heads PRIMARY KEY (user_id)
    )
    """,
    """
    ALTER TABLE audit_entries
        ADD COLUMN version bigint,
        ADD COLUMN contents_hash bytea NOT NULL DEFAULT '',
        ADD COLUMN hash bytea
    """,
)
_CHAINED = (
    "ALTER TABLE audit_entries ALTER COLUMN hash SET NOT NULL, ALTER COLUMN contents_hash DROP DEFAULT",
    """
    CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER audit_entries_are_kept BEFORE UPDATE OR DELETE ON audit_entries
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_entries_are_not_emptied BEFORE TRUNCATE ON audit_entries
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_heads_are_kept BEFORE DELETE ON audit_heads
    FOR EACH ROW EXECUTE FUNCTION audit_is_append_only()
    """,
    """
    CREATE TRIGGER audit_heads_are_not_emptied BEFORE TRUNCATE ON audit_heads
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()
    """,
    # A plain trigger does not fire for a session that says it is a replica.
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_are_kept",
    "ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_are_not_emptied",
    "ALTER TABLE audit_heads ENABLE ALWAYS TRIGGER audit_heads_are_kept",
    "ALTER TABLE audit_heads ENABLE ALWAYS TRIGGER audit_heads_are_not_emptied",
    "REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries FROM PUBLIC, CURRENT_USER",
    "REVOKE DELETE, TRUNCATE ON audit_heads FROM PUBLIC, CURRENT_USER",
)
_DOWN = (
    "DROP TABLE audit_heads",
    # What is no change of a user was not known before, and a sequence was the version.
    "DROP TRIGGER audit_entries_are_kept ON audit_entries",
    "DROP TRIGGER audit_entries_are_not_emptied ON audit_entries",
    "GRANT UPDATE, DELETE, TRUNCATE ON audit_entries TO CURRENT_USER",
    "DELETE FROM audit_entries WHERE version IS NULL",
    "UPDATE audit_entries SET sequence = -version",
    "UPDATE audit_entries SET sequence = -sequence",
    "ALTER TABLE audit_entries DROP COLUMN version, DROP COLUMN contents_hash, DROP COLUMN hash",
    "DROP FUNCTION audit_is_append_only",
    # What is sealed was not readable before; it is gone with the keys.
    "UPDATE outbox SET payload = '{}' WHERE payload IS NULL",
    "ALTER TABLE outbox DROP COLUMN sealed, ALTER COLUMN payload SET NOT NULL",
    "UPDATE user_history SET changes = '[]' WHERE changes IS NULL",
    "ALTER TABLE user_history DROP COLUMN sealed, ALTER COLUMN changes SET NOT NULL",
    "DROP TABLE service_keys",
    "DROP TABLE user_keys",
)

_ENTRIES_AT_ONCE = 10_000
_NEXT = text("""
SELECT user_id::text, sequence, event_id::text, occurred_at, actor_kind, actor_id, action, fields, correlation_id,
       causation_id
FROM audit_entries WHERE (user_id, sequence) > (CAST(:user_id AS uuid), :sequence)
ORDER BY user_id, sequence LIMIT :limit
""")
_CHAIN = text(
    "UPDATE audit_entries SET hash = :hash, version = sequence"
    " WHERE user_id = CAST(:user_id AS uuid) AND sequence = :sequence"
)
_HEAD = text("""
INSERT INTO audit_heads (user_id, sequence, hash) VALUES (CAST(:user_id AS uuid), :sequence, :hash)
ON CONFLICT (user_id) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash
""")


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)
    _chain_what_is_there(op.get_bind())
    for statement in _CHAINED:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)


def _chain_what_is_there(connection: Connection) -> None:
    """Begin the chains with the entries from before there were any: their sequence was the user's version."""
    place = {"user_id": "00000000-0000-0000-0000-000000000000", "sequence": 0}
    head = (None, bytes(32))
    while rows := connection.execute(_NEXT, {**place, "limit": _ENTRIES_AT_ONCE}).all():
        links = list(_links(rows, head))
        connection.execute(_CHAIN, links)
        heads = {link["user_id"]: link for link in links}
        connection.execute(_HEAD, list(heads.values()))
        place = {"user_id": links[-1]["user_id"], "sequence": links[-1]["sequence"]}
        head = (links[-1]["user_id"], links[-1]["hash"])


def _links(rows: Sequence[Any], head: tuple[str | None, bytes]) -> Iterator[dict[str, Any]]:
    user_id, previous = head
    for row in rows:
        if row.user_id != user_id:
            user_id, previous = row.user_id, bytes(32)
        previous = sha256(b"\x01" + previous + row.sequence.to_bytes(8, "big") + _digest(row)).digest()
        yield {"user_id": user_id, "sequence": row.sequence, "hash": previous}


def _digest(row: Any) -> bytes:  # noqa: ANN401 -- a row of SQLAlchemy
    said = (
        row.user_id,
        row.event_id,
        row.occurred_at.astimezone(UTC).isoformat(timespec="microseconds"),
        row.actor_kind,
        row.actor_id,
        row.action,
        row.fields,
        row.correlation_id,
        row.causation_id,
        row.sequence,
        "",
    )
    return sha256(b"\x00" + json.dumps(said, separators=(",", ":")).encode()).digest()
