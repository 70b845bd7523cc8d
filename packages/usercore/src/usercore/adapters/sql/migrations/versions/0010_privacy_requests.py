"""What people asked of their data, and what became of it."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
phase = "expand"

_OPEN = "state IN ('RECEIVED', 'IDENTITY_PENDING', 'ACCEPTED', 'IN_PROGRESS')"
_UP = (
    """
    CREATE TABLE privacy_requests (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        version bigint NOT NULL,
        kind text NOT NULL,
        jurisdiction text NOT NULL,
        state text NOT NULL,
        received_at timestamptz NOT NULL,
        due_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        received_from_kind text NOT NULL,
        received_from_id text NOT NULL,
        asked_text text,
        asked_patch json,
        identity_method text,
        identity_at timestamptz,
        identity_by_kind text,
        identity_by_id text,
        identity_note text,
        extended_at timestamptz,
        extension_reason text,
        refusal_ground text,
        refusal_text text,
        outcome text,
        closed_at timestamptz,
        trouble text,
        archive_until timestamptz,
        erasure_step text,
        erasure_event_id uuid,
        erasure_since timestamptz,
        erasure_receipts json,
        erasure_dropped integer,
        ledger_sequence bigint,
        run_at timestamptz,
        CONSTRAINT pk_privacy_requests PRIMARY KEY (id),
        CONSTRAINT fk_privacy_requests_user_id FOREIGN KEY (user_id) REFERENCES users (id),
        CONSTRAINT ck_privacy_requests_kind CHECK (kind IN ('ACCESS', 'PORTABILITY', 'RECTIFICATION', 'ERASURE',
            'RESTRICTION', 'OBJECTION', 'OPT_OUT_OF_SALE')),
        CONSTRAINT ck_privacy_requests_state CHECK (state IN ('RECEIVED', 'IDENTITY_PENDING', 'ACCEPTED',
            'IN_PROGRESS', 'COMPLETED', 'REFUSED', 'CANCELLED'))
    )
    """,
    "CREATE INDEX ix_privacy_requests_user_id ON privacy_requests (user_id, id)",
    f"""
    CREATE UNIQUE INDEX uq_privacy_requests_open ON privacy_requests (user_id, kind)
    WHERE {_OPEN} AND kind <> 'RECTIFICATION'
    """,
    f"CREATE INDEX ix_privacy_requests_due ON privacy_requests (due_at) WHERE {_OPEN}",
    f"CREATE INDEX ix_privacy_requests_run ON privacy_requests (run_at) WHERE {_OPEN}",
    """
    CREATE INDEX ix_privacy_requests_ledger ON privacy_requests (ledger_sequence) WHERE ledger_sequence IS NOT NULL
    """,
    """
    CREATE TABLE privacy_archives (
        request_id uuid NOT NULL,
        chunk integer NOT NULL,
        user_id uuid NOT NULL,
        sealed bytea NOT NULL,
        expires_at timestamptz NOT NULL,
        CONSTRAINT pk_privacy_archives PRIMARY KEY (request_id, chunk)
    )
    """,
    "CREATE INDEX ix_privacy_archives_expires_at ON privacy_archives (expires_at)",
    "CREATE INDEX ix_privacy_archives_user_id ON privacy_archives (user_id)",
    """
    CREATE TABLE legal_holds (
        user_id uuid NOT NULL,
        matter text COLLATE "C" NOT NULL,
        placed_at timestamptz NOT NULL,
        placed_by_kind text NOT NULL,
        placed_by_id text NOT NULL,
        reason text NOT NULL,
        released_at timestamptz,
        released_by_kind text,
        released_by_id text,
        release_reason text,
        CONSTRAINT pk_legal_holds PRIMARY KEY (user_id, matter, placed_at),
        CONSTRAINT fk_legal_holds_user_id FOREIGN KEY (user_id) REFERENCES users (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_legal_holds_active ON legal_holds (user_id, matter) WHERE released_at IS NULL",
    # Erasure takes out of the ledger of consents what callers wrote freely: the proof, and where it was said.
    """
    CREATE OR REPLACE FUNCTION consents_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' THEN
            OLD.proof := NULL;
            IF NEW.source = '' THEN
                OLD.source := '';
            END IF;
            IF NEW IS NOT DISTINCT FROM OLD THEN
                RETURN NEW;
            END IF;
        END IF;
        RAISE EXCEPTION 'the ledger of consents is only added to' USING ERRCODE = 'restrict_violation';
    END
    $$
    """,
)
_DOWN = (
    """
    CREATE OR REPLACE FUNCTION consents_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
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
    "DROP TABLE legal_holds",
    "DROP TABLE privacy_archives",
    "DROP TABLE privacy_requests",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
