"""The outbox's partitions: made ahead of what is written, and dropped whole once they are old.

Each takes the events of a range of ids, so that whoever looks for an id knows where. What no partition is ready for
goes into the rest, where it is as good as anywhere. Source: [ADR 26](docs/adr/0026-the-outbox-in-partitions.md).
"""

import re
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import frozen
from psycopg.errors import CheckViolation, LockNotAvailable

from usercore.adapters.sql.engine import Database, Row, Session, fetch

T = TypeVar("T")

SPAN: Final = 1_000_000
"""Ids in a partition: some hundred megabytes, that one statement can still look through."""
AHEAD: Final = 3
_LOCK_TIMEOUT: Final = b"SET LOCAL lock_timeout = 200"
"""Milliseconds. Whoever writes events waits behind the one who waits for the outbox: it is not urgent."""
_IN_THE_WAY: Final = (LockNotAvailable, CheckViolation)
"""The outbox is busy; or the rest has taken an event of the range meanwhile."""
_TURN: Final = b"SELECT pg_try_advisory_xact_lock(hashtext('outbox partitions'))"
_OURS: Final = re.compile(r"outbox_\w+")
_BOUNDS: Final = re.compile(r"FROM \((?:'(\d+)'|MINVALUE)\) TO \('(\d+)'\)")

_PARTITIONS: Final = b"""
SELECT c.relname::text, pg_get_expr(c.relpartbound, c.oid), pg_total_relation_size(c.oid),
       GREATEST(c.reltuples, 0)::bigint
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = 'outbox'::regclass AND NOT i.inhdetachpending
ORDER BY c.relname = 'outbox_first' DESC, c.relname
"""
_LAST_ID: Final = b"SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('outbox', 'id')::regclass), 0)"


_OURS_TO_CHANGE: Final = b"""
SELECT pg_has_role(relowner, 'USAGE') AND relkind = 'p' FROM pg_class WHERE oid = 'outbox'::regclass
"""


@frozen
class Partition:
    """A part of the outbox.

    Args:
        name: of its table.
        low: the first id that it takes; None for the very first, and for the rest.
        high: the first id beyond; None for the rest.
        size: bytes, with indexes.
        rows: about how many, when statistics were last taken.
    """

    name: str
    low: int | None
    high: int | None
    size: int
    rows: int


@frozen
class OutboxPartitions:
    """Makes and drops them. Nothing happens where the outbox is not partitioned yet."""

    database: Database

    async def all(self) -> Sequence[Partition]:
        """Return all, the oldest first."""
        return [_partition(row) for row in await self.database.fetch(_PARTITIONS)]

    async def are_ours(self) -> bool:
        """Return whether there are any, and our role may make and drop them; of others' not even the rows are ours."""
        [(ours,)] = await self.database.fetch(_OURS_TO_CHANGE)
        return bool(ours)

    async def full(self) -> tuple[Sequence[Partition], Sequence[Partition]]:
        """Return those that nothing is written to any more, and the others."""
        parts = await self.all()
        [(last,)] = await self.database.fetch(_LAST_ID)
        full = [one for one in parts if one.high is not None and one.high <= last]
        return full, [one for one in parts if one not in full]

    async def extend(self) -> int:
        """Make partitions ahead of what is written, and return how many."""
        try:
            return await self.database.write(lambda opened: _patiently(_extend(opened)))
        except _LeftError:
            return 0

    async def drop(self, part: Partition, before: datetime) -> bool:
        """Drop a partition, if everything in it was published before a time.

        Returns:
            False where something in it has not been, or where the outbox was busy.
        """
        try:
            return await self.database.write(lambda opened: _patiently(_drop(opened, part.name, before)))
        except _LeftError:
            return False

    async def waits(self, part: Partition) -> bool:
        """Return whether something in a partition has not been published."""
        statement = f"SELECT EXISTS (SELECT FROM {part.name} WHERE published_at IS NULL)"  # noqa: S608 -- see _partition
        [(waiting,)] = await self.database.fetch(statement.encode())
        return bool(waiting)


class _LeftError(Exception):
    """Rolls back: everything is left as it is."""


async def _patiently(work: Coroutine[Any, Any, T]) -> T:
    try:
        return await work
    except _IN_THE_WAY as error:
        raise _LeftError from error


async def _extend(opened: Session) -> int:
    await opened.execute(_LOCK_TIMEOUT)
    [(ours,)] = await fetch(opened, _TURN)
    parts = [_partition(row) for row in await fetch(opened, _PARTITIONS)]
    if not ours or not parts:
        return 0
    [(last,)] = await fetch(opened, _LAST_ID)
    low = max(one.high or 0 for one in parts)
    if low <= last:
        # The rest has taken what came meanwhile; it goes on to do so up to where the next partition begins.
        low = (last // SPAN + 2) * SPAN
    made = range(low, (last // SPAN + 1 + AHEAD) * SPAN, SPAN)
    for start in made:
        name = f"outbox_p{start // SPAN:06}"
        await opened.execute(f"CREATE TABLE {name} (LIKE outbox)".encode())
        await opened.execute(
            f"ALTER TABLE outbox ATTACH PARTITION {name} FOR VALUES FROM ({start}) TO ({start + SPAN})".encode()
        )
    return len(made)


async def _drop(opened: Session, name: str, before: datetime) -> bool:
    if not await _is_old(opened, name, before):
        return False
    await opened.execute(_LOCK_TIMEOUT)
    await opened.execute(f"ALTER TABLE outbox DETACH PARTITION {name}".encode())
    # Under the lock nobody can put anything in any more, nor mark anything to be published again.
    if not await _is_old(opened, name, before):
        raise _LeftError
    await opened.execute(f"DROP TABLE {name}".encode())
    return True


async def _is_old(opened: Session, name: str, before: datetime) -> bool:
    statement = f"""
    SELECT NOT EXISTS (SELECT FROM {name} WHERE published_at IS NULL)
       AND NOT EXISTS (SELECT FROM {name} WHERE published_at >= $1)
    """  # noqa: S608 -- see _partition
    [(old,)] = await fetch(opened, statement.encode(), before)
    return bool(old)


def _partition(row: Row) -> Partition:
    """Read what the catalogue says. Names that are not ours are not taken into a statement."""
    name, bounds, size, rows = row
    if not _OURS.fullmatch(name):
        raise ValueError(f"not a partition of ours: {name!r}")
    found = _BOUNDS.search(bounds)
    low, high = found.groups() if found else (None, None)
    return Partition(name, None if low is None else int(low), None if high is None else int(high), size, rows)
