"""Cases, and how they are measured: ours and the floor in turn, round after round."""

import statistics
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from bench.lab import Lab

ROUNDS_LEAST = 1


class CaseFailedError(Exception):
    """A case could not run."""


class By(StrEnum):
    """What of two samples is compared."""

    RATE = "/s"
    COST = "µs"
    MEDIAN = "ms"
    SECONDS = "s"
    MEMORY = "MiB"


@frozen
class Sample:
    """What one measurement of a few seconds gave.

    Args:
        per_second: requests, transactions or starts a second.
        p50_ms: median time of one.
        p99_ms: 99 of 100 took at most this long.
        count: how many were measured.
        more_mib: the most memory that it took beyond the idle process, where that was looked at.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    count: int
    more_mib: float = 0.0

    def value(self, by: By) -> float:
        """Return what is compared, in the unit of `by`."""
        match by:
            case By.RATE:
                return self.per_second
            case By.COST:
                return 1e6 / self.per_second
            case By.MEDIAN:
                return self.p50_ms
            case By.SECONDS:
                return 1 / self.per_second
            case By.MEMORY:
                return self.more_mib


Measure = Callable[[float], Awaitable[Sample]]
"""Measures for about so many seconds."""


@frozen
class Sides:
    """The two things that a case compares, ready to be measured."""

    ours: Measure
    floor: Measure | None = None


@frozen
class Goal:
    """What a case should reach: information, never a failure.

    Args:
        at_least: lower bound of the ratio; without a floor, of the value.
        at_most: upper bound, likewise.
        p99_ms: upper bound of our p99.
    """

    at_least: float | None = None
    at_most: float | None = None
    p99_ms: float | None = None

    def met(self, figure: float, p99_ms: float) -> bool:
        """Say whether the figure, and p99 where it counts, are within the bounds."""
        return (
            (self.at_least is None or figure >= self.at_least)
            and (self.at_most is None or figure <= self.at_most)
            and (self.p99_ms is None or p99_ms <= self.p99_ms)
        )

    def __str__(self) -> str:
        """Return the bounds as they stand in the table."""
        bounds = []
        if self.at_least is not None:
            bounds.append(f"≥ {self.at_least:g}")
        if self.at_most is not None:
            bounds.append(f"≤ {self.at_most:g}")
        if self.p99_ms is not None:
            bounds.append(f"p99 ≤ {self.p99_ms:g} ms")
        return ", ".join(bounds)


@frozen
class Case:
    """One thing to measure against its floor.

    Args:
        name: what `--case` takes.
        title: what is measured.
        floor: what it is held against, or what the goal is where there is no floor.
        by: what of the samples is compared.
        goal: what it should reach, or None for information.
        sides: makes both sides ready and tidies up behind them.
    """

    name: str
    title: str
    floor: str
    by: By
    goal: Goal | None
    sides: Callable[["Lab"], AbstractAsyncContextManager[Sides]] = field(repr=False)


@frozen
class Round:
    """Both sides, measured one right after the other."""

    ours: Sample
    floor: Sample | None

    def figure(self, by: By) -> float:
        """Return ours divided by the floor; without a floor, ours."""
        value = self.ours.value(by)
        return value if self.floor is None else value / self.floor.value(by)


@frozen
class Outcome:
    """What a case gave, or why it could not run.

    Args:
        case: which.
        rounds: in order; empty where it failed.
        failure: why it could not run.
    """

    case: Case
    rounds: tuple[Round, ...]
    failure: str | None = None

    @property
    def figures(self) -> list[float]:
        """The ratio of each round; without a floor, our value."""
        return [one.figure(self.case.by) for one in self.rounds]

    @property
    def figure(self) -> float:
        """The median over the rounds."""
        return statistics.median(self.figures)

    @property
    def p50_ms(self) -> float:
        """The median of our median time over the rounds."""
        return statistics.median(one.ours.p50_ms for one in self.rounds)

    @property
    def p99_ms(self) -> float:
        """The median of our p99 over the rounds."""
        return statistics.median(one.ours.p99_ms for one in self.rounds)

    @property
    def ours(self) -> float:
        """The median of our value over the rounds."""
        return statistics.median(one.ours.value(self.case.by) for one in self.rounds)

    @property
    def floor(self) -> float | None:
        """The median of the floor's value over the rounds."""
        values = [one.floor.value(self.case.by) for one in self.rounds if one.floor is not None]
        return statistics.median(values) if values else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none or the case failed."""
        if self.case.goal is None or not self.rounds:
            return None
        return self.case.goal.met(self.figure, self.p99_ms)


async def measure(case: Case, sides: Sides, *, rounds: int, seconds: float) -> Outcome:
    """Measure both sides in turn; which goes first changes with each round, so that drift favours neither.

    Args:
        case: what it is.
        sides: what to measure.
        rounds: how often.
        seconds: for each sample.
    """
    taken = []
    for number in range(max(rounds, ROUNDS_LEAST)):
        if sides.floor is not None and number % 2:
            floor: Sample | None = await sides.floor(seconds)
            ours = await sides.ours(seconds)
        else:
            ours = await sides.ours(seconds)
            floor = await sides.floor(seconds) if sides.floor is not None else None
        taken.append(Round(ours, floor))
    return Outcome(case, tuple(taken))
