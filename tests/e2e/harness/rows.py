"""What stands in the database, seen past the service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg

# Every change is one row in each of these; the column names the user.
_TRAILS: Final = {"outbox": "aggregateid", "user_history": "user_id", "audit_entries": "user_id"}


async def rows(database_url: str, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        found = await connection.execute(query.encode(), parameters)
        return list(await found.fetchall()) if found.description else []


async def trails(database_url: str) -> dict[str, int]:
    """Return how many users there are, and how many rows their changes have left."""
    counts = {}
    for table in ("users", *_TRAILS):
        # The audit trail tells of more than changes: of reads, and of what the service does on its schedule.
        only = " WHERE version IS NOT NULL" if table == "audit_entries" else ""
        [(counts[table],)] = await rows(database_url, f"SELECT count(*) FROM {table}{only}")
    return counts


async def versions(database_url: str, user_id: str) -> dict[str, list[int]]:
    """Return which versions of a user each trail tells of, in order."""
    found = {}
    for table, column in _TRAILS.items():
        number = "version" if table == "user_history" else "sequence"
        query = f"SELECT {number} FROM {table} WHERE {column} = %s ORDER BY 1"
        found[table] = [version for (version,) in await rows(database_url, query, user_id)]
    return found


@asynccontextmanager
async def locked(database_url: str, table: str) -> AsyncIterator[None]:
    """Hold a lock on a table, so that whoever needs it waits."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
        yield
        await connection.rollback()


_GATE: Final = 727_001
_HERE: Final = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
"""Databases that were copied from one another have tables of the same numbers."""


async def build_gate(database_url: str, *, at_commit: bool) -> None:
    """Make every change of users wait at a gate while it is shut: in the middle, or as the last thing of its COMMIT."""
    when = "CONSTRAINT TRIGGER gate AFTER INSERT OR UPDATE ON users DEFERRABLE INITIALLY DEFERRED"
    if not at_commit:
        when = "TRIGGER gate AFTER INSERT OR UPDATE ON users"
    await rows(
        database_url,
        f"""
        CREATE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({_GATE}); RETURN NULL; END $$;
        CREATE {when} FOR EACH ROW EXECUTE FUNCTION wait_at_gate();
        """,
    )


@asynccontextmanager
async def shut_gate(database_url: str) -> AsyncIterator[None]:
    """Keep the gate shut."""
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_GATE,))
        yield
        await connection.rollback()


async def waiting_at_gate(database_url: str) -> int:
    """Return how many changes wait at the gate."""
    query = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = %s AND {_HERE}"
    [(count,)] = await rows(database_url, query, _GATE)
    return int(count)


async def waiting_for(database_url: str, table: str) -> int:
    """Return how many sessions wait for a lock on a table."""
    query = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass AND {_HERE}"
    [(count,)] = await rows(database_url, query, table)
    return int(count)
