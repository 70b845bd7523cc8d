"""How often one caller may ask: a bucket of permits for each, which fills up again evenly.

A bucket holds a quota of permits and is filled at the rate of one quota in each window. So a caller may use a whole
quota at once, and then as much as flows in: in any time of `t` seconds ``quota * (1 + t / window)`` requests at most.
"""

from typing import NamedTuple, Protocol

from attrs import frozen


@frozen
class Quota:
    """So many requests in so much time.

    Args:
        requests: 1 at least.
        window_s: whole seconds, as the `RateLimit-Policy` header needs them.
    """

    requests: int
    window_s: int

    def __str__(self) -> str:
        """Return it as settings write it: ``600/60``."""
        return f"{self.requests}/{self.window_s}"


@frozen
class LimitPolicy:
    """A quota that each caller has for requests of one sort.

    Args:
        name: the sort, as callers and metrics see it.
        quota: for each of them.
    """

    name: str
    quota: Quota

    @property
    def interval_s(self) -> float:
        """After how long one permit more is there."""
        return self.quota.window_s / self.quota.requests


class Verdict(NamedTuple):
    """Whether a request may go on; a plain tuple, as each request makes one.

    Args:
        admitted: whether it may.
        remaining: permits left to the caller, as far as is known here.
        reset_s: until the caller has the whole quota again.
        retry_s: until the next permit, where there is none.
    """

    admitted: bool
    remaining: int
    reset_s: float
    retry_s: float = 0.0


class RateLimiter(Protocol):
    """Hands out permits. It never fails: without what it stands on it decides by what it knows here."""

    def at_once(self, policy: LimitPolicy, caller: str) -> Verdict | None:
        """Take one permit, or refuse, where that is known without asking; None means that nothing was done."""
        ...

    async def admit(self, policy: LimitPolicy, caller: str) -> Verdict:
        """Take one permit, or refuse.

        Args:
            policy: of which sort the request is.
            caller: who asks; callers are told apart by this word, which leaves the process hashed alone.
        """
        ...


def take(
    policy: LimitPolicy, full_at: float, now: float, wanted: int = 1, returned: int = 0
) -> tuple[float, int, Verdict]:
    """Take permits out of a bucket.

    Args:
        policy: the bucket's.
        full_at: when it would be full if nobody took any more; a new one is full now.
        now: seconds, on the same clock.
        wanted: how many permits at most.
        returned: how many permits taken before come back unused.

    Returns:
        When it will be full now, how many were taken, and how it stands.
    """
    window_s, requests = policy.quota.window_s, policy.quota.requests
    full_at = min(max(full_at - returned * policy.interval_s, now), now + window_s)
    free = int((now + window_s - full_at) * requests / window_s + _ROUNDING)
    taken = min(wanted, free)
    full_at += taken * policy.interval_s
    retry_s = 0.0 if free > taken else max(0.0, full_at + policy.interval_s - window_s - now)
    return full_at, taken, Verdict(taken > 0, free - taken, full_at - now, retry_s)


_ROUNDING = 1e-6
"""What a full bucket may lack of a whole permit by the rounding of fractions alone."""
