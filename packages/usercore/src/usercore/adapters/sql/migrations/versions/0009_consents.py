"""Consents, suppression and unsubscription."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
phase = "expand"

_UP: tuple[str, ...] = (
    """
    CREATE TABLE consent_purposes (
        name text COLLATE "C" NOT NULL,
        title text NOT NULL,
        description text NOT NULL,
        wording_version text NOT NULL,
        registered_at timestamptz NOT NULL,
        CONSTRAINT pk_consent_purposes PRIMARY KEY (name)
    )
    """,
    """
    CREATE TABLE consents (
        user_id uuid NOT NULL,
        version bigint NOT NULL,
        purpose text COLLATE "C" NOT NULL,
        given boolean NOT NULL,
        wording_version text NOT NULL,
        source text NOT NULL,
        said_at timestamptz NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        proof text,
        CONSTRAINT pk_consents PRIMARY KEY (user_id, version),
        CONSTRAINT fk_consents_user_id FOREIGN KEY (user_id) REFERENCES users (id)
    )
    """,
    "CREATE INDEX ix_consents_user_id_purpose ON consents (user_id, purpose, version)",
    # Erasure takes the proof out of a line; that is all that can ever happen to one.
    """
    CREATE FUNCTION consents_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            OLD.proof := NULL;
            IF NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'the ledger of consents is only added to' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER consents_are_kept BEFORE UPDATE OR DELETE ON consents
    FOR EACH ROW EXECUTE FUNCTION consents_are_kept()
    """,
    """
    CREATE TRIGGER consents_are_not_emptied BEFORE TRUNCATE ON consents
    FOR EACH STATEMENT EXECUTE FUNCTION consents_are_kept()
    """,
    # Plain triggers are passed over where session_replication_role is replica.
    "ALTER TABLE consents ENABLE ALWAYS TRIGGER consents_are_kept",
    "ALTER TABLE consents ENABLE ALWAYS TRIGGER consents_are_not_emptied",
    """
    CREATE TABLE suppressions (
        address_hash bytea NOT NULL,
        reason text COLLATE "C" NOT NULL,
        since timestamptz NOT NULL,
        source text NOT NULL,
        lifted_at timestamptz,
        lifted_by text,
        lifted_because text,
        CONSTRAINT pk_suppressions PRIMARY KEY (address_hash, reason)
    )
    """,
)
_DOWN: tuple[str, ...] = (
    "DROP TABLE suppressions",
    "DROP TABLE consents",
    "DROP FUNCTION consents_are_kept()",
    "DROP TABLE consent_purposes",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
