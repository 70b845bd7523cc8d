"""Messages that wait for what they tell of, and messages that nobody could use."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

parked_messages: Final = Table(
    "parked_messages",
    metadata,
    Column("id", ID, nullable=False),
    Column("topic", C_TEXT, nullable=False),
    Column("message_partition", Integer, nullable=False),
    Column("message_offset", BigInteger, nullable=False),
    Column("message_timestamp", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    # Pairs of a name and the value in base64. In the clear only where it was written before there were keys.
    Column("headers", JSON),
    # Key, value and headers, sealed with a key of the service.
    Column("sealed", LargeBinary),
    Column("value_bytes", Integer),
    # Whom the message names, as far as that can be made out; erasure looks here.
    Column("user_id", ID),
    Column("waits_for", Text, nullable=False),
    Column("waits_for_id", C_TEXT, nullable=False),
    Column("parked_at", TIME, nullable=False),
    Column("expires_at", TIME, nullable=False),
    # While somebody holds the message this is the end of the lease.
    Column("due_at", TIME, nullable=False),
    PrimaryKeyConstraint("id", name="pk_parked_messages"),
    UniqueConstraint(
        "topic", "message_partition", "message_offset", "message_timestamp", name="uq_parked_messages_place"
    ),
    CheckConstraint("waits_for IN ('USER', 'ORDER', 'PAYMENT')", name="ck_parked_messages_waits_for"),
)
Index("ix_parked_messages_expires_at", parked_messages.c.expires_at)
Index(
    "ix_parked_messages_user_id",
    parked_messages.c.user_id,
    postgresql_where=text("user_id IS NOT NULL"),
)

dead_letters: Final = Table(
    "dead_letters",
    metadata,
    Column("id", ID, nullable=False),
    Column("topic", C_TEXT, nullable=False),
    Column("message_partition", Integer, nullable=False),
    Column("message_offset", BigInteger, nullable=False),
    Column("message_timestamp", BigInteger, nullable=False),
    Column("key", LargeBinary),
    Column("value", LargeBinary),
    Column("headers", JSON),
    Column("sealed", LargeBinary),
    Column("value_bytes", Integer),
    Column("user_id", ID),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("died_at", TIME, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_at", TIME),
    Column("settled_by", Text),
    Column("settled_reason", Text),
    PrimaryKeyConstraint("id", name="pk_dead_letters"),
    UniqueConstraint("topic", "message_partition", "message_offset", "message_timestamp", name="uq_dead_letters_place"),
    CheckConstraint("state IN ('WAITING', 'REPLAYED', 'DISCARDED')", name="ck_dead_letters_state"),
)
Index("ix_dead_letters_waiting", dead_letters.c.id, postgresql_where=text("state = 'WAITING'"))
Index("ix_dead_letters_user_id", dead_letters.c.user_id, postgresql_where=text("user_id IS NOT NULL"))
