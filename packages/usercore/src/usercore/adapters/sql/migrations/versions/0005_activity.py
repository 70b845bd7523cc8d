"""What users did elsewhere: orders, payments, loyalty points."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
phase = "expand"

_UP = (
    """
    CREATE TABLE activity_facts (
        kind text COLLATE "C" NOT NULL,
        fact_id text COLLATE "C" NOT NULL,
        user_id uuid NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        order_id text COLLATE "C",
        amount numeric,
        currency text COLLATE "C",
        items bigint,
        points bigint,
        error_code text,
        reason text,
        recorded_at timestamptz NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        correlation_id text NOT NULL,
        causation_id text,
        CONSTRAINT pk_activity_facts PRIMARY KEY (kind, fact_id),
        CONSTRAINT ck_activity_facts_kind
            CHECK (kind IN ('ORDER_PLACED', 'PAYMENT_FAILED', 'PAYMENT_SUCCEEDED', 'POINTS_EARNED'))
    )
    """,
    "CREATE INDEX ix_activity_facts_user_id ON activity_facts (user_id, kind, occurred_at, event_id)",
)
_DOWN = (
    # Nobody is to be told of failed payments by a service that does not know them.
    "DELETE FROM deliveries WHERE operation = 'SEND_PAYMENT_FAILED'",
    "DROP TABLE activity_facts",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(statement)
