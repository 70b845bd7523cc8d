"""Every table, with every constraint and index named. The migrations make them; a test holds both equal."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

metadata: Final = MetaData()

_C: Final = Text(collation="C")
"""Text that is compared byte by byte, so that no upgrade of a collation can spoil its index."""
_TIME: Final = DateTime(timezone=True)
_ID: Final = Uuid(as_uuid=False)

users: Final = Table(
    "users",
    metadata,
    Column("id", _ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("username_canonical", _C, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_canonical", _C, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("phone_number", Text),
    Column("address_street", Text),
    Column("address_city", Text),
    Column("address_state", Text),
    Column("address_postal_code", Text),
    Column("address_country", Text),
    Column("locale", Text),
    Column("time_zone", Text),
    Column("birth_date", Date),
    Column("attributes", JSON, nullable=False),
    Column("external_id", _C),
    Column("state", Text, nullable=False),
    Column("status_since", _TIME, nullable=False),
    Column("status_actor_kind", Text, nullable=False),
    Column("status_actor_id", Text, nullable=False),
    Column("status_reason", Text),
    Column("status_notes", Text),
    Column("status_until", _TIME),
    Column("email_verified_at", _TIME),
    Column("phone_verified_at", _TIME),
    Column("identity_verified_at", _TIME),
    Column("restricted", Boolean, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("search_words", TSVECTOR, nullable=False),
    PrimaryKeyConstraint("id", name="pk_users"),
    UniqueConstraint("email_canonical", name="uq_users_email_canonical"),
    UniqueConstraint("username_canonical", name="uq_users_username_canonical"),
    UniqueConstraint("external_id", name="uq_users_external_id"),
    CheckConstraint("state IN ('ACTIVE', 'DEACTIVATED', 'MERGED', 'ERASED')", name="ck_users_state"),
    CheckConstraint("version > 0", name="ck_users_version"),
)
# A list always names account states, so the state stands first and a page is as quick at any depth.
Index("ix_users_state_created_at", users.c.state, users.c.created_at, users.c.id)
Index("ix_users_state_updated_at", users.c.state, users.c.updated_at, users.c.id)
Index("ix_users_search_words", users.c.search_words, postgresql_using="gin")
Index(
    "ix_users_due_for_reactivation",
    users.c.status_until,
    users.c.id,
    postgresql_where=text("state = 'DEACTIVATED' AND status_until IS NOT NULL"),
)

user_history: Final = Table(
    "user_history",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("event_id", _ID, nullable=False),
    Column("message", Text, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    Column("changes", JSON, nullable=False),
    PrimaryKeyConstraint("user_id", "version", name="pk_user_history"),
)

attribute_schemas: Final = Table(
    "attribute_schemas",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("document", JSON, nullable=False),
    Column("registered_at", _TIME, nullable=False),
    Column("registered_by", Text, nullable=False),
    PrimaryKeyConstraint("version", name="pk_attribute_schemas"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    # The cache of 1 keeps the numbers of one user in the order of versions: each is drawn under the user's row lock.
    Column("id", BigInteger, Identity(always=True, cache=1), nullable=False),
    # `id`, `aggregatetype`, `aggregateid`, `type` and `payload` are what Debezium's outbox event router expects.
    Column("aggregatetype", Text, nullable=False),
    Column("aggregateid", _ID, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("event_id", _ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    Column("headers", JSON, nullable=False),
    Column("shard", SmallInteger, nullable=False),
    Column("published_at", _TIME),
    PrimaryKeyConstraint("id", name="pk_outbox"),
    UniqueConstraint("aggregateid", "sequence", name="uq_outbox_aggregateid_sequence"),
)
Index("ix_outbox_unpublished", outbox.c.shard, outbox.c.id, postgresql_where=text("published_at IS NULL"))

audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_id", _ID, nullable=False),
    Column("occurred_at", _TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("fields", ARRAY(Text), nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    PrimaryKeyConstraint("user_id", "sequence", name="pk_audit_entries"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("event_id", _ID, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("seq", BigInteger, Identity(always=True, cache=1), nullable=False),
    Column("operation", Text, nullable=False),
    Column("user_id", _ID, nullable=False),
    Column("payload", JSON, nullable=False),
    Column("secret", Text),
    Column("created_at", _TIME, nullable=False),
    # While somebody holds the delivery this is the end of the lease.
    Column("due_at", _TIME, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("delivered_at", _TIME),
    PrimaryKeyConstraint("event_id", "recipient", name="pk_deliveries"),
)
_WAITING = text("delivered_at IS NULL")
Index("ix_deliveries_due", deliveries.c.due_at, deliveries.c.seq, postgresql_where=_WAITING)
Index(
    "ix_deliveries_line",
    deliveries.c.user_id,
    deliveries.c.recipient,
    deliveries.c.seq,
    postgresql_where=_WAITING,
)

idempotency_keys: Final = Table(
    "idempotency_keys",
    metadata,
    Column("scope", _C, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("token", Text, nullable=False),
    Column("lease_until", _TIME, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("user_id", _ID),
    Column("version", BigInteger),
    PrimaryKeyConstraint("scope", "key_hash", name="pk_idempotency_keys"),
)
Index("ix_idempotency_keys_expires_at", idempotency_keys.c.expires_at)

email_topics: Final = Table(
    "email_topics",
    metadata,
    Column("name", _C, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("mandatory", Boolean, nullable=False),
    Column("subscribed_by_default", Boolean, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("registered_at", _TIME, nullable=False),
    PrimaryKeyConstraint("name", name="pk_email_topics"),
)

email_preferences: Final = Table(
    "email_preferences",
    metadata,
    Column("user_id", _ID, nullable=False),
    Column("topic", _C, nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("said_at", _TIME, nullable=False),
    Column("wording_version", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "topic", name="pk_email_preferences"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_preferences_user_id"),
)
