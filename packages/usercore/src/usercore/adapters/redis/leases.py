"""Permits taken from the server in advance, so that most requests need not ask it.

A copy of the service takes a few permits of a caller at a time and hands them out; who uses them up gets twice as
many the next time, up to a twentieth of the quota. What is not used within a twentieth of the window is given back
with the next question. So a caller who asks rarely costs the server a question each time and is counted exactly, and
one who asks all the time is counted with an error of a twentieth of the quota for each copy, and one more.
"""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol, Self

from attrs import define, frozen

from usercore.adapters.memory.limits import MemoryRateLimiter
from usercore.adapters.redis.steps import CacheDownError
from usercore.kernel.errors import ExhaustedError, UnavailableError
from usercore.kernel.gather import Gatherer
from usercore.kernel.limits import LimitPolicy, RateLimiter, Verdict

SHARES: Final = 20
"""A lease holds one share of the quota at most, for one share of the window at most."""
LIFE_MAX_S: Final = 5.0
"""However long the window: permits that lie about here are missing elsewhere."""
MOST_LEASES: Final = 10_000
"""Callers whose leases are kept; those that asked the server least lately are forgotten, with their permits."""
REST_S: Final = 1.0
"""How long to decide alone, where the server did not answer, before asking again."""
_BATCH: Final = 200
_WAITING: Final = 20_000


@frozen
class Ask:
    """A question for permits.

    Args:
        policy: of which sort.
        caller: for whom.
        wanted: how many at most.
        returned: how many of an earlier grant were not used.
    """

    policy: LimitPolicy
    caller: str
    wanted: int
    returned: int = 0


@frozen
class Grant:
    """The answer.

    Args:
        taken: how many were got.
        remaining: how many are left.
        reset_s: until the bucket is full.
        retry_s: until the next one is there, where none is left.
    """

    taken: int
    remaining: int
    reset_s: float
    retry_s: float


class Permits(Protocol):
    """The buckets that all copies share."""

    async def take(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Answer questions in their order.

        Raises:
            CacheDownError: the server does not answer; what was taken is lost.
        """
        ...


class LimitObserver(Protocol):
    """Is told how limiting goes."""

    def rate_limit_fallback(self) -> None:
        """Count a question that the server did not answer."""
        ...


class SilentLimitObserver:
    """Counts nothing."""

    def rate_limit_fallback(self) -> None:
        """Do nothing."""


@define(eq=False)
class _Lease:
    """What this copy holds of one bucket; times are those of the limiter's clock."""

    policy: LimitPolicy
    caller: str
    left: int = 0
    size: int = 1
    until: float = 0.0
    remaining: int = 0
    full_at: float = 0.0
    closed_until: float = 0.0
    waiting: int = 0

    def ask(self, now: float) -> Ask:
        """Return the next question, which gives back what has expired."""
        unused, self.left = self.left, 0
        if unused:
            self.size = max(1, self.size - unused)
        elif now < self.until:
            self.size = min(self.size * 2, max(1, self.policy.quota.requests // SHARES))
        return Ask(self.policy, self.caller, max(self.size, self.waiting), unused)

    def fill(self, grant: Grant, now: float) -> None:
        """Take what was granted."""
        self.left += grant.taken
        self.until = now + min(self.policy.quota.window_s / SHARES, LIFE_MAX_S)
        self.remaining = grant.remaining
        self.full_at = now + grant.reset_s
        self.closed_until = now + grant.retry_s

    def verdict(self, now: float) -> Verdict | None:
        """Take one permit or refuse, or return None where the server must be asked."""
        if self.left and now < self.until:
            self.left -= 1
            return Verdict(True, self.remaining + self.left, self.full_at - now)  # noqa: FBT003 -- a tuple's field
        if now < self.closed_until and not self.left:
            return Verdict(False, 0, self.full_at - now, self.closed_until - now)  # noqa: FBT003 -- likewise
        return None


class LeasedRateLimiter:
    """Hands out permits of buckets that all copies share; alone, where they cannot be reached.

    It belongs to one event loop. Use it as an async context manager.

    Args:
        permits: the buckets.
        observer: is told when they cannot be reached.
        clock: seconds that never run backwards.
    """

    def __init__(self, permits: Permits, observer: LimitObserver, clock: Callable[[], float] = time.monotonic) -> None:
        self._permits = permits
        self._observer = observer
        self._clock = clock
        self._local = MemoryRateLimiter(clock)
        self._alone_until = 0.0
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._refilled = Gatherer(self._refill, most_at_once=_BATCH, most_waiting=_WAITING, name="permits")

    async def __aenter__(self) -> Self:
        """Return the limiter."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish what is under way."""
        await self._refilled.aclose()

    def at_once(self, policy: LimitPolicy, caller: str) -> Verdict | None:
        """Take one permit, or refuse, where this copy knows."""
        now = self._clock()
        if now < self._alone_until:
            return self._local.at_once(policy, caller)
        lease = self._leases.get((policy.name, caller))
        return None if lease is None else lease.verdict(now)

    async def admit(self, policy: LimitPolicy, caller: str) -> Verdict:
        """Take one permit, or refuse; ask the server where this copy does not know."""
        lease = self._leases.get((policy.name, caller)) or self._keep(_Lease(policy, caller))
        lease.waiting += 1
        try:
            while (verdict := self.at_once(policy, caller)) is None:
                await self._refilled(lease)
        except (UnavailableError, ExhaustedError):
            return self._local.at_once(policy, caller)
        finally:
            lease.waiting -= 1
        return verdict

    async def _refill(self, leases: Sequence[_Lease]) -> Sequence[None]:
        now = self._clock()
        try:
            grants = await self._permits.take([lease.ask(now) for lease in leases])
        except CacheDownError:
            self._alone_until = self._clock() + REST_S
            self._observer.rate_limit_fallback()
            raise
        now = self._clock()
        for lease, grant in zip(leases, grants, strict=True):
            lease.fill(grant, now)
            self._keep(lease)
        return [None] * len(leases)

    def _keep(self, lease: _Lease) -> _Lease:
        """Remember a lease as the latest."""
        key = (lease.policy.name, lease.caller)
        self._leases.pop(key, None)
        self._leases[key] = lease
        while len(self._leases) > MOST_LEASES:
            del self._leases[next(iter(self._leases))]
        return lease


if TYPE_CHECKING:

    def _conform(limiter: LeasedRateLimiter) -> None:
        _limiter: RateLimiter = limiter
