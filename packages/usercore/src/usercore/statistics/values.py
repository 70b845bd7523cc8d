"""Numbers about users. None of them tells of anybody."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from attrs import frozen

from usercore.users.values import AccountState, VerificationChannel


class Period(StrEnum):
    """How time is parted; a week begins on Monday, and all in UTC."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def begin(self, day: date) -> date:
        """Return the first day of the period that a day lies in."""
        match self:
            case Period.DAY:
                return day
            case Period.WEEK:
                return day - timedelta(days=day.weekday())
            case Period.MONTH:
                return day.replace(day=1)

    def before(self, begin: date) -> date:
        """Return the first day of the period before the one that begins then."""
        return self.begin(begin - timedelta(days=1))


@frozen
class Counted:
    """How many users have a value in common.

    Args:
        name: the value; None counts those who have none.
        users: how many.
    """

    name: str | None
    users: int


@frozen
class Census:
    """What was counted of users as they are; all but `states` of those who are active or deactivated.

    Args:
        counted: how many rows were looked at.
        states: how many users stand where.
        restricted: how many may be kept and not otherwise processed.
        verified: how many have proved what.
        tiers: how many reached each of the limits that were asked for, and none above it.
        topics: for each topic how many said yes, and how many no.
        countries: the most frequent ones, and those who have none.
        locales: likewise.
    """

    counted: int
    states: Mapping[AccountState, int]
    restricted: int
    verified: Mapping[VerificationChannel, int]
    tiers: tuple[int, ...]
    topics: Mapping[str, tuple[int, int]]
    countries: tuple[Counted, ...]
    locales: tuple[Counted, ...]


@frozen
class TopicShare:
    """What users want of one topic.

    Args:
        topic: its name.
        subscribed: how many it is sent to: who said so, and who said nothing where that is the default.
        said: how many said anything.
    """

    topic: str
    subscribed: int
    said: int


@frozen
class Statistics:
    """How many users there are, since when, and of what kind.

    Args:
        at: when this was counted; aware, UTC.
        sampled: how many users the numbers were estimated from, or None where each was counted. `growth` always is.
        states: how many users stand where.
        present: active and deactivated users; all that follows is about them.
        restricted: how many may be kept and not otherwise processed.
        verified: how many have proved what.
        tiers: of the loyalty programme, from the lowest.
        topics: by name.
        countries: the most frequent ones, and those who have none.
        locales: likewise.
        period: what growth is told by.
        growth: for each period, oldest first, its first day and how many users were created in it, whatever became of
            them since; the last one is not over.
    """

    at: datetime
    sampled: int | None
    states: Mapping[AccountState, int]
    present: int
    restricted: int
    verified: Mapping[VerificationChannel, int]
    tiers: tuple[Counted, ...]
    topics: tuple[TopicShare, ...]
    countries: tuple[Counted, ...]
    locales: tuple[Counted, ...]
    period: Period
    growth: tuple[tuple[date, int], ...]
