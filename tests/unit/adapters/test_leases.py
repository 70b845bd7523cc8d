"""Leases of permits: few questions, nobody refused below the quota, and never more than the stated slack above it."""

import asyncio
from collections.abc import Sequence
from typing import Any

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from usercore.adapters.memory.limits import MemoryRateLimiter
from usercore.adapters.redis.leases import (
    LIFE_MAX_S,
    MOST_LEASES,
    REST_S,
    SHARES,
    Ask,
    Grant,
    LeasedRateLimiter,
    SilentLimitObserver,
)
from usercore.adapters.redis.steps import CacheDownError
from usercore.kernel.limits import LimitPolicy, Quota, take

POLICY = LimitPolicy("reads", Quota(600, 60))


@define
class World:
    """A clock that stands still, and buckets that all copies share."""

    now: float = 1000.0
    full_at: dict[tuple[str, str], float] = field(factory=dict)
    asked: list[Ask] = field(factory=list)
    down: bool = False
    fallbacks: int = 0

    def clock(self) -> float:
        return self.now

    async def take(self, asks: Sequence[Ask]) -> Sequence[Grant]:
        self.asked.extend(asks)
        if self.down:
            raise CacheDownError
        return [self._take(one) for one in asks]

    def _take(self, ask: Ask) -> Grant:
        key = (ask.policy.name, ask.caller)
        full_at, taken, verdict = take(ask.policy, self.full_at.get(key, self.now), self.now, ask.wanted, ask.returned)
        self.full_at[key] = full_at
        return Grant(taken, verdict.remaining, verdict.reset_s, verdict.retry_s)

    def rate_limit_fallback(self) -> None:
        self.fallbacks += 1

    def copy(self) -> LeasedRateLimiter:
        return LeasedRateLimiter(self, self, self.clock)


async def test_a_busy_caller_costs_few_questions() -> None:
    world = World()
    policy = LimitPolicy("reads", Quota(600_000, 60))
    async with world.copy() as copy:
        for _ in range(100_000):
            assert (copy.at_once(policy, "shop") or await copy.admit(policy, "shop")).admitted
    assert len(world.asked) < 20


async def test_a_lease_is_a_share_of_the_quota_at_most() -> None:
    world = World()
    async with world.copy() as copy:
        for _ in range(600):
            await copy.admit(POLICY, "shop")
    assert max(ask.wanted for ask in world.asked) == POLICY.quota.requests // SHARES


async def test_what_is_not_used_is_given_back_once_it_has_lain_about() -> None:
    world = World()
    async with world.copy() as copy:
        for _ in range(4):
            await copy.admit(POLICY, "shop")
        assert [(ask.wanted, ask.returned) for ask in world.asked] == [(1, 0), (2, 0), (4, 0)]
        world.now += POLICY.quota.window_s / SHARES
        await copy.admit(POLICY, "shop")
        assert (world.asked[-1].wanted, world.asked[-1].returned) == (1, 3)


async def test_a_caller_who_comes_to_every_copy_in_turn_gets_the_whole_quota() -> None:
    world, quota = World(), Quota(600, 36_000)
    policy = LimitPolicy("reads", quota)
    copies = [world.copy() for _ in range(8)]
    admitted = 0
    for number in range(1000):
        world.now += LIFE_MAX_S / 4
        for _ in range(3):
            admitted += (await copies[number % 8].admit(policy, "shop")).admitted
    flowed = quota.requests * 1000 * LIFE_MAX_S / 4 / quota.window_s
    assert admitted >= quota.requests + flowed - 8


async def test_many_at_once_cost_few_questions() -> None:
    world = World()
    async with world.copy() as copy:
        verdicts = await asyncio.gather(
            *(copy.admit(LimitPolicy("reads", Quota(100_000, 60)), "shop") for _ in range(1000))
        )
    assert all(one.admitted for one in verdicts)
    assert len(world.asked) <= 2


async def test_who_is_refused_is_refused_again_without_a_question() -> None:
    world = World()
    async with world.copy() as copy:
        while (await copy.admit(POLICY, "shop")).admitted:
            pass
        asked = len(world.asked)
        for _ in range(1000):
            verdict = copy.at_once(POLICY, "shop")
            assert verdict is not None
            assert not verdict.admitted
        assert len(world.asked) == asked
        world.now += 0.11
        assert (await copy.admit(POLICY, "shop")).admitted


async def test_a_copy_that_cannot_ask_decides_alone_and_asks_again_later() -> None:
    world = World(down=True)
    policy = LimitPolicy("reads", Quota(10, 3600))
    async with world.copy() as copy:
        verdicts = [await copy.admit(policy, "shop") for _ in range(15)]
        assert [one.admitted for one in verdicts] == [True] * 10 + [False] * 5
        assert (len(world.asked), world.fallbacks) == (1, 1)
        world.down, world.now = False, world.now + REST_S
        assert (await copy.admit(policy, "shop")).admitted
        assert (len(world.asked), world.fallbacks) == (2, 1)


async def test_more_callers_than_can_wait_are_decided_alone_and_never_refused_for_it() -> None:
    class Stuck(World):
        async def take(self, asks: Sequence[Ask]) -> Sequence[Grant]:
            await gate.wait()
            return await super().take(asks)

    gate, world = asyncio.Event(), Stuck()
    async with world.copy() as copy:
        tasks = [asyncio.create_task(copy.admit(POLICY, f"caller {number}")) for number in range(25_000)]
        await asyncio.sleep(0)
        gate.set()
        assert all(one.admitted for one in await asyncio.gather(*tasks))


async def test_callers_who_come_once_do_not_pile_up() -> None:
    world = World()
    async with world.copy() as copy:
        for number in range(MOST_LEASES + 100):
            await copy.admit(POLICY, f"caller {number}")
        assert len(copy._leases) == MOST_LEASES


async def test_the_memory_of_callers_is_bounded_and_keeps_those_who_have_used_most() -> None:
    world = World()
    limiter = MemoryRateLimiter(world.clock, most_buckets=100)
    slow = LimitPolicy("slow", Quota(2, 3600))
    assert [limiter.at_once(slow, "shop").admitted for _ in range(3)] == [True, True, False]
    for number in range(1000):
        limiter.at_once(LimitPolicy("quick", Quota(1000, 1)), f"caller {number}")
        world.now += 0.01
    assert len(limiter._full_at) <= 100
    assert not limiter.at_once(slow, "shop").admitted


STEPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 60), st.sampled_from([0.0, 0.01, 0.1, 1.0, LIFE_MAX_S, 30.0])),
    max_size=60,
)


@given(STEPS, st.sampled_from([Quota(1, 10), Quota(20, 10), Quota(100, 10), Quota(600, 60)]))
async def test_no_span_of_time_sees_more_than_the_quota_what_flows_in_and_the_stated_slack(
    steps: list[tuple[int, int, float]], quota: Quota
) -> None:
    world, policy = World(), LimitPolicy("reads", quota)
    copies: list[Any] = [LeasedRateLimiter(world, SilentLimitObserver(), world.clock) for _ in range(4)]
    passed: list[float] = []
    for which, count, pause in steps:
        verdicts = [await copies[which].admit(policy, "shop") for _ in range(count)]
        passed += [world.now] * sum(one.admitted for one in verdicts)
        world.now += pause
    share = max(1, quota.requests // SHARES)
    for first, began in enumerate(passed):
        for last in range(first, len(passed)):
            allowed = quota.requests * (1 + (passed[last] - began) / quota.window_s) + share * (len(copies) + 1)
            assert last - first + 1 <= allowed + 1e-6
