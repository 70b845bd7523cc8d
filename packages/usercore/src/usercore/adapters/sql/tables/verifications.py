"""Proofs that a contact belongs to its user, and that users are who they say."""

from typing import Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from usercore.adapters.sql.tables.base import ID, TIME, metadata

# No foreign key: a creation writes its row in the statement that writes the user, and would pay for a look-up of it.
verifications: Final = Table(
    "verifications",
    metadata,
    Column("id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started_at", TIME, nullable=False),
    # Keyed hashes: neither a code nor a token nor a contact stands here.
    Column("contact_hash", LargeBinary),
    Column("code_hash", LargeBinary),
    Column("token_hash", LargeBinary),
    Column("code_expires_at", TIME),
    Column("link_expires_at", TIME),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("settled_at", TIME),
    Column("verifier", Text),
    Column("reference", Text),
    Column("request", LargeBinary),
    PrimaryKeyConstraint("id", name="pk_verifications"),
    CheckConstraint("channel IN ('email', 'phone', 'identity')", name="ck_verifications_channel"),
    CheckConstraint("state IN ('PENDING', 'CONFIRMED', 'SUPERSEDED', 'CANCELLED')", name="ck_verifications_state"),
)
Index("ix_verifications_user_id", verifications.c.user_id, verifications.c.started_at)
Index(
    "ux_verifications_token_hash",
    verifications.c.token_hash,
    unique=True,
    postgresql_where=text("token_hash IS NOT NULL"),
)
Index("ix_verifications_started_at", verifications.c.started_at, postgresql_where=text("channel <> 'identity'"))
