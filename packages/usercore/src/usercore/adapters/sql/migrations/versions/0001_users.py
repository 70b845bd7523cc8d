"""Users, their history, and the schemas of their attributes."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE users (
        id uuid NOT NULL,
        version bigint NOT NULL,
        username text NOT NULL,
        username_canonical text COLLATE "C" NOT NULL,
        email text NOT NULL,
        email_canonical text COLLATE "C" NOT NULL,
        first_name text NOT NULL,
        last_name text NOT NULL,
        phone_number text,
        address_street text,
        address_city text,
        address_state text,
        address_postal_code text,
        address_country text,
        locale text,
        time_zone text,
        birth_date date,
        attributes json NOT NULL,
        external_id text COLLATE "C",
        state text NOT NULL,
        status_since timestamptz NOT NULL,
        status_actor_kind text NOT NULL,
        status_actor_id text NOT NULL,
        status_reason text,
        status_notes text,
        status_until timestamptz,
        email_verified_at timestamptz,
        phone_verified_at timestamptz,
        identity_verified_at timestamptz,
        restricted boolean NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        search_words tsvector NOT NULL,
        CONSTRAINT pk_users PRIMARY KEY (id),
        CONSTRAINT uq_users_email_canonical UNIQUE (email_canonical),
        CONSTRAINT uq_users_username_canonical UNIQUE (username_canonical),
        CONSTRAINT uq_users_external_id UNIQUE (external_id),
        CONSTRAINT ck_users_state CHECK (state IN ('ACTIVE', 'DEACTIVATED', 'MERGED', 'ERASED')),
        CONSTRAINT ck_users_version CHECK (version > 0)
    )
    """,
    "CREATE INDEX ix_users_state_created_at ON users (state, created_at, id)",
    "CREATE INDEX ix_users_state_updated_at ON users (state, updated_at, id)",
    "CREATE INDEX ix_users_search_words ON users USING gin (search_words)",
    """
    CREATE INDEX ix_users_due_for_reactivation ON users (status_until, id)
    WHERE state = 'DEACTIVATED' AND status_until IS NOT NULL
    """,
    """
    CREATE TABLE user_history (
        user_id uuid NOT NULL,
        version bigint NOT NULL,
        event_id uuid NOT NULL,
        message text NOT NULL,
        occurred_at timestamptz NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        correlation_id text NOT NULL,
        causation_id text,
        changes json NOT NULL,
        CONSTRAINT pk_user_history PRIMARY KEY (user_id, version)
    )
    """,
    """
    CREATE TABLE attribute_schemas (
        version integer NOT NULL,
        document json NOT NULL,
        registered_at timestamptz NOT NULL,
        registered_by text NOT NULL,
        CONSTRAINT pk_attribute_schemas PRIMARY KEY (version)
    )
    """,
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("attribute_schemas", "user_history", "users"):
        op.drop_table(table)
