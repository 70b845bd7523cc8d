"""Numbers about users, counted in memory."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

from attrs import frozen

from usercore.activity.facts import PointsEarned
from usercore.adapters.memory.database import MemoryDatabase
from usercore.kernel.ids import UserId
from usercore.statistics.ports import StatisticsReader
from usercore.statistics.values import Census, Counted, Period
from usercore.users.model import User
from usercore.users.queries import PRESENT
from usercore.users.values import VerificationChannel


@frozen
class MemoryStatisticsReader:
    """Counts users by looking at every one of them."""

    database: MemoryDatabase

    async def size(self) -> int:
        """Return how many users there are."""
        return len(self.database.users)

    async def census(self, *, share: float, limits: Sequence[int], top: int) -> Census:  # noqa: ARG002 -- all are quick
        """Count users as they are."""
        users = list(self.database.users.values())
        present = [user for user in users if user.status.state in PRESENT]
        addresses = [user.profile.address for user in present]
        return Census(
            counted=len(users),
            states=Counter(user.status.state for user in users),
            restricted=sum(user.restricted for user in present),
            verified={channel: sum(_verified(user, channel) for user in present) for channel in VerificationChannel},
            tiers=self._tiers(present, limits),
            topics=self._topics(present),
            countries=_top((address.country if address else None for address in addresses), top),
            locales=_top((user.profile.locale for user in present), top),
        )

    async def created(self, period: Period, since: date) -> Mapping[date, int]:
        """Return how many users were created in each period."""
        days = (user.created_at.date() for user in self.database.users.values())
        return Counter(period.begin(day) for day in days if day >= since)

    def _tiers(self, users: Iterable[User], limits: Sequence[int]) -> tuple[int, ...]:
        points: Counter[UserId] = Counter()
        for entry in self.database.facts.values():
            if isinstance(entry.fact, PointsEarned):
                points[entry.user_id] += entry.fact.points
        reached = Counter(sum(limit <= points[user.id] for limit in limits) for user in users)
        return tuple(reached[place] for place in range(1, len(limits) + 1))

    def _topics(self, users: Iterable[User]) -> Mapping[str, tuple[int, int]]:
        said: dict[str, tuple[int, int]] = {}
        for user in users:
            for topic, preference in self.database.preferences.get(user.id, {}).items():
                yes, no = said.get(topic, (0, 0))
                said[topic] = (yes + preference.subscribed, no + (not preference.subscribed))
        return said


def _verified(user: User, channel: VerificationChannel) -> bool:
    return getattr(user.verification, channel.value) is not None


def _top(values: Iterable[str | None], top: int) -> tuple[Counted, ...]:
    counts = Counter(values)
    none = counts.pop(None, 0)
    most = sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:top]
    return (*(Counted(name, users) for name, users in most), *([Counted(None, none)] if none else []))


if TYPE_CHECKING:
    _reader: StatisticsReader = MemoryStatisticsReader(MemoryDatabase())
