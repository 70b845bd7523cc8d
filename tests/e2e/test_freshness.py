"""A read begun after a write was acknowledged shows that write, whichever copy answers, whatever the cache does."""

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest
from attrs import define, field
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.e2e.harness.copies import CachePair, Copy, World
from tests.e2e.harness.freshness import Read, Recording, Write
from tests.e2e.harness.people import create
from tests.e2e.harness.private import PrivateValkey
from tests.e2e.harness.waiting import until, until_so
from tests.e2e.harness.wire import Client

USERS = 12
READERS, WRITERS = 8, 6
OPERATIONS = 3000


@define(eq=False)
class Traffic:
    """Writers and readers on a few users through all copies, until enough has happened."""

    clients: Sequence[Client]
    ids: Sequence[str]
    seen: Recording = field(factory=Recording)
    _random: random.Random = field(factory=lambda: random.Random(4))

    @property
    def done(self) -> int:
        """How many operations were answered."""
        return len(self.seen.reads) + len(self.seen.writes)

    async def run(self) -> None:
        """Go on until enough has happened."""
        async with asyncio.TaskGroup() as group:
            for _ in range(READERS):
                group.create_task(self._read_on())
            for _ in range(WRITERS):
                group.create_task(self._write_on())

    async def reached(self, part: float) -> None:
        """Wait until a part of it has happened."""
        await until_so(lambda: self.done >= part * OPERATIONS, "requests are answered", deadline_s=60)

    async def _read_on(self) -> None:
        while self.done < OPERATIONS:
            await self._read(self._random.choice(self.clients), self._random.choice(self.ids))

    async def _write_on(self) -> None:
        while self.done < OPERATIONS:
            user_id = self._random.choice(self.ids)
            writer, *others = self._random.sample(self.clients, len(self.clients))
            body = {"lastName": f"Change{self.done}"}
            answer = await writer.patch(f"/v1/users/{user_id}", body, "*")
            assert answer.status == 200, answer.body
            self.seen.writes.append(Write(user_id, answer.version, answer.ended))
            # The moment at which a stale value would show: elsewhere, at once.
            await self._read(others[0], user_id)

    async def _read(self, client: Client, user_id: str) -> None:
        answer = await client.get(f"/v1/users/{user_id}")
        profile = answer.json()
        assert (answer.status, profile["id"], profile["version"]) == (200, user_id, answer.version)
        self.seen.reads.append(Read(user_id, answer.version, answer.began))


async def evict(world: World) -> None:
    """Take away at random what the cache holds of these copies, as a server short of memory does."""
    assert world.redis_url is not None
    chance = random.Random(44)
    async with Redis.from_url(world.redis_url, socket_timeout=1) as client:
        while True:
            try:
                keys = await client.keys(f"{world.namespace}:*")
                if keys:
                    await client.delete(*chance.sample(keys, 1 + len(keys) // 3))
            except RedisError:
                pass  # killed meanwhile: nothing is left to evict
            await asyncio.sleep(0.02)


async def kill_and_restart(valkey: PrivateValkey, traffic: Traffic) -> None:
    for part in (0.2, 0.6):
        await traffic.reached(part)
        await valkey.kill()
        await traffic.reached(part + 0.2)
        await valkey.restart()


async def cache_hits(client: Client) -> int:
    found = re.search(rb'user_service_cache_reads_total\{result="hit"\} ([0-9.]+)', (await client.get("/metrics")).body)
    return int(float(found[1])) if found else 0


@asynccontextmanager
async def traffic_through(copies: Sequence[Copy]) -> AsyncIterator[Traffic]:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(copy.client()) for copy in copies]
        ids = [(await create(clients[0]))["id"] for _ in range(USERS)]
        yield Traffic(clients, ids)


async def test_no_read_is_stale_through_two_copies_while_the_cache_evicts(pair: tuple[Copy, Copy]) -> None:
    async with traffic_through(pair) as traffic:
        before = [await cache_hits(client) for client in traffic.clients]
        evicting = asyncio.create_task(evict(pair[0].world))
        await traffic.run()
        evicting.cancel()
        hits = [await cache_hits(client) - was for client, was in zip(traffic.clients, before, strict=True)]
    assert traffic.seen.stale() == []
    assert min(hits) > 20
    assert len(traffic.seen.writes) > OPERATIONS / 20


@pytest.mark.embedded
async def test_no_read_is_stale_while_the_cache_is_killed_and_comes_back(cache_pair: CachePair) -> None:
    copies = (cache_pair.first, cache_pair.second)
    async with traffic_through(copies) as traffic:
        before = [await cache_hits(client) for client in traffic.clients]
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.run())
            group.create_task(kill_and_restart(cache_pair.valkey, traffic))
        hits = [await cache_hits(client) - was for client, was in zip(traffic.clients, before, strict=True)]
    assert traffic.seen.stale() == []
    assert min(hits) > 20


@pytest.mark.embedded
async def test_a_write_is_shown_by_a_copy_that_found_the_cache_back_before_the_writing_one_did(
    cache_pair: CachePair,
) -> None:
    async with cache_pair.first.client() as writer, cache_pair.second.client() as reader:
        for _ in range(3):
            path = f"/v1/users/{(await create(writer))['id']}"
            await reader.get(path)
            await cache_pair.valkey.kill()
            # The writing copy has just found out that there is no cache, and will not look for one for a while.
            for _ in range(4):
                await writer.get(path)
            await cache_pair.valkey.restart()
            await until(partial(hits_on, reader, path), "the other copy uses the cache")
            written = await writer.patch(path, {"lastName": "Murray"}, "*")
            assert (await reader.get(path)).body == written.body


async def hits_on(client: Client, path: str) -> bool:
    before = await cache_hits(client)
    await client.get(path)
    return await cache_hits(client) > before


def test_the_checker_finds_a_read_that_shows_less_than_was_acknowledged_before_it() -> None:
    seen = Recording([Write("a", 2, 1.0), Write("a", 3, 2.0), Write("b", 9, 1.0)])
    seen.reads = [Read("a", 2, 1.5), Read("a", 2, 2.0), Read("a", 1, 0.5), Read("c", 1, 3.0)]
    assert seen.stale() == []
    late = Read("a", 2, 2.5)
    seen.reads.append(late)
    assert seen.stale() == [(late, 3)]
