"""Count users, or estimate where counting takes long."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from attrs import evolve, field, frozen

from usercore.activity.summary import LoyaltyTiers
from usercore.kernel.ports import Clock
from usercore.preferences.ports import TopicRegistry
from usercore.preferences.values import EmailTopic
from usercore.statistics.ports import StatisticsReader
from usercore.statistics.values import Census, Counted, Period, Statistics, TopicShare
from usercore.users.queries import PRESENT

COUNTED_UP_TO: Final = 500_000
"""More users than this are not counted one by one unless that is asked for.

Source: measured: counting takes about 5 µs a user, and a statement may take five seconds."""
SAMPLE: Final = 50_000
"""Users that an estimate looks at: a share of one half is then right to 0.5 % in 19 of 20 cases."""
PERIODS_MAX: Final = 400


class Precision(StrEnum):
    """How numbers come about."""

    AUTO = "auto"
    """Counted where that is quick, else estimated."""
    EXACT = "exact"
    ESTIMATE = "estimate"


@frozen
class StatisticsQuery:
    """What is to be counted.

    Args:
        period: what growth is told by.
        periods: how many of them, the current one among them; 1 to :data:`PERIODS_MAX`.
        precision: counted or estimated.
        top: how many countries and locales are named.
    """

    period: Period = Period.DAY
    periods: int = 30
    precision: Precision = Precision.AUTO
    top: int = 8


@frozen
class ReadStatistics:
    """Tells how many users there are, since when, and of what kind."""

    reader: StatisticsReader
    topics: TopicRegistry
    tiers: LoyaltyTiers
    clock: Clock
    sample: int = field(default=SAMPLE)

    async def __call__(self, query: StatisticsQuery) -> Statistics:
        """Return the numbers.

        Raises:
            UnavailableError: the database does not answer, or not in time; an estimate is quicker.
        """
        now = self.clock.now()
        size = await self._size(query.precision)
        share = 1.0 if size is None else min(1.0, self.sample / max(size, 1))
        census = await self.reader.census(share=share, limits=[least for _, least in self.tiers], top=query.top)
        scaled = census if size is None else _scaled(census, size)
        present = sum(count for state, count in scaled.states.items() if state in PRESENT)
        begins = [query.period.begin(now.date())]
        while len(begins) < min(query.periods, PERIODS_MAX):
            begins.append(query.period.before(begins[-1]))
        created = await self.reader.created(query.period, begins[-1])
        return Statistics(
            at=now,
            sampled=None if size is None else census.counted,
            states=scaled.states,
            present=present,
            restricted=scaled.restricted,
            verified=scaled.verified,
            tiers=tuple(Counted(name, users) for (name, _), users in zip(self.tiers, scaled.tiers, strict=True)),
            topics=tuple(_shares(await self.topics.all(), scaled.topics, present)),
            countries=scaled.countries,
            locales=scaled.locales,
            period=query.period,
            growth=tuple((begin, created.get(begin, 0)) for begin in reversed(begins)),
        )

    async def _size(self, precision: Precision) -> int | None:
        """Return about how many users there are, or None where each is to be counted."""
        if precision is Precision.EXACT:
            return None
        size = await self.reader.size()
        counted = size <= (COUNTED_UP_TO if precision is Precision.AUTO else self.sample)
        return None if counted else size


def _scaled(census: Census, size: int) -> Census:
    """Return what a part of the users says of all of them."""

    def all_of(count: int) -> int:
        return round(count * size / max(census.counted, 1))

    def named(counts: Sequence[Counted]) -> tuple[Counted, ...]:
        return tuple(evolve(one, users=all_of(one.users)) for one in counts)

    return Census(
        counted=census.counted,
        states={state: all_of(count) for state, count in census.states.items()},
        restricted=all_of(census.restricted),
        verified={channel: all_of(count) for channel, count in census.verified.items()},
        tiers=tuple(map(all_of, census.tiers)),
        topics={topic: (all_of(yes), all_of(no)) for topic, (yes, no) in census.topics.items()},
        countries=named(census.countries),
        locales=named(census.locales),
    )


def _shares(topics: Sequence[EmailTopic], said: Mapping[str, tuple[int, int]], present: int) -> Sequence[TopicShare]:
    return [_share_of(topic, *said.get(topic.name, (0, 0)), present) for topic in topics]


def _share_of(topic: EmailTopic, yes: int, no: int, present: int) -> TopicShare:
    silent = max(present - yes - no, 0)
    subscribed = present if topic.mandatory else yes + (silent if topic.subscribed_by_default else 0)
    return TopicShare(topic.name, subscribed, yes + no)
