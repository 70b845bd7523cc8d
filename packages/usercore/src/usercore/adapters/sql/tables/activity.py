"""What users did elsewhere."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Numeric, PrimaryKeyConstraint, Table, Text

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

activity_facts: Final = Table(
    "activity_facts",
    metadata,
    # A fact is one and the same by its kind and its id, whoever's it is.
    Column("kind", C_TEXT, nullable=False),
    Column("fact_id", C_TEXT, nullable=False),
    # No foreign key: whoever writes a fact holds the user's row already.
    Column("user_id", ID, nullable=False),
    Column("event_id", ID, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    Column("order_id", C_TEXT),
    # Without bounds, so that no sum is ever rounded.
    Column("amount", Numeric),
    Column("currency", C_TEXT),
    Column("items", BigInteger),
    Column("points", BigInteger),
    Column("error_code", Text),
    Column("reason", Text),
    Column("recorded_at", TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    # Of whom it was told, where that account was merged into the user's since or before.
    Column("told_of", ID),
    PrimaryKeyConstraint("kind", "fact_id", name="pk_activity_facts"),
    CheckConstraint(
        "kind IN ('ORDER_PLACED', 'PAYMENT_FAILED', 'PAYMENT_SUCCEEDED', 'POINTS_EARNED')",
        name="ck_activity_facts_kind",
    ),
)
# A page merges the newest of each kind, so that one index serves every choice of kinds.
Index(
    "ix_activity_facts_user_id",
    activity_facts.c.user_id,
    activity_facts.c.kind,
    activity_facts.c.occurred_at,
    activity_facts.c.event_id,
)
