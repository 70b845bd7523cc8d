"""What versions of the schema do beside the traffic. Each can be begun again wherever it was broken off.

For versions that say ``transactional = False``: every statement is committed by itself.
"""

import time
from typing import Final

from alembic import op
from sqlalchemy import text

__all__ = ["add_constraint", "backfill", "create_index", "drop_index"]

_INDEX: Final = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_CONSTRAINT: Final = text("""
SELECT convalidated FROM pg_constraint WHERE conrelid = CAST(:table AS regclass) AND conname = :name
""")
_LOCK_TIMEOUT_MS: Final = 1000
"""For what does stand in the way of others, if only for a moment: less than the service waits for a lock."""


def create_index(name: str, definition: str, *, unique: bool = False) -> None:
    """Make an index without keeping anybody from writing. Half of one that an earlier try left is dropped first.

    Args:
        name: of the index.
        definition: what follows ``ON``.
        unique: whether it is to be unique.
    """
    found = op.get_bind().execute(_INDEX, {"name": name}).scalar()
    if found is False:
        drop_index(name)
    if not found:
        op.execute(f"CREATE{' UNIQUE' if unique else ''} INDEX CONCURRENTLY {name} ON {definition}")


def drop_index(name: str) -> None:
    """Drop an index, if it is there, without keeping anybody from its table."""
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def add_constraint(table: str, name: str, definition: str) -> None:
    """Add a check or a foreign key: at once for what is written from now on, then for what was there before.

    Args:
        table: to which.
        name: of the constraint.
        definition: ``CHECK (…)`` or ``FOREIGN KEY …``.
    """
    connection = op.get_bind()
    found = connection.execute(_CONSTRAINT, {"table": table, "name": name}).scalar()
    if found is None:
        patience = connection.execute(text("SELECT current_setting('lock_timeout')")).scalar_one()
        op.execute(f"SET lock_timeout = {_LOCK_TIMEOUT_MS}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID")
        op.execute(f"SET lock_timeout = '{patience}'")
    if not found:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def backfill(statement: str, *, batch: int = 1_000, pause_s: float = 0.01) -> int:
    """Change rows in small steps until none is left, and return how many there were.

    Args:
        statement: changes at most ``:batch`` rows of those that are still to be changed; what it has changed it must
            not find again.
        batch: how many at a time.
        pause_s: after each step, for others and for replicas.
    """
    changed = 0
    while (rows := op.get_bind().execute(text(statement), {"batch": batch}).rowcount) > 0:
        changed += rows
        time.sleep(pause_s)
    return changed
