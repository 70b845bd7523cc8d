"""Trying again, in place, what failed for a passing reason."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

import structlog
from attrs import Factory, field, frozen

from user_stream.outcomes import Outcome, outcome_of
from usercore.observe.metrics import Metrics

__all__ = ["UNEXPECTED_TRIES", "BaffledError", "GivenUpError", "Retrying"]

T = TypeVar("T")

UNEXPECTED_TRIES: Final = 3
"""A bug is rarely gone by the next try, and the partition waits."""


class GivenUpError(Exception):
    """A part we stand on stays away: the process must end, so that its messages come again."""

    def __init__(self, code: str) -> None:
        super().__init__(f"gave up after {code}")
        self.code = code


class BaffledError(Exception):
    """One message fails for a reason that nobody foresaw.

    Args:
        attempts: how often it was tried.
    """

    def __init__(self, attempts: int) -> None:
        super().__init__("failed for a reason that nobody foresaw")
        self.attempts = attempts


@frozen
class Retrying:
    """Runs work until it succeeds or is refused.

    Args:
        retries: how often work is tried again while a part does not answer.
        first_s: before the first retry; each later one waits twice as long, give or take a half.
        longest_s: between two tries.
        metrics: counts the retries.
        stopping: once set nobody waits any longer.
    """

    retries: int
    first_s: float
    longest_s: float
    metrics: Metrics
    stopping: asyncio.Event = field(factory=asyncio.Event)
    _random: random.Random = field(default=Factory(random.Random), repr=False)

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what `work` returns.

        Raises:
            GivenUpError: a part still does not answer after the last retry, or the process is stopping.
            BaffledError: it failed for a reason that nobody foresaw, each time.
            UserCoreError: it is refused.
        """
        tries = 0
        while True:
            tries += 1
            try:
                return await work()
            except Exception as error:  # noqa: BLE001 -- each is judged, and most are raised again
                self._judge(error, tries)
            await self._pause(tries)

    def _judge(self, error: Exception, tries: int) -> None:
        """Return where the work is to be tried again; raise what stands against it."""
        outcome = outcome_of(error)
        code = getattr(error, "code", "unexpected")
        if outcome is Outcome.RETRY:
            if tries > self.retries or self.stopping.is_set():
                structlog.get_logger().error("gave up", code=code, tries=tries, exc_info=error)
                raise GivenUpError(code) from error
        elif outcome is Outcome.BURY:
            structlog.get_logger().warning("failed unexpectedly", tries=tries, exc_info=error)
            if tries >= min(UNEXPECTED_TRIES, self.retries + 1):
                raise BaffledError(tries) from error
        else:
            raise error
        self.metrics.stream_retried(code)

    async def _pause(self, tries: int) -> None:
        """Wait before the next try, or until the process is to stop."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (tries - 1))
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), longest * self._random.uniform(0.5, 1.0))
