"""Proof that a request or a message has had its effect."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("scope", C_TEXT, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("token", Text, nullable=False),
    Column("lease_until", TIME, nullable=False),
    Column("expires_at", TIME, nullable=False),
    Column("user_id", ID),
    Column("version", BigInteger),
    PrimaryKeyConstraint("scope", "key_hash", name="pk_idempotency_keys"),
)
Index("ix_idempotency_keys_expires_at", idempotency_keys.c.expires_at)

inbox: Final = Table(
    "inbox",
    metadata,
    Column("topic", C_TEXT, nullable=False),
    Column("source", C_TEXT, nullable=False),
    Column("message_id", C_TEXT, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("received_at", TIME, nullable=False),
    PrimaryKeyConstraint("topic", "source", "message_id", name="pk_inbox"),
)
Index("ix_inbox_received_at", inbox.c.received_at)
