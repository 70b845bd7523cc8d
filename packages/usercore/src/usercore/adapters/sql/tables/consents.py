"""Purposes, the ledger of consents, and addresses that must not be written to."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

consent_purposes: Final = Table(
    "consent_purposes",
    metadata,
    Column("name", C_TEXT, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("registered_at", TIME, nullable=False),
    PrimaryKeyConstraint("name", name="pk_consent_purposes"),
)

consents: Final = Table(
    "consents",
    metadata,
    # Triggers let rows be added alone; nothing of one ever changes but that its proof goes.
    Column("user_id", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("purpose", C_TEXT, nullable=False),
    Column("given", Boolean, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("said_at", TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("proof", Text),
    PrimaryKeyConstraint("user_id", "version", name="pk_consents"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_consents_user_id"),
)
Index("ix_consents_user_id_purpose", consents.c.user_id, consents.c.purpose, consents.c.version)

suppressions: Final = Table(
    "suppressions",
    metadata,
    # A keyed hash: the list tells of an address that it is on it, and nothing to whoever steals it without the key.
    Column("address_hash", LargeBinary, nullable=False),
    Column("reason", C_TEXT, nullable=False),
    Column("since", TIME, nullable=False),
    Column("source", Text, nullable=False),
    # A reason that was lifted stands no more; how it ended is kept.
    Column("lifted_at", TIME),
    Column("lifted_by", Text),
    Column("lifted_because", Text),
    PrimaryKeyConstraint("address_hash", "reason", name="pk_suppressions"),
)
