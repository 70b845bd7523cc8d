"""Users, what is remembered of them, and the schemas of their attributes."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

users: Final = Table(
    "users",
    metadata,
    Column("id", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("username", Text, nullable=False),
    Column("username_canonical", C_TEXT, nullable=False),
    Column("email", Text, nullable=False),
    Column("email_canonical", C_TEXT, nullable=False),
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
    Column("external_id", C_TEXT),
    Column("state", Text, nullable=False),
    Column("status_since", TIME, nullable=False),
    Column("status_actor_kind", Text, nullable=False),
    Column("status_actor_id", Text, nullable=False),
    Column("status_reason", Text),
    Column("status_notes", Text),
    Column("status_until", TIME),
    Column("email_verified_at", TIME),
    Column("phone_verified_at", TIME),
    Column("identity_verified_at", TIME),
    Column("restricted", Boolean, nullable=False),
    Column("created_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("search_words", TSVECTOR, nullable=False),
    # Whoever looks for survivors or for the merged does so in `user_merges`, which is small.
    Column("merged_into", ID),
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
    Column("user_id", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("event_id", ID, nullable=False),
    Column("message", Text, nullable=False),
    Column("occurred_at", TIME, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("causation_id", Text),
    # In the clear only where it was written before there were keys.
    Column("changes", JSON),
    Column("sealed", LargeBinary),
    # Each part has a primary key of its own: the user and the version.
    postgresql_partition_by="RANGE (occurred_at)",
)

attribute_schemas: Final = Table(
    "attribute_schemas",
    metadata,
    Column("version", Integer, nullable=False, autoincrement=False),
    Column("document", JSON, nullable=False),
    Column("registered_at", TIME, nullable=False),
    Column("registered_by", Text, nullable=False),
    PrimaryKeyConstraint("version", name="pk_attribute_schemas"),
)
