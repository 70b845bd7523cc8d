"""What the audit trail needs besides its entries: checkpoints, the tree over the heads, and what lists showed."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from usercore.adapters.sql.tables.base import ID, TIME, metadata
from usercore.adapters.sql.tables.trails import audit_entries

audit_leaves: Final = Table(
    "audit_leaves",
    metadata,
    Column("position", BigInteger, nullable=False, autoincrement=False),
    Column("user_id", ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("position", name="pk_audit_leaves"),
    # The newest of a chain tells whether the chain has moved since.
    UniqueConstraint("user_id", "sequence", name="uq_audit_leaves_user_id_sequence"),
)

audit_checkpoints: Final = Table(
    "audit_checkpoints",
    metadata,
    Column("number", BigInteger, nullable=False, autoincrement=False),
    Column("made_at", TIME, nullable=False),
    Column("note", Text, nullable=False),
    # Of the tree, so that the next one need not read it again.
    Column("peaks", ARRAY(LargeBinary), nullable=False),
    PrimaryKeyConstraint("number", name="pk_audit_checkpoints"),
)

audit_checkpoint_turns: Final = Table(
    "audit_checkpoint_turns",
    metadata,
    # Whoever holds the one row's lock makes the next checkpoint.
    Column("turn", SmallInteger, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("turn", name="pk_audit_checkpoint_turns"),
)

audit_listed: Final = Table(
    "audit_listed",
    metadata,
    # Which users a list showed, and in which entry of the service's own chain that is told.
    Column("event_id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    PrimaryKeyConstraint("event_id", "user_id", name="pk_audit_listed"),
)
Index("ix_audit_listed_user_id", audit_listed.c.user_id, audit_listed.c.event_id)

Index("ix_audit_entries_occurred_at", audit_entries.c.occurred_at, audit_entries.c.event_id)
# Of operators alone: what people and services do is found by the user, and should cost nothing more to be written.
Index(
    "ix_audit_entries_operator",
    audit_entries.c.actor_id,
    audit_entries.c.occurred_at,
    audit_entries.c.event_id,
    postgresql_where=text("actor_kind = 'OPERATOR'"),
)
Index(
    "ix_audit_entries_event_id",
    audit_entries.c.event_id,
    postgresql_where=text("user_id = '00000000-0000-0000-0000-000000000000'::uuid"),
)
