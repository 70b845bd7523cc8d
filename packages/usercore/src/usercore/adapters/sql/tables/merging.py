"""Which accounts were merged into which."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from usercore.adapters.sql.tables.base import ID, TIME, metadata

user_merges: Final = Table(
    "user_merges",
    metadata,
    # The event that announced it in the survivor's life. No foreign keys: whoever writes a row holds both users' rows.
    Column("id", ID, nullable=False),
    Column("survivor_id", ID, nullable=False),
    Column("merged_id", ID, nullable=False),
    # What changed stands in the history of both, sealed: in these versions.
    Column("survivor_before", BigInteger, nullable=False),
    Column("survivor_version", BigInteger, nullable=False),
    Column("merged_version", BigInteger, nullable=False),
    Column("merged_at", TIME, nullable=False),
    Column("merged_by_kind", Text, nullable=False),
    Column("merged_by_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("undone_at", TIME),
    Column("undone_by_kind", Text),
    Column("undone_by_id", Text),
    Column("undo_reason", Text),
    PrimaryKeyConstraint("id", name="pk_user_merges"),
)
Index("ix_user_merges_survivor_id", user_merges.c.survivor_id, user_merges.c.merged_at)
Index("ix_user_merges_merged_id", user_merges.c.merged_id, user_merges.c.merged_at)
Index(
    "uq_user_merges_standing",
    user_merges.c.merged_id,
    unique=True,
    postgresql_where=text("undone_at IS NULL"),
)
