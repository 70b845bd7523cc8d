"""Segments: counted by PostgreSQL within a time, and kept there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from attrs import astuple, define, field, frozen

from usercore.adapters.sql.conditions import condition_sql
from usercore.adapters.sql.engine import Database, Reads, Row, fetch
from usercore.adapters.sql.mapping import is_storable, utc
from usercore.segments.ports import SegmentCounter, SegmentStore
from usercore.segments.values import Count, Segment
from usercore.users.conditions import Condition
from usercore.users.queries import PRESENT

_STATES: Final = "u.state IN (" + ", ".join(f"'{state.value}'" for state in sorted(PRESENT)) + ")"

_COLUMNS: Final = b"name, filter, about, saved_at, saved_by"
_ALL: Final = b"SELECT " + _COLUMNS + b" FROM segments ORDER BY name"
_GET: Final = b"SELECT " + _COLUMNS + b" FROM segments WHERE name = $1"
_ADD: Final = b"""
INSERT INTO segments (name, filter, about, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (name) DO NOTHING RETURNING 1
"""
_REMOVE: Final = b"DELETE FROM segments WHERE name = $1 RETURNING " + _COLUMNS


@frozen
class SqlSegmentCounter:
    """Counts users of whom a condition holds. One statement, so they are those of one moment."""

    database: Reads

    async def count(self, condition: Condition, *, within_s: float) -> Count:
        """Return how many they are, or how many were found in time.

        The clock is asked for each user that is looked at. Once time is up nothing else is asked of the rest, so the
        statement ends soon, and what it found is there.
        """
        asked = _Asked()
        users = asked.users(condition)
        in_time = f"clock_timestamp() < statement_timestamp() + make_interval(secs => {asked.given(within_s)}::float8)"
        statement = f"SELECT count(*), {in_time} FROM {users} AND {in_time}"  # noqa: S608 -- values are parameters
        [(found, exact)] = await self.database.fetch(statement.encode(), *asked.parameters, prepare=False)
        return Count(found, exact)

    async def plan(self, condition: Condition) -> Sequence[str]:
        """Return PostgreSQL's plan for the count."""
        asked = _Asked()
        statement = f"EXPLAIN SELECT count(*) FROM {asked.users(condition)}"  # noqa: S608 -- the same
        rows = await self.database.fetch(statement.encode(), *asked.parameters, prepare=False)
        return [line for (line,) in rows]


@define
class _Asked:
    """A statement in the making: its parameters."""

    parameters: list[object] = field(factory=list)

    def users(self, condition: Condition) -> str:
        return f"users AS u WHERE {_STATES} AND {condition_sql(condition, self.given)}"

    def given(self, value: object) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"


@frozen
class SqlSegmentStore:
    """Keeps filters under names."""

    database: Database

    async def all(self) -> Sequence[Segment]:
        """Return every segment, by name."""
        return list(map(_segment, await self.database.fetch(_ALL)))

    async def get(self, name: str) -> Segment | None:
        """Return the segment of a name, or None."""
        if not is_storable(name):
            return None
        return next(map(_segment, await self.database.fetch(_GET, name)), None)

    async def add(self, segment: Segment) -> bool:
        """Keep a segment; False where its name is taken."""
        row = astuple(segment)
        return bool(await self.database.write(lambda opened: fetch(opened, _ADD, *row)))

    async def remove(self, name: str) -> Segment | None:
        """Forget a segment, and return it; None where there was none."""
        if not is_storable(name):
            return None
        return next(map(_segment, await self.database.write(lambda opened: fetch(opened, _REMOVE, name))), None)


def _segment(row: Row) -> Segment:
    name, text, about, saved_at, saved_by = row
    return Segment(name, text, about, utc(saved_at), saved_by)


if TYPE_CHECKING:

    def _conform(database: Database, reads: Reads) -> tuple[SegmentCounter, SegmentStore]:
        return SqlSegmentCounter(reads), SqlSegmentStore(database)
