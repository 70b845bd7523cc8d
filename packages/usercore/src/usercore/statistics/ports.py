"""What statistics ask of the world outside."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

from usercore.statistics.values import Census, Period


class StatisticsReader(Protocol):
    """Counts users. Each number may be of a moment of its own, a little after the one before."""

    async def size(self) -> int:
        """Return about how many users there are, whatever their state, without counting them.

        Raises:
            UnavailableError: the database does not answer.
        """
        ...

    async def census(self, *, share: float, limits: Sequence[int], top: int) -> Census:
        """Count users as they are.

        Args:
            share: about which part of all users to look at, above 0; 1 looks at each of them. A store that is quick
                with all may look at all.
            limits: points at which tiers begin, rising from 0.
            top: how many countries and locales to name.

        Raises:
            UnavailableError: the database does not answer, or not in time.
        """
        ...

    async def created(self, period: Period, since: date) -> Mapping[date, int]:
        """Return how many users were created in each period, by its first day; one without any may be missing.

        Args:
            period: how time is parted.
            since: the first day of the first period.

        Raises:
            UnavailableError: as above.
        """
        ...
