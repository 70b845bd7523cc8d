"""What each change leaves behind: events to publish, audit entries, deliveries."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from usercore.adapters.sql.tables.base import ID, TIME, metadata

outbox: Final = Table(
    "outbox",
    metadata,
    # The cache of 1 keeps the numbers of one user in the order of versions: each is drawn under the user's row lock.
    Column("id", BigInteger, Identity(always=True, cache=1), nullable=False),
    # `id`, `aggregatetype`, `aggregateid`, `type` and `payload` are what Debezium's outbox event router expects.
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", ID, nullable=False),
    Column("type", Text, nullable=False),
    # Once published, the payload gives way to the same text sealed with the user's key.
    Column("payload", JSON),
    Column("event_id", ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    # Where it is published; Debezium's router can route by it.
    Column("topic", Text, nullable=False),
    Column("published_at", TIME),
    Column("sealed", LargeBinary),
    PrimaryKeyConstraint("id", name="pk_outbox"),
    # No unique constraint over partitions can do without the id: the version of the user's row is what keeps two events
    # from having one number.
    postgresql_partition_by="RANGE (id)",
)
Index("ix_outbox_aggregateid", outbox.c.aggregateid, outbox.c.sequence)
Index("ix_outbox_unpublished", outbox.c.shard, outbox.c.id, postgresql_where=text("published_at IS NULL"))
Index("ix_outbox_published_at", outbox.c.published_at, postgresql_where=text("published_at IS NOT NULL"))

outbox_shards: Final = Table(
    "outbox_shards",
    metadata,
    # Whoever holds a row's lock publishes that shard.
    Column("shard", SmallInteger, nullable=False, autoincrement=False),
    PrimaryKeyConstraint("shard", name="pk_outbox_shards"),
)

audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("user_id", ID, nullable=False),
    # The place in the user's chain, without a gap; the nil UUID is the chain of what concerns no single user.
    Column("sequence", BigInteger, nullable=False),
    Column("event_id", ID, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    # The version of the user that came of it; none came of reading.
    Column("version", BigInteger),
    # Of the sealed text that belongs to the entry; empty where there is none.
    Column("contents_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    # Each part has a primary key of its own: the user and the sequence.
    postgresql_partition_by="RANGE (occurred_at)",
)

audit_heads: Final = Table(
    "audit_heads",
    metadata,
    # Whoever appends to a chain holds this row's lock.
    Column("user_id", ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("user_id", name="pk_audit_heads"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("event_id", ID, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("seq", BigInteger, Identity(always=True, cache=1), nullable=False),
    Column("operation", Text, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("secret", Text),
    Column("created_at", TIME, nullable=False),
    # While somebody holds the delivery this is the end of the lease.
    Column("due_at", TIME, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("delivered_at", TIME),
    # What was wrong with the last try.
    Column("error_code", Text),
    # A delivery that was given up keeps all it holds; one that was discarded is empty and has both times.
    Column("failed_at", TIME),
    Column("discarded_at", TIME),
    Column("settled_by", Text),
    Column("settled_reason", Text),
    # Of what caused it, where there is a trace: the recipient is told within it.
    Column("traceparent", Text),
    PrimaryKeyConstraint("event_id", "recipient", name="pk_deliveries"),
)
_WAITING = text("delivered_at IS NULL AND failed_at IS NULL")
Index(
    "ix_deliveries_due",
    deliveries.c.recipient,
    deliveries.c.due_at,
    deliveries.c.seq,
    postgresql_where=_WAITING,
)
Index(
    "ix_deliveries_line",
    deliveries.c.user_id,
    deliveries.c.recipient,
    deliveries.c.seq,
    postgresql_where=_WAITING,
)
Index(
    "ix_deliveries_failed",
    deliveries.c.event_id,
    deliveries.c.recipient,
    postgresql_where=text("failed_at IS NOT NULL"),
)
Index(
    "ix_deliveries_delivered_at",
    deliveries.c.delivered_at,
    postgresql_where=text("delivered_at IS NOT NULL"),
)
# A person may ask what others were told of them, and have it forgotten.
Index("ix_deliveries_user_id", deliveries.c.user_id, deliveries.c.seq)
