"""A limiter in the memory of one process, exact for whoever comes to it."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from usercore.kernel.limits import LimitPolicy, RateLimiter, Verdict, take

MOST_BUCKETS: Final = 100_000
"""Buckets remembered; beyond that the full ones are forgotten, and if there are too few of them the oldest."""


class MemoryRateLimiter:
    """Hands out permits of this process alone.

    Args:
        clock: seconds that never run backwards.
        most_buckets: how many are remembered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, most_buckets: int = MOST_BUCKETS) -> None:
        self._clock = clock
        self._most = most_buckets
        self._full_at: dict[tuple[str, str], float] = {}

    def at_once(self, policy: LimitPolicy, caller: str) -> Verdict:
        """Take one permit, or refuse; it is always known at once."""
        now = self._clock()
        key = (policy.name, caller)
        full_at, _, verdict = take(policy, self._full_at.get(key, now), now)
        self._full_at[key] = full_at
        if len(self._full_at) > self._most:
            self._forget(now)
        return verdict

    async def admit(self, policy: LimitPolicy, caller: str) -> Verdict:
        """Take one permit, or refuse."""
        return self.at_once(policy, caller)

    def _forget(self, now: float) -> None:
        left = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        surplus = len(left) - self._most // 2
        self._full_at = dict(list(left.items())[max(0, surplus) :])


if TYPE_CHECKING:

    def _conform(limiter: MemoryRateLimiter) -> None:
        _limiter: RateLimiter = limiter
