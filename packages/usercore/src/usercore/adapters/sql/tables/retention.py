"""Who was told that their account is going to be deactivated, and when the schedule was last run."""

from typing import Final

from sqlalchemy import Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

inactivity_notices: Final = Table(
    "inactivity_notices",
    metadata,
    Column("user_id", ID, nullable=False),
    Column("noticed_at", TIME, nullable=False),
    Column("event_id", ID, nullable=False),
    PrimaryKeyConstraint("user_id", name="pk_inactivity_notices"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_inactivity_notices_user_id"),
)
Index("ix_inactivity_notices_noticed_at", inactivity_notices.c.noticed_at, inactivity_notices.c.user_id)

retention_runs: Final = Table(
    "retention_runs",
    metadata,
    # One row, of the name "schedule".
    Column("name", C_TEXT, nullable=False),
    # While somebody is at it, the end of the lease.
    Column("leased_until", TIME),
    Column("last_run_at", TIME),
    PrimaryKeyConstraint("name", name="pk_retention_runs"),
)
