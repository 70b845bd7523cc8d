"""Which accounts were merged into which, and which may be one person's."""

from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

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

merge_candidates: Final = Table(
    "merge_candidates",
    metadata,
    Column("first_id", ID, nullable=False),
    Column("second_id", ID, nullable=False),
    # What the two have in common, never the value itself.
    Column("signs", ARRAY(Text), nullable=False),
    Column("score", Float(53), nullable=False),
    Column("found_at", TIME, nullable=False),
    Column("dismissed_at", TIME),
    Column("dismissed_by_kind", Text),
    Column("dismissed_by_id", Text),
    Column("dismissal_reason", Text),
    PrimaryKeyConstraint("first_id", "second_id", name="pk_merge_candidates"),
    CheckConstraint("first_id < second_id", name="ck_merge_candidates_order"),
)
Index(
    "ix_merge_candidates_score",
    merge_candidates.c.score.desc(),
    merge_candidates.c.first_id,
    merge_candidates.c.second_id,
)
Index("ix_merge_candidates_second_id", merge_candidates.c.second_id)

merge_scans: Final = Table(
    "merge_scans",
    metadata,
    # One row, of the name "accounts"; whoever holds its lock scans.
    Column("name", C_TEXT, nullable=False),
    Column("scanned_at", TIME),
    PrimaryKeyConstraint("name", name="pk_merge_scans"),
)
