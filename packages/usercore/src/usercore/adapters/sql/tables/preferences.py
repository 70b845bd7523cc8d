"""Email topics, and what users said of them."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

email_topics: Final = Table(
    "email_topics",
    metadata,
    Column("name", C_TEXT, nullable=False),
    Column("title", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("mandatory", Boolean, nullable=False),
    Column("subscribed_by_default", Boolean, nullable=False),
    Column("wording_version", Text, nullable=False),
    Column("registered_at", TIME, nullable=False),
    PrimaryKeyConstraint("name", name="pk_email_topics"),
)

email_preferences: Final = Table(
    "email_preferences",
    metadata,
    Column("user_id", ID, nullable=False),
    Column("topic", C_TEXT, nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("said_at", TIME, nullable=False),
    Column("wording_version", Text, nullable=False),
    PrimaryKeyConstraint("user_id", "topic", name="pk_email_preferences"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_email_preferences_user_id"),
)
