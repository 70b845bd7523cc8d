"""Imports, and what was wrong with their rows."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
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

from usercore.adapters.sql.tables.base import ID, TIME, metadata

imports: Final = Table(
    "imports",
    metadata,
    Column("id", ID, nullable=False),
    Column("format", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("invite", Boolean, nullable=False),
    # Of the file and the options; it goes where the same file is to be imported anew.
    Column("fingerprint", LargeBinary),
    Column("state", Text, nullable=False),
    # How far it has come moves in the transaction that writes the users.
    Column("end_at", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("unchanged", BigInteger, nullable=False),
    Column("skipped", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("started_by", Text, nullable=False),
    Column("started_at", TIME, nullable=False),
    Column("updated_at", TIME, nullable=False),
    Column("finished_at", TIME),
    Column("trouble", Text),
    # Its rows are in import_parts, and a copy of the service imports them; when one last began to.
    Column("uploaded", Boolean, nullable=False, server_default=text("false")),
    Column("taken_at", TIME),
    PrimaryKeyConstraint("id", name="pk_imports"),
    CheckConstraint("state IN ('RUNNING', 'COMPLETED', 'CANCELLED', 'FAILED')", name="ck_imports_state"),
)
_FOUND: Final = text("fingerprint IS NOT NULL AND state IN ('RUNNING', 'COMPLETED')")
Index("uq_imports_fingerprint", imports.c.fingerprint, unique=True, postgresql_where=_FOUND)
Index("ix_imports_finished_at", imports.c.finished_at, postgresql_where=text("finished_at IS NOT NULL"))

import_errors: Final = Table(
    "import_errors",
    metadata,
    # Names fields and rules; what stands in the file is not repeated.
    Column("import_id", ID, nullable=False),
    Column("number", BigInteger, nullable=False, autoincrement=False),
    Column("line", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("pointer", Text, nullable=False),
    Column("detail", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "number", name="pk_import_errors"),
    ForeignKeyConstraint(["import_id"], ["imports.id"], name="fk_import_errors_import_id"),
)

import_parts: Final = Table(
    "import_parts",
    metadata,
    # No key into imports: parts come before the import, which begins once all are there.
    Column("import_id", ID, nullable=False),
    Column("number", Integer, nullable=False, autoincrement=False),
    Column("came_at", TIME, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("import_id", "number", name="pk_import_parts"),
)
