"""Readers who leave in the middle of a read never make another reader get somebody else's profile."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from tests.e2e.harness.copies import Copy, World
from tests.e2e.harness.people import create
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client, Connection, request_bytes
from usercore.kernel.ids import UserId
from usercore.settings import CoreSettings, load
from usercore.wiring.core import Core
from usercore.wiring.service import open_core

USERS = 40
LEFT = 2000
FULL = 1500
CANCELLED = 4000
AT_ONCE = 100


async def leave_in_the_middle(client: Client, path: str, after_s: float) -> None:
    """Ask, and close the connection without waiting for the answer."""
    connection = await Connection.open(client.port)
    await connection.send(request_bytes("GET", path, token=client.token))
    await asyncio.sleep(after_s)
    connection.abort()


async def forget(world: World) -> None:
    """Empty the cache now and then, so that reads go to the database and fills happen all the time."""
    assert world.redis_url is not None
    async with Redis.from_url(world.redis_url) as client:
        while True:
            await asyncio.sleep(0.01)
            if keys := await client.keys(f"{world.namespace}:v:*"):
                await client.delete(*keys)


async def test_clients_that_disconnect_leave_no_answer_for_another(pair: tuple[Copy, Copy]) -> None:
    chance = random.Random(5)
    async with pair[0].client() as client:
        users = [await create(client) for _ in range(USERS)]

        async def leavers(count: int) -> None:
            for _ in range(count):
                user = chance.choice(users)
                await leave_in_the_middle(client, f"/v1/users/{user['id']}", chance.choice((0, 0, 0.001, 0.003)))

        async def readers(count: int) -> int:
            for _ in range(count):
                user = chance.choice(users)
                answer = await client.get(f"/v1/users/{user['id']}")
                assert (answer.status, answer.json()) == (200, user)
            return count

        forgetting = asyncio.create_task(forget(pair[0].world))
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(leavers(LEFT // 10))
            read = [group.create_task(readers(FULL // 10)) for _ in range(10)]
        forgetting.cancel()
        assert sum(task.result() for task in read) == FULL
        # Those that were left behind by their clients are over as well: nothing piles up.
        await until(lambda: nothing_else_in_flight(client), "every other request is over")


async def nothing_else_in_flight(client: Client) -> bool:
    lines = (await client.get("/metrics")).body.decode().splitlines()
    return "user_service_http_requests_in_flight 1.0" in lines


async def test_cancelled_calls_of_the_core_leave_no_answer_for_another(pair: tuple[Copy, Copy]) -> None:
    async with pair[0].client() as client:
        users = [await create(client) for _ in range(USERS)]
    async with open_core(load(CoreSettings, pair[0].world.environ())) as service:
        forgetting = asyncio.create_task(forget(pair[0].world))
        answered = sum([await cancel_some(service.core, users, seed) for seed in range(CANCELLED // AT_ONCE)])
        forgetting.cancel()
    assert CANCELLED * 0.1 < answered < CANCELLED * 0.9


async def cancel_some(core: Core, users: Sequence[dict[str, Any]], seed: int) -> int:
    """Read many profiles at a time, cancel about half in the middle, and return how many were answered."""
    chance = random.Random(seed)
    asked = [chance.choice(users) for _ in range(AT_ONCE)]
    tasks = [asyncio.create_task(core.read_profile(UserId(user["id"]))) for user in asked]
    for task in chance.sample(tasks, AT_ONCE // 2):
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        task.cancel()
    documents = await asyncio.gather(*tasks, return_exceptions=True)
    answered = 0
    for user, document in zip(asked, documents, strict=True):
        if isinstance(document, asyncio.CancelledError):
            continue
        assert not isinstance(document, BaseException), document
        assert (document.user_id, user["id"].encode() in document.body) == (user["id"], True)
        assert user["email"].encode() in document.body
        answered += 1
    return answered
