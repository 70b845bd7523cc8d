"""What the catalogue says of the parts of history and of the audit trail."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Final, TypeVar

from psycopg.errors import CheckViolation, LockNotAvailable

from usercore.adapters.sql.engine import Row, Session, fetch
from usercore.adapters.sql.mapping import utc
from usercore.privacy.retention.values import Part, Trail

T = TypeVar("T")

TABLES: Final[Mapping[Trail, str]] = {Trail.HISTORY: "user_history", Trail.AUDIT: "audit_entries"}
_LOCK_TIMEOUT: Final = b"SET LOCAL lock_timeout = 200"
"""Milliseconds. Who comes later waits behind the one who waits for a table: nothing here is urgent."""
_TURN: Final = b"SELECT pg_try_advisory_xact_lock(hashtext('trail parts'))"
_OURS: Final = b"""
SELECT pg_has_role(relowner, 'USAGE') AND relkind = 'p' FROM pg_class WHERE oid = to_regclass($1)
"""
# The server reads the times that it writes, in whatever style.
PARTS: Final = b"""
SELECT c.relname::text,
       substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\(''([^'']+)''\\)')::timestamptz,
       substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \\(''([^'']+)''\\)')::timestamptz,
       pg_total_relation_size(c.oid), GREATEST(c.reltuples, 0)::bigint
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass($1) AND NOT i.inhdetachpending
ORDER BY 3 NULLS LAST
"""


class LeftError(Exception):
    """Rolls back: everything is left as it is."""


def part_of(trail: Trail, row: Row) -> Part:
    """Return the part of a row of :data:`PARTS`."""
    name, low, high, size, rows = row
    return Part(trail, name, None if low is None else utc(low), None if high is None else utc(high), size, rows)


async def parts_of(opened: Session, trail: Trail) -> Sequence[Part]:
    """Return the parts of a trail, the oldest first, as the open transaction sees them."""
    return [part_of(trail, row) for row in await fetch(opened, PARTS, TABLES[trail])]


async def is_our_turn(opened: Session, trail: Trail) -> bool:
    """Return whether we may change the parts of a trail and nobody else is at it, and wait for no table for long."""
    await opened.execute(_LOCK_TIMEOUT)
    [(ours,)] = await fetch(opened, _OURS, TABLES[trail]) or [(False,)]
    return bool(ours) and bool((await fetch(opened, _TURN))[0][0])


async def unless_busy(work: Awaitable[T]) -> T:
    """Return what work on the parts returns.

    Raises:
        LeftError: somebody uses a table for long, or the rest has taken a row of the quarter meanwhile.
    """
    try:
        return await work
    except (LockNotAvailable, CheckViolation) as error:
        raise LeftError from error
