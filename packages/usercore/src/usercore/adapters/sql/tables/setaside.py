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
    # Pairs of a name and the value in base64, in the order of the message.
    Column("headers", JSON, nullable=False),
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
    Column("headers", JSON, nullable=False),
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
