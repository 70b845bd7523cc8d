"""The commands and scripts do on a real server what the model does on which the protocol was checked."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from redis.asyncio import Redis

from tests.redis.worlds import ModelStore
from usercore.adapters.redis.breaker import Breaker
from usercore.adapters.redis.link import RedisLink
from usercore.adapters.redis.observer import SilentObserver
from usercore.adapters.redis.store import RedisStore
from usercore.kernel.ids import UserId
from usercore.settings.sections import CacheSettings

T = TypeVar("T")

USERS = [UserId("ada"), UserId("ö:l:*"), UserId("\ud800 no text")]
DEADLINE_S = 10

ids = st.lists(st.sampled_from(USERS), min_size=1, unique=True)
tokens = st.sampled_from(["one", "two", "three"])
values = st.none() | st.binary(min_size=1, max_size=20)


def a_store(link: RedisLink, namespace: str, *, ttl_s: float = 60, fence_ttl_s: float = 60) -> RedisStore:
    return RedisStore(link, namespace=namespace, ttl_s=ttl_s, lease_ttl_s=60, fence_ttl_s=fence_ttl_s)


class StoreMachine(RuleBasedStateMachine):
    """Every step on both, in any order."""

    settings: ClassVar[CacheSettings]
    runner: ClassVar[asyncio.Runner]
    link: ClassVar[RedisLink]

    def __init__(self) -> None:
        super().__init__()
        self.model = ModelStore()
        self.store = a_store(self.link, f"{self.settings.namespace}-{uuid4().hex}")

    def both(self, model: Coroutine[Any, Any, T], real: Coroutine[Any, Any, T]) -> None:
        assert self.runner.run(real) == self.runner.run(model)

    @rule(ids=ids, token=tokens)
    def lease(self, ids: Sequence[UserId], token: str) -> None:
        self.both(self.model.lease(ids, token), self.store.lease(ids, token))

    @rule(token=tokens, values=st.dictionaries(st.sampled_from(USERS), values, min_size=1))
    def fill(self, token: str, values: Mapping[UserId, bytes | None]) -> None:
        self.both(self.model.fill(token, values), self.store.fill(token, values))

    @rule(ids=ids, token=tokens)
    def fence(self, ids: Sequence[UserId], token: str) -> None:
        self.both(self.model.fence(ids, token), self.store.fence(ids, token))

    @rule(ids=ids, token=tokens)
    def release(self, ids: Sequence[UserId], token: str) -> None:
        self.both(self.model.release(ids, token), self.store.release(ids, token))

    @rule(ids=ids)
    def invalidate(self, ids: Sequence[UserId]) -> None:
        self.both(self.model.invalidate(ids), self.store.invalidate(ids))

    @invariant()
    def the_same_values_are_read(self) -> None:
        self.both(self.model.read(USERS), self.store.read(USERS))


def test_the_server_does_what_the_model_does(cache_settings: CacheSettings) -> None:
    with asyncio.Runner() as runner:
        StoreMachine.settings, StoreMachine.runner = cache_settings, runner
        StoreMachine.link = RedisLink(cache_settings, SilentObserver(), Breaker())
        try:
            run_state_machine_as_test(
                StoreMachine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
            )
        finally:
            runner.run(StoreMachine.link.aclose())


@pytest.fixture
async def link(cache_settings: CacheSettings) -> AsyncIterator[RedisLink]:
    link = RedisLink(cache_settings, SilentObserver(), Breaker())
    yield link
    await link.aclose()


async def test_values_leases_and_fences_all_expire(
    link: RedisLink, cache_settings: CacheSettings, server: Redis
) -> None:
    store = a_store(link, cache_settings.namespace)
    await store.lease(USERS[:1], "one")
    await store.fill("one", {USERS[0]: b"value"})
    await store.lease(USERS[1:2], "one")
    await store.fence(USERS[2:], "one")
    keys = [key async for key in server.scan_iter(match=f"{cache_settings.namespace}:*")]
    assert len(keys) == 3
    for key in keys:
        assert 0 < await server.pttl(key) <= 60_000


async def test_a_dead_writers_token_expires_though_others_come_and_go(
    link: RedisLink, cache_settings: CacheSettings
) -> None:
    short = a_store(link, cache_settings.namespace, fence_ttl_s=0.05)
    long = a_store(link, cache_settings.namespace)
    await short.fence(USERS[:1], "dead")
    await long.fence(USERS[:1], "alive")
    deadline = time.monotonic() + DEADLINE_S
    await long.release(USERS[:1], "alive")
    while await long.lease(USERS[:1], "reader") != ["leased"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_shorter_token_does_not_cut_a_longer_ones_time(
    link: RedisLink, cache_settings: CacheSettings, server: Redis
) -> None:
    long, short = a_store(link, cache_settings.namespace), a_store(link, cache_settings.namespace, fence_ttl_s=0.05)
    await long.fence(USERS[:1], "alive")
    await short.fence(USERS[:1], "short")
    [key] = [key async for key in server.scan_iter(match=f"{cache_settings.namespace}:*")]
    assert await server.pttl(key) > 1000


async def test_a_server_that_lost_its_scripts_is_given_them_again(
    link: RedisLink, cache_settings: CacheSettings, server: Redis
) -> None:
    store = a_store(link, cache_settings.namespace)
    assert await store.lease(USERS[:1], "one") == ["leased"]
    await server.script_flush()
    assert await store.lease(USERS[:1], "two") == ["busy"]
