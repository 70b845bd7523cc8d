"""When to leave a recipient alone.

Closed, everything is told. After so many failures in a row it opens: nothing is told, so that a service that is down
is not held down. When its time is over, one delivery goes as a probe: the breaker closes if it is taken, and opens
again, for longer, if it is not.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from attrs import define, field, frozen

from usercore.delivery.values import Recipient


class BreakerState(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@frozen
class BreakerLimits:
    """When a breaker opens, and for how long.

    Args:
        failures: in a row, after which it opens.
        open_for: how long it stays open at first; twice as long after each probe that fails.
        longest: the most of that.
    """

    failures: int = 5
    open_for: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(minutes=5)


@define
class Breaker:
    """The breaker of one recipient, in one process."""

    limits: BreakerLimits = field(factory=BreakerLimits)
    _failures: int = field(default=0, init=False)
    _openings: int = field(default=0, init=False)
    _open_until: datetime | None = field(default=None, init=False)

    def state(self, now: datetime) -> BreakerState:
        """Return how it stands."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self._open_until else BreakerState.HALF_OPEN

    def allowance(self, now: datetime, most: int) -> int:
        """Return how many may be told now, up to `most`."""
        return {BreakerState.CLOSED: most, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 0}[self.state(now)]

    def reopens_at(self, now: datetime) -> datetime:
        """Return when something may be told again."""
        return max(now, self._open_until or now)

    def answered(self) -> None:
        """Take note that the recipient does its work."""
        self._failures, self._openings, self._open_until = 0, 0, None

    def failed(self, now: datetime, wait: timedelta | None = None) -> None:
        """Take note that it did not; `wait` is how long it asks to be left alone."""
        state = self.state(now)
        self._failures += 1
        if state is BreakerState.HALF_OPEN or (state is BreakerState.CLOSED and self._failures >= self.limits.failures):
            # The doubling is bounded before it is worked out: a service may be away for weeks.
            opening = self.limits.open_for * 2 ** min(self._openings, 16)
            self._openings += 1
            self._open_until = now + min(opening, self.limits.longest)
        if wait is not None:
            self._open_until = max(self.reopens_at(now), now + wait)


def breakers(limits: BreakerLimits) -> dict[Recipient, Breaker]:
    """Return a breaker for each recipient."""
    return {recipient: Breaker(limits) for recipient in Recipient}
