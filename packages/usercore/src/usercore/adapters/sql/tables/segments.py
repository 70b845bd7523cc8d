"""Filters that are kept under names."""

from typing import Final

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text

from usercore.adapters.sql.tables.base import C_TEXT, TIME, metadata

segments: Final = Table(
    "segments",
    metadata,
    Column("name", C_TEXT, nullable=False),
    # In canonical form; it names nobody.
    Column("filter", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("saved_at", TIME, nullable=False),
    Column("saved_by", Text, nullable=False),
    PrimaryKeyConstraint("name", name="pk_segments"),
)
