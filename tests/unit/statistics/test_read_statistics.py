"""Statistics: what is counted, and what is estimated from some of the users."""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from attrs import define, field

from tests.builders import NOW, SetClock
from usercore.activity.summary import DEFAULT_TIERS
from usercore.preferences.values import EmailTopic
from usercore.statistics.read_statistics import COUNTED_UP_TO, Precision, ReadStatistics, StatisticsQuery
from usercore.statistics.values import Census, Counted, Period, TopicShare
from usercore.users.values import AccountState, VerificationChannel
from usercore.wiring.memory import memory_ports


@define
class Reader:
    """Has some thousands of users, and looks at the share that it is asked for."""

    rows: int
    shares: list[float] = field(factory=list)

    async def size(self) -> int:
        return self.rows

    async def census(self, *, share: float, limits: Sequence[int], top: int) -> Census:
        assert (list(limits), top) == ([least for _, least in DEFAULT_TIERS], 8)
        self.shares.append(share)
        seen = round(self.rows * share)
        return Census(
            counted=seen,
            states={
                AccountState.ACTIVE: seen // 2,
                AccountState.DEACTIVATED: seen // 4,
                AccountState.ERASED: seen // 4,
            },
            restricted=seen // 100,
            verified={VerificationChannel.EMAIL: seen // 2},
            tiers=(seen // 2, seen // 8, seen // 8, 0),
            topics={"news": (seen // 10, seen // 20)},
            countries=(Counted("DE", seen // 2), Counted(None, seen // 4)),
            locales=(),
        )

    async def created(self, period: Period, since: date) -> Mapping[date, int]:
        assert period.begin(since) == since
        return {since: 7}


async def a_use_case(rows: int) -> tuple[Reader, ReadStatistics]:
    reader, topics = Reader(rows), memory_ports().topics
    for name, mandatory, default in (("bills", True, False), ("news", False, True), ("rare", False, False)):
        await topics.put(EmailTopic(name, name, "", mandatory, default, "1", NOW))
    return reader, ReadStatistics(reader, topics, DEFAULT_TIERS, SetClock(), sample=10_000)


@pytest.mark.parametrize(
    ("rows", "precision", "share"),
    [
        (COUNTED_UP_TO, Precision.AUTO, 1),
        (1_000_000, Precision.AUTO, 0.01),
        (1_000_000, Precision.EXACT, 1),
        (40_000, Precision.ESTIMATE, 0.25),
        (8_000, Precision.ESTIMATE, 1),
        (0, Precision.ESTIMATE, 1),
    ],
)
async def test_a_sample_is_looked_at_where_counting_takes_long(rows: int, precision: Precision, share: float) -> None:
    reader, read = await a_use_case(rows)

    statistics = await read(StatisticsQuery(precision=precision))

    assert reader.shares == [share]
    assert statistics.sampled == (None if share == 1 else rows * share)
    assert statistics.states[AccountState.ACTIVE] == rows // 2
    assert statistics.present == rows * 3 // 4
    assert statistics.restricted == rows // 100
    assert statistics.tiers[:2] == (Counted("BRONZE", rows // 2), Counted("SILVER", rows // 8))
    assert statistics.countries == (Counted("DE", rows // 2), Counted(None, rows // 4))


async def test_mail_goes_to_who_said_so_and_to_who_is_silent_where_that_is_the_default() -> None:
    _, read = await a_use_case(4_000)

    statistics = await read(StatisticsQuery())

    assert statistics.topics == (
        TopicShare("bills", 3_000, 0),
        TopicShare("news", 400 + (3_000 - 600), 600),
        TopicShare("rare", 0, 0),
    )


async def test_growth_has_every_period_the_oldest_first() -> None:
    _, read = await a_use_case(10)

    by_month = await read(StatisticsQuery(Period.MONTH, 3))
    by_week = await read(StatisticsQuery(Period.WEEK, 2))

    assert by_month.growth == ((date(2026, 1, 1), 7), (date(2026, 2, 1), 0), (date(2026, 3, 1), 0))
    assert by_week.growth == ((date(2026, 2, 16), 7), (date(2026, 2, 23), 0))
