"""Data keys, wrapped by a master key that is kept elsewhere. A backup can leave these tables out."""

from typing import Final

from sqlalchemy import Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

user_keys: Final = Table(
    "user_keys",
    metadata,
    # Erasure deletes the row: whatever was sealed with the key is then gone, in every backup without it too.
    Column("user_id", ID, nullable=False),
    Column("master_version", Integer, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", TIME, nullable=False),
    PrimaryKeyConstraint("user_id", name="pk_user_keys"),
)
# Rotation takes what an older master key wraps, in this order.
Index("ix_user_keys_master_version", user_keys.c.master_version, user_keys.c.user_id)

service_keys: Final = Table(
    "service_keys",
    metadata,
    Column("name", C_TEXT, nullable=False),
    Column("master_version", Integer, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    Column("created_at", TIME, nullable=False),
    PrimaryKeyConstraint("name", name="pk_service_keys"),
)
