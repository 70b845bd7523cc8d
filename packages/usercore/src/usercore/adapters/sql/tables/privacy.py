"""What people asked of their data, archives made for them, and legal holds."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from usercore.adapters.sql.tables.base import C_TEXT, ID, TIME, metadata

privacy_requests: Final = Table(
    "privacy_requests",
    metadata,
    Column("id", ID, nullable=False),
    Column("user_id", ID, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("jurisdiction", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("received_at", TIME, nullable=False),
    Column("due_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("received_from_kind", Text, nullable=False),
    Column("received_from_id", Text, nullable=False),
    Column("asked_text", Text),
    Column("asked_patch", JSON),
    Column("identity_method", Text),
    Column("identity_at", TIME),
    Column("identity_by_kind", Text),
    Column("identity_by_id", Text),
    Column("identity_note", Text),
    Column("extended_at", TIME),
    Column("extension_reason", Text),
    Column("refusal_ground", Text),
    Column("refusal_text", Text),
    Column("outcome", Text),
    Column("closed_at", TIME),
    Column("trouble", Text),
    Column("archive_until", TIME),
    Column("erasure_step", Text),
    Column("erasure_event_id", ID),
    Column("erasure_since", TIME),
    # When each recipient acknowledged, by its name.
    Column("erasure_receipts", JSON),
    Column("erasure_dropped", Integer),
    Column("ledger_sequence", BigInteger),
    # When the service goes on by itself; while somebody is at it this is the end of the lease.
    Column("run_at", TIME),
    PrimaryKeyConstraint("id", name="pk_privacy_requests"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_privacy_requests_user_id"),
    CheckConstraint(
        "kind IN ('ACCESS', 'PORTABILITY', 'RECTIFICATION', 'ERASURE', 'RESTRICTION', 'OBJECTION', 'OPT_OUT_OF_SALE')",
        name="ck_privacy_requests_kind",
    ),
    CheckConstraint(
        "state IN ('RECEIVED', 'IDENTITY_PENDING', 'ACCEPTED', 'IN_PROGRESS', 'COMPLETED', 'REFUSED', 'CANCELLED')",
        name="ck_privacy_requests_state",
    ),
)
OPEN: Final = "state IN ('RECEIVED', 'IDENTITY_PENDING', 'ACCEPTED', 'IN_PROGRESS')"
"""SQL for requests that somebody still waits for."""
Index("ix_privacy_requests_user_id", privacy_requests.c.user_id, privacy_requests.c.id)
Index(
    "uq_privacy_requests_open",
    privacy_requests.c.user_id,
    privacy_requests.c.kind,
    unique=True,
    postgresql_where=text(f"{OPEN} AND kind <> 'RECTIFICATION'"),
)
Index("ix_privacy_requests_due", privacy_requests.c.due_at, postgresql_where=text(OPEN))
Index("ix_privacy_requests_run", privacy_requests.c.run_at, postgresql_where=text(OPEN))
Index(
    "ix_privacy_requests_ledger",
    privacy_requests.c.ledger_sequence,
    postgresql_where=text("ledger_sequence IS NOT NULL"),
)

privacy_archives: Final = Table(
    "privacy_archives",
    metadata,
    Column("request_id", ID, nullable=False),
    Column("chunk", Integer, nullable=False),
    Column("user_id", ID, nullable=False),
    # A part of the archive, sealed with the user's key.
    Column("sealed", LargeBinary, nullable=False),
    Column("expires_at", TIME, nullable=False),
    PrimaryKeyConstraint("request_id", "chunk", name="pk_privacy_archives"),
)
Index("ix_privacy_archives_expires_at", privacy_archives.c.expires_at)
Index("ix_privacy_archives_user_id", privacy_archives.c.user_id)

legal_holds: Final = Table(
    "legal_holds",
    metadata,
    Column("user_id", ID, nullable=False),
    Column("matter", C_TEXT, nullable=False),
    Column("placed_at", TIME, nullable=False),
    Column("placed_by_kind", Text, nullable=False),
    Column("placed_by_id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("released_at", TIME),
    Column("released_by_kind", Text),
    Column("released_by_id", Text),
    Column("release_reason", Text),
    PrimaryKeyConstraint("user_id", "matter", "placed_at", name="pk_legal_holds"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_legal_holds_user_id"),
)
_HOLDS: Final = text("released_at IS NULL")
Index("uq_legal_holds_active", legal_holds.c.user_id, legal_holds.c.matter, unique=True, postgresql_where=_HOLDS)
