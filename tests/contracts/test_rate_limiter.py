"""What every rate limiter does: the one in memory, and the one whose buckets a server keeps."""

import asyncio
import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from usercore.adapters.memory.limits import MemoryRateLimiter
from usercore.adapters.redis import open_rate_limiter
from usercore.kernel.limits import LimitPolicy, Quota, RateLimiter
from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings

KEY = Secret(base64.b64encode(bytes(range(32))).decode())
HOURLY = LimitPolicy("hourly", Quota(10, 36_000))
"""So slow that nothing flows in while a test runs."""


@pytest.fixture(params=["memory", "redis"])
async def limiter(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[RateLimiter]:
    if request.param == "memory":
        yield MemoryRateLimiter()
        return
    settings = CacheSettings(url=Secret(redis_url), key=KEY, namespace=f"test-{uuid4().hex}", timeout_s=5.0)
    async with open_rate_limiter(settings) as one:
        yield one


async def test_a_caller_has_a_whole_quota_at_once_and_is_then_told_when_the_next_permit_is_there(
    limiter: RateLimiter,
) -> None:
    verdicts = [await limiter.admit(HOURLY, "shop") for _ in range(12)]
    assert [one.admitted for one in verdicts] == [True] * 10 + [False] * 2
    assert [one.remaining for one in verdicts] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    for one in verdicts[10:]:
        assert 3500 < one.retry_s <= 3600
        assert 35_000 < one.reset_s <= 36_000
    assert all(one.retry_s == 0 for one in verdicts[:9])
    assert 3500 < verdicts[0].reset_s <= 3600


async def test_callers_have_quotas_of_their_own(limiter: RateLimiter) -> None:
    while (await limiter.admit(HOURLY, "shop")).admitted:
        pass
    assert (await limiter.admit(HOURLY, "bank")).remaining == 9
    assert not (await limiter.admit(HOURLY, "shop")).admitted


async def test_a_caller_has_a_quota_for_each_policy(limiter: RateLimiter) -> None:
    while (await limiter.admit(HOURLY, "shop")).admitted:
        pass
    assert (await limiter.admit(LimitPolicy("other", HOURLY.quota), "shop")).admitted


async def test_many_at_once_get_the_quota_and_not_one_more(limiter: RateLimiter) -> None:
    policy = LimitPolicy("many", Quota(100, 36_000))
    verdicts = await asyncio.gather(*(limiter.admit(policy, "shop") for _ in range(1000)))
    assert sum(one.admitted for one in verdicts) == 100


async def test_permits_flow_in_evenly(limiter: RateLimiter) -> None:
    policy = LimitPolicy("quick", Quota(20, 1))
    loop = asyncio.get_running_loop()
    began = loop.time()
    admitted = 0
    while admitted < 40:
        verdict = await limiter.admit(policy, "shop")
        admitted += verdict.admitted
        await asyncio.sleep(verdict.retry_s)
    # 20 at once, and 20 more in a second; a lease of one permit may lie about for a moment.
    assert loop.time() - began >= 0.9


async def test_what_is_known_at_once_is_what_asking_would_say(limiter: RateLimiter) -> None:
    policy = LimitPolicy("at once", Quota(40, 36_000))
    admitted = 0
    for _ in range(60):
        verdict = limiter.at_once(policy, "shop") or await limiter.admit(policy, "shop")
        admitted += verdict.admitted
    assert admitted == 40


async def test_who_is_cancelled_harms_nobody(limiter: RateLimiter) -> None:
    policy = LimitPolicy("cancelled", Quota(200, 36_000))
    tasks = [asyncio.create_task(limiter.admit(policy, "shop")) for _ in range(150)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) and one.admitted for one in done) >= 75
    rest = [await limiter.admit(policy, "shop") for _ in range(200)]
    assert sum(one.admitted for one in rest) <= 125
