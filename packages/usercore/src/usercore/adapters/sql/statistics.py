"""Numbers about users, counted by PostgreSQL: of all of them, or of some pages of the table."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final

from attrs import frozen

from usercore.adapters.sql.engine import Reads
from usercore.statistics.ports import StatisticsReader
from usercore.statistics.values import Census, Counted, Period
from usercore.users.queries import PRESENT
from usercore.users.values import AccountState, VerificationChannel

_SIZE: Final = b"""
SELECT CASE WHEN reltuples < 0 THEN (SELECT count(*) FROM users) ELSE reltuples::bigint END
FROM pg_class WHERE oid = 'users'::regclass
"""
"""By the last VACUUM or ANALYZE. A table that neither has seen yet is counted: it is small, or just filled."""
_PRESENT: Final = "u.state IN (" + ", ".join(f"'{state.value}'" for state in sorted(PRESENT)) + ")"
# Some pages of the table, the same in each statement; every page where all are to be counted. A connection of the pool
# is told not to read a table from end to end, and for a sample does so nevertheless.
_SOME: Final = "users AS u TABLESAMPLE SYSTEM ($1) REPEATABLE (0)"
_CHANNELS: Final = ", ".join(f"count(u.{channel.value}_verified_at)" for channel in VerificationChannel)
_STATES: Final = f"""
SELECT u.state, count(*), count(*) FILTER (WHERE u.restricted), {_CHANNELS} FROM {_SOME} GROUP BY 1
"""  # noqa: S608 -- made of constants, as all here
_TOPICS: Final = f"""
SELECT p.topic, count(*) FILTER (WHERE p.subscribed), count(*) FILTER (WHERE NOT p.subscribed)
FROM {_SOME} JOIN email_preferences AS p ON p.user_id = u.id WHERE {_PRESENT} GROUP BY 1
"""  # noqa: S608
_TIERS: Final = f"""
SELECT width_bucket(e.points, $2::numeric[]), count(*)
FROM (SELECT COALESCE(sum(f.points), 0) AS points
      FROM {_SOME} LEFT JOIN activity_facts AS f ON f.user_id = u.id AND f.kind = 'POINTS_EARNED'
      WHERE {_PRESENT} GROUP BY u.id) AS e
GROUP BY 1
"""  # noqa: S608
_CREATED: Final = b"""
SELECT date_trunc($1, u.created_at AT TIME ZONE 'UTC')::date, count(*) FROM users AS u
WHERE u.state = ANY ($2::text[]) AND u.created_at >= $3 GROUP BY 1
"""
"""From the index over states and times of creation alone."""


def _most(column: str) -> str:
    counted = f"SELECT u.{column} AS value, count(*) AS users FROM {_SOME} WHERE {_PRESENT} GROUP BY 1"  # noqa: S608
    return f"""
    WITH counted AS ({counted})
    (SELECT value, users FROM counted WHERE value IS NOT NULL ORDER BY users DESC, value COLLATE "C" LIMIT $2)
    UNION ALL SELECT value, users FROM counted WHERE value IS NULL
    """  # noqa: S608


@frozen
class SqlStatisticsReader:
    """Counts users, each number by a statement of its own."""

    database: Reads

    async def size(self) -> int:
        """Return about how many users there are."""
        [(size,)] = await self.database.fetch(_SIZE)
        return int(size)

    async def census(self, *, share: float, limits: Sequence[int], top: int) -> Census:
        """Count users as they are, in about this share of the table's pages."""
        percent = share * 100
        states: dict[AccountState, int] = {}
        restricted, verified = 0, dict.fromkeys(VerificationChannel, 0)
        for word, users, kept_only, *proved in await self.database.fetch(_STATES.encode(), percent):
            states[AccountState(word)] = users
            if word in PRESENT:
                restricted += kept_only
                verified = {channel: verified[channel] + count for channel, count in zip(verified, proved, strict=True)}
        topics = await self.database.fetch(_TOPICS.encode(), percent)
        tiers: dict[int, int] = dict(await self.database.fetch(_TIERS.encode(), percent, list(limits)))
        return Census(
            counted=sum(states.values()),
            states=states,
            restricted=restricted,
            verified=verified,
            tiers=tuple(tiers.get(place, 0) for place in range(1, len(limits) + 1)),
            topics={topic: (yes, no) for topic, yes, no in topics},
            countries=await self._most("address_country", percent, top),
            locales=await self._most("locale", percent, top),
        )

    async def _most(self, column: str, percent: float, top: int) -> tuple[Counted, ...]:
        return tuple(Counted(*row) for row in await self.database.fetch(_most(column).encode(), percent, top))

    async def created(self, period: Period, since: date) -> Mapping[date, int]:
        """Return how many users were created in each period."""
        begin = datetime.combine(since, time(), UTC)
        states = [state.value for state in AccountState]
        return dict(await self.database.fetch(_CREATED, period.value, states, begin))


if TYPE_CHECKING:

    def _conforms(database: Reads) -> StatisticsReader:
        return SqlStatisticsReader(database)
