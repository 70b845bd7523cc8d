"""The parts of history and of the audit trail, each of a quarter: made ahead of what is written.

What no part is ready for goes into the rest, where it is as good as anywhere.
Source: [ADR 29](docs/adr/0029-history-and-audit-in-partitions.md).
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.adapters.sql.engine import Database, Session, fetch
from usercore.adapters.sql.mapping import utc
from usercore.adapters.sql.part_catalogue import PARTS, TABLES, LeftError, is_our_turn, part_of, parts_of, unless_busy
from usercore.adapters.sql.quarters import AHEAD, after, attached, made, part_name, quarter
from usercore.privacy.retention.ports import TrailParts
from usercore.privacy.retention.values import Part, Trail


@frozen
class SqlTrailParts:
    """Keeps the parts. Nothing happens where the tables are not parted yet."""

    database: Database

    async def all(self) -> Sequence[Part]:
        """Return all parts, trail by trail, the oldest first; the rest is the last."""
        return [part for trail in Trail for part in await self._of(trail)]

    async def extend(self, now: datetime) -> Mapping[Trail, int]:
        """Make parts ahead of a time, where that is allowed to us and nobody is in the way."""
        ahead = {}
        for trail in Trail:
            with suppress(LeftError):
                await self.database.write(partial(_extend, trail, now))
            if parts := await self._of(trail):
                ahead[trail] = sum(part.low is not None and part.low > now for part in parts)
        return ahead

    async def _of(self, trail: Trail) -> Sequence[Part]:
        return [part_of(trail, row) for row in await self.database.fetch(PARTS, TABLES[trail])]


async def _extend(trail: Trail, now: datetime, opened: Session) -> None:
    if await is_our_turn(opened, trail):
        await unless_busy(_make(opened, trail, after(quarter(now), AHEAD + 1)))


async def _make(opened: Session, trail: Trail, end: datetime) -> None:
    """Make the parts that are missing up to a time."""
    table = TABLES[trail]
    low = await _end(opened, trail)
    while low < end:
        name = part_name(table, low)
        for statement in (*made(table, name), attached(table, name, low, after(low))):
            await opened.execute(statement.encode())
        low = after(low)


async def _end(opened: Session, trail: Trail) -> datetime:
    """Return where the next part may begin: behind the last one, and behind what the rest has taken meanwhile."""
    last = max(part.high for part in await parts_of(opened, trail) if part.high is not None)
    statement = f"SELECT max(occurred_at) FROM {TABLES[trail]}_rest WHERE occurred_at >= $1"  # noqa: S608 -- names of ours
    [(newest,)] = await fetch(opened, statement.encode(), last)
    return last if newest is None else after(quarter(utc(newest)))


if TYPE_CHECKING:

    def _conforms(database: Database) -> TrailParts:
        return SqlTrailParts(database)
