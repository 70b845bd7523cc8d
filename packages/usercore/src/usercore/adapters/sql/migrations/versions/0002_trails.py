"""What each change leaves behind: events to publish, audit entries, deliveries, and settled keys."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE outbox (
        id bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
        aggregatetype text NOT NULL,
        aggregateid uuid NOT NULL,
        type text NOT NULL,
        payload json NOT NULL,
        event_id uuid NOT NULL,
        sequence bigint NOT NULL,
        occurred_at timestamptz NOT NULL,
        headers json NOT NULL,
        shard smallint NOT NULL,
        published_at timestamptz,
        CONSTRAINT pk_outbox PRIMARY KEY (id),
        CONSTRAINT uq_outbox_aggregateid_sequence UNIQUE (aggregateid, sequence)
    )
    """,
    "CREATE INDEX ix_outbox_unpublished ON outbox (shard, id) WHERE published_at IS NULL",
    """
    CREATE TABLE audit_entries (
        user_id uuid NOT NULL,
        sequence bigint NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        action text NOT NULL,
        fields text[] NOT NULL,
        correlation_id text NOT NULL,
        causation_id text,
        CONSTRAINT pk_audit_entries PRIMARY KEY (user_id, sequence)
    )
    """,
    """
    CREATE TABLE deliveries (
        event_id uuid NOT NULL,
        recipient text NOT NULL,
        seq bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
        operation text NOT NULL,
        user_id uuid NOT NULL,
        payload json NOT NULL,
        secret text,
        created_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        attempts integer NOT NULL DEFAULT 0,
        delivered_at timestamptz,
        CONSTRAINT pk_deliveries PRIMARY KEY (event_id, recipient)
    )
    """,
    "CREATE INDEX ix_deliveries_due ON deliveries (due_at, seq) WHERE delivered_at IS NULL",
    "CREATE INDEX ix_deliveries_line ON deliveries (user_id, recipient, seq) WHERE delivered_at IS NULL",
    """
    CREATE TABLE idempotency_keys (
        scope text COLLATE "C" NOT NULL,
        key_hash bytea NOT NULL,
        fingerprint bytea NOT NULL,
        token text NOT NULL,
        lease_until timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        user_id uuid,
        version bigint,
        CONSTRAINT pk_idempotency_keys PRIMARY KEY (scope, key_hash)
    )
    """,
    "CREATE INDEX ix_idempotency_keys_expires_at ON idempotency_keys (expires_at)",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("idempotency_keys", "deliveries", "audit_entries", "outbox"):
        op.drop_table(table)
