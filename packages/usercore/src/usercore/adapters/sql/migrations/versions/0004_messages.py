"""Messages in and out: receipts of those consumed, shards of those published, and those that were set aside."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE inbox (
        topic text COLLATE "C" NOT NULL,
        source text COLLATE "C" NOT NULL,
        message_id text COLLATE "C" NOT NULL,
        fingerprint bytea NOT NULL,
        received_at timestamptz NOT NULL,
        CONSTRAINT pk_inbox PRIMARY KEY (topic, source, message_id)
    )
    """,
    "CREATE INDEX ix_inbox_received_at ON inbox (received_at)",
    "ALTER TABLE outbox ADD COLUMN topic text",
    # Names of the event catalogue, as topics are named: UserCreated is published to user-created.
    "UPDATE outbox SET topic = ltrim(lower(regexp_replace(type, '([A-Z])', '-\\1', 'g')), '-')",
    "ALTER TABLE outbox ALTER COLUMN topic SET NOT NULL",
    "CREATE INDEX ix_outbox_published_at ON outbox (published_at) WHERE published_at IS NOT NULL",
    "CREATE TABLE outbox_shards (shard smallint NOT NULL, CONSTRAINT pk_outbox_shards PRIMARY KEY (shard))",
    "INSERT INTO outbox_shards SELECT generate_series(0, 63)",
    # Heard by relays that listen on a connection of their own; the others look from time to time.
    """
    CREATE FUNCTION outbox_written() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('user_service_outbox', ''); RETURN NULL; END $$
    """,
    """
    CREATE TRIGGER outbox_written AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_written()
    """,
    """
    CREATE TABLE parked_messages (
        id uuid NOT NULL,
        topic text COLLATE "C" NOT NULL,
        message_partition integer NOT NULL,
        message_offset bigint NOT NULL,
        message_timestamp bigint NOT NULL,
        key bytea,
        value bytea,
        headers json NOT NULL,
        waits_for text NOT NULL,
        waits_for_id text COLLATE "C" NOT NULL,
        parked_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        CONSTRAINT pk_parked_messages PRIMARY KEY (id),
        CONSTRAINT uq_parked_messages_place UNIQUE (topic, message_partition, message_offset, message_timestamp),
        CONSTRAINT ck_parked_messages_waits_for CHECK (waits_for IN ('USER', 'ORDER', 'PAYMENT'))
    )
    """,
    "CREATE INDEX ix_parked_messages_expires_at ON parked_messages (expires_at)",
    """
    CREATE TABLE dead_letters (
        id uuid NOT NULL,
        topic text COLLATE "C" NOT NULL,
        message_partition integer NOT NULL,
        message_offset bigint NOT NULL,
        message_timestamp bigint NOT NULL,
        key bytea,
        value bytea,
        headers json NOT NULL,
        code text NOT NULL,
        detail text NOT NULL,
        attempts integer NOT NULL,
        died_at timestamptz NOT NULL,
        state text NOT NULL,
        settled_at timestamptz,
        settled_by text,
        settled_reason text,
        CONSTRAINT pk_dead_letters PRIMARY KEY (id),
        CONSTRAINT uq_dead_letters_place UNIQUE (topic, message_partition, message_offset, message_timestamp),
        CONSTRAINT ck_dead_letters_state CHECK (state IN ('WAITING', 'REPLAYED', 'DISCARDED'))
    )
    """,
    "CREATE INDEX ix_dead_letters_waiting ON dead_letters (id) WHERE state = 'WAITING'",
)
_DOWN = (
    "DROP TABLE dead_letters",
    "DROP TABLE parked_messages",
    "DROP TRIGGER outbox_written ON outbox",
    "DROP FUNCTION outbox_written",
    "DROP TABLE outbox_shards",
    "DROP INDEX ix_outbox_published_at",
    # What is no event of a user was not known before.
    "DELETE FROM outbox WHERE aggregatetype <> 'user'",
    "ALTER TABLE outbox DROP COLUMN topic",
    "DROP TABLE inbox",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
