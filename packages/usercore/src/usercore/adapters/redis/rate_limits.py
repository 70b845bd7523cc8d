"""Buckets of permits on a server, shared by every copy of the service; its clock counts, not ours."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, cast

from attrs import evolve

from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.leases import Ask, Grant, LeasedRateLimiter, LimitObserver, Permits, SilentLimitObserver
from usercore.adapters.redis.link import RedisLink
from usercore.adapters.redis.observer import SilentObserver
from usercore.settings.sections import CacheSettings

CONNECTIONS: Final = 2
"""The gatherer has two batches under way at most."""
_MICROS: Final = 1_000_000
_PURPOSE: Final = b"rate-limits"

# The generic cell rate algorithm. A bucket is one number: the microsecond in which it will be full again. It is
# rounded up, so that no rounding admits anybody. For each key: the window in microseconds, the quota, how many
# permits are wanted, and how many are given back.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answers = {}
for at = 1, #KEYS do
  local window, quota = tonumber(ARGV[at * 4 - 3]), tonumber(ARGV[at * 4 - 2])
  local wanted, returned = tonumber(ARGV[at * 4 - 1]), tonumber(ARGV[at * 4])
  local interval = window / quota
  local full = tonumber(redis.call('GET', KEYS[at]) or now) - returned * interval
  full = math.min(math.max(full, now), now + window)
  local free = math.floor((now + window - full) * quota / window + 0.000001)
  local taken = math.min(wanted, free)
  full = math.ceil(full + taken * interval)
  if full > now then
    redis.call('SET', KEYS[at], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
  else
    redis.call('DEL', KEYS[at])
  end
  local wait = 0
  if free == taken then
    wait = math.max(0, math.ceil(full + interval - window - now))
  end
  answers[at] = {taken, free - taken, full - now, wait}
end
return answers
"""


class RedisPermits:
    """Takes permits on a server. The keys of one batch are of many callers, so this needs one server, no cluster.

    Args:
        link: carries the exchange there.
        namespace: begins every key.
        key: hashes what callers are called, so that the server learns nobody's id or address.
    """

    def __init__(self, link: RedisLink, *, namespace: str, key: bytes) -> None:
        self._link = link
        self._prefix = f"{namespace}:r:".encode()
        self._key = key
        self._script = link.script(_TAKE)

    async def take(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        """Take permits for each, and give back what is returned, in one round trip."""
        keys = [self._prefix + self._hashed(ask) for ask in asks]
        arguments = [number for ask in asks for number in _numbers(ask)]
        found = await self._link.exchange(lambda client: self._script(keys, arguments, client), name="EVALSHA take")
        return [
            Grant(taken, remaining, full / _MICROS, wait / _MICROS)
            for taken, remaining, full, wait in cast("list[list[int]]", found)
        ]

    async def aclose(self) -> None:
        """Finish what is under way and close every connection."""
        await self._link.aclose()

    def _hashed(self, ask: Ask) -> bytes:
        word = f"{ask.policy.name}\0{ask.caller}".encode()
        return blake2b(word, digest_size=16, key=self._key, person=_PURPOSE).digest()


def _numbers(ask: Ask) -> tuple[int, int, int, int]:
    quota = ask.policy.quota
    return quota.window_s * _MICROS, quota.requests, ask.wanted, ask.returned


@asynccontextmanager
async def open_rate_limiter(
    settings: CacheSettings, observer: LimitObserver | None = None
) -> AsyncIterator[LeasedRateLimiter]:
    """Prepare a limiter on the cache's server, with connections of its own, and close it at the end.

    Args:
        settings: where the server is, the key that hashes, and the limits.
        observer: is told when the server cannot be asked.
    """
    if settings.key is None:
        raise ValueError("a limiter needs a key")
    link = RedisLink(evolve(settings, pool_size=CONNECTIONS), SilentObserver(), Breaker())
    key = base64.b64decode(settings.key.reveal(), validate=True)
    permits = RedisPermits(link, namespace=settings.namespace, key=key)
    try:
        async with LeasedRateLimiter(permits, observer or SilentLimitObserver()) as limiter:
            yield limiter
    finally:
        await permits.aclose()


if TYPE_CHECKING:

    def _conform(permits: RedisPermits) -> None:
        _permits: Permits = permits
