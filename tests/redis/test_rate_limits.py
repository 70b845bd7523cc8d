"""Rate limits on a real server: many copies, lost connections, and what the server learns of callers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import cast

import pytest
from attrs import define, evolve
from redis.asyncio import Redis

from usercore.adapters.redis import open_rate_limiter
from usercore.adapters.redis.leases import SHARES, LeasedRateLimiter
from usercore.kernel.limits import LimitPolicy, Quota
from usercore.kernel.secret import Secret
from usercore.settings.sections import CacheSettings

COPIES = 8


@define
class Counting:
    fallbacks: int = 0

    def rate_limit_fallback(self) -> None:
        self.fallbacks += 1


@pytest.fixture
async def copies(cache_settings: CacheSettings) -> AsyncIterator[list[LeasedRateLimiter]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(open_rate_limiter(cache_settings)) for _ in range(COPIES)]


@pytest.mark.parametrize("quota", [Quota(400, 36_000), Quota(7, 36_000), Quota(1000, 5)])
async def test_many_copies_admit_the_quota_what_flows_in_and_the_stated_slack_at_most(
    copies: list[LeasedRateLimiter], quota: Quota
) -> None:
    policy = LimitPolicy("reads", quota)
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def hammer(copy: LeasedRateLimiter) -> int:
        admitted = 0
        for _ in range(100):
            verdicts = await asyncio.gather(*(copy.admit(policy, "shop") for _ in range(10)))
            admitted += sum(one.admitted for one in verdicts)
        return admitted

    admitted = sum(await asyncio.gather(*map(hammer, copies)))
    allowed = quota.requests * (1 + (loop.time() - began) / quota.window_s)
    share = quota.requests // SHARES
    assert admitted <= allowed + share * (COPIES + 1)
    assert admitted >= min(1000 * COPIES, quota.requests) - share * COPIES


async def test_the_server_learns_neither_who_asks_nor_from_where(
    copies: list[LeasedRateLimiter], server: "Redis", cache_settings: CacheSettings
) -> None:
    policy = LimitPolicy("reads", Quota(10, 3600))
    await copies[0].admit(policy, "canary-caller")
    keys = [key async for key in server.scan_iter(f"{cache_settings.namespace}:r:*")]
    assert len(keys) == 1
    value = cast("bytes", await server.get(keys[0]))
    assert b"canary" not in keys[0] + value
    assert value.isdigit()
    assert 0 < await server.pttl(keys[0]) <= 360_000


async def test_another_key_makes_other_buckets(cache_settings: CacheSettings) -> None:
    policy = LimitPolicy("reads", Quota(1, 3600))
    other = evolve(cache_settings, key=Secret("A" * 43 + "="))
    async with open_rate_limiter(cache_settings) as first, open_rate_limiter(other) as second:
        assert (await first.admit(policy, "shop")).admitted
        assert (await second.admit(policy, "shop")).admitted
        assert not (await first.admit(policy, "shop")).admitted


async def test_without_the_server_each_copy_counts_alone_and_says_so(cache_settings: CacheSettings) -> None:
    nowhere = evolve(cache_settings, url=Secret("redis://127.0.0.1:1/0"), timeout_s=0.5)
    policy, observer = LimitPolicy("reads", Quota(5, 3600)), Counting()
    async with open_rate_limiter(nowhere, observer) as copy:
        verdicts = await asyncio.gather(*(copy.admit(policy, "shop") for _ in range(8)))
        assert sum(one.admitted for one in verdicts) == 5
        assert observer.fallbacks >= 1


async def test_a_server_that_has_forgotten_its_scripts_is_told_them_again(
    copies: list[LeasedRateLimiter], server: "Redis"
) -> None:
    policy = LimitPolicy("reads", Quota(3, 3600))
    await copies[0].admit(policy, "shop")
    await server.script_flush()
    assert [(await copies[1].admit(policy, "shop")).admitted for _ in range(3)] == [True, True, False]
