"""Proofs that a contact belongs to its user."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None
phase = "expand"

_UP: tuple[str, ...] = (
    """
    CREATE TABLE verifications (
        id uuid NOT NULL,
        user_id uuid NOT NULL,
        channel text NOT NULL,
        state text NOT NULL,
        started_at timestamptz NOT NULL,
        contact_hash bytea,
        code_hash bytea,
        token_hash bytea,
        code_expires_at timestamptz,
        link_expires_at timestamptz,
        attempts integer NOT NULL DEFAULT 0,
        settled_at timestamptz,
        verifier text,
        reference text,
        request bytea,
        CONSTRAINT pk_verifications PRIMARY KEY (id),
        CONSTRAINT ck_verifications_channel CHECK (channel IN ('email', 'phone', 'identity')),
        CONSTRAINT ck_verifications_state CHECK (state IN ('PENDING', 'CONFIRMED', 'SUPERSEDED', 'CANCELLED'))
    )
    """,
    "CREATE INDEX ix_verifications_user_id ON verifications (user_id, started_at)",
    "CREATE UNIQUE INDEX ux_verifications_token_hash ON verifications (token_hash) WHERE token_hash IS NOT NULL",
    "CREATE INDEX ix_verifications_started_at ON verifications (started_at) WHERE channel <> 'identity'",
)
_DOWN: tuple[str, ...] = ("DROP TABLE verifications",)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
