"""Without its servers the service answers in bounded time that it cannot, and goes on by itself when they are back."""

import asyncio
import json
import re
import sys
import uuid
from typing import Any

import pytest
from attrs import evolve

from tests.e2e.harness.copies import CachePair, Copy, World, is_ready, running_copies
from tests.e2e.harness.people import create, new_user
from tests.e2e.harness.private import PrivatePostgres
from tests.e2e.harness.rows import locked, rows
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Answer, Client

# Short, so that what is bounded by them is seen soon.
LIMITS: dict[str, str] = {
    "DB_POOL_TIMEOUT_S": "0.5",
    "DB_CONNECT_TIMEOUT_S": "1",
    "DB_STATEMENT_TIMEOUT_S": "1",
    "REQUEST_TIMEOUT_S": "4",
}
BOUND_S = 12.0
"""Above the longest limit, with much room for a busy machine; far below for ever."""


async def burst(client: Client, user: dict[str, Any], rounds: int) -> list[Answer]:
    """Send reads and writes of every sort at once; each must be answered within the bound."""
    path = f"/v1/users/{user['id']}"
    asks = [
        ask
        for n in range(rounds)
        for ask in (
            client.get(path, deadline_s=BOUND_S),
            client.get(f"/v1/users?q=hopper&limit={n + 1}", deadline_s=BOUND_S),
            client.get(f"{path}/history", deadline_s=BOUND_S),
            client.patch(path, {"lastName": f"Round{n}"}, "*", deadline_s=BOUND_S),
            client.post("/v1/users", new_user(), deadline_s=BOUND_S),
            client.post("/v1/users", new_user(), headers={"idempotency-key": str(uuid.uuid4())}, deadline_s=BOUND_S),
        )
    ]
    return await asyncio.gather(*asks)


def assert_come_again(answer: Answer) -> None:
    """Assert that an answer says that the service cannot serve now, and when to ask again."""
    problem = answer.json()
    assert (answer.status, problem["status"]) == (503, 503), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert problem["code"] in {"unavailable", "exhausted", "overloaded", "request_timed_out"}


async def health(copy: Copy) -> tuple[int, int]:
    """Return the status of liveness and of readiness."""
    async with Client(copy.port, None) as client:
        found = [await client.get(f"/health/{probe}", deadline_s=BOUND_S) for probe in ("live", "ready")]
    return found[0].status, found[1].status


async def serves_again(client: Client) -> bool:
    return (await client.post("/v1/users", new_user(), deadline_s=BOUND_S)).status == 201


@pytest.mark.embedded
@pytest.mark.skipif(sys.platform != "linux", reason="looks for PostgreSQL's processes where Linux lists them")
async def test_without_postgres_every_request_is_refused_in_time_and_the_service_recovers_by_itself(
    breakable: World, postgres: PrivatePostgres
) -> None:
    async with running_copies(evolve(breakable, redis_url=None), 1, **LIMITS) as [copy], copy.client() as client:
        user = await create(client)
        for lose, bring_back in ((postgres.freeze, postgres.thaw), (postgres.kill, postgres.restart)):
            await lose()
            try:
                answers, states = await asyncio.gather(burst(client, user, 8), health(copy))
            finally:
                await bring_back()
            for answer in answers:
                assert_come_again(answer)
            assert states == (200, 503)
            await until(lambda: is_ready(copy.port), "the copy is ready again")
            await until(lambda: serves_again(client), "writes are served again")
            assert (await client.get(f"/v1/users/{user['id']}")).status == 200
        assert copy.process.running


async def test_an_overload_is_refused_in_time_and_leaves_nothing_behind(world: World) -> None:
    tiny = {**LIMITS, "DB_POOL_SIZE": "1", "DB_READ_POOL_SIZE": "1", "DB_POOL_TIMEOUT_S": "0.3", "MAX_IN_FLIGHT": "20"}
    async with running_copies(evolve(world, redis_url=None), 1, **tiny) as [copy], copy.client() as client:
        user = await create(client)
        async with locked(world.database_url, "users"):
            answers, (live, _) = await asyncio.gather(burst(client, user, 40), health(copy))
        for answer in answers:
            assert_come_again(answer)
        codes = {answer.json()["code"] for answer in answers}
        assert codes >= {"overloaded", "exhausted"}
        assert live == 200
        await until(lambda: serves_again(client), "writes are served again")
        assert {answer.status for answer in await burst(client, user, 3)} == {200, 201}
        [(kept,)] = await rows(world.database_url, "SELECT count(*) FROM users WHERE version > 1")
    assert kept == 1


@pytest.mark.embedded
async def test_without_its_cache_the_service_reads_and_writes_on(cache_pair: CachePair) -> None:
    valkey = cache_pair.valkey
    async with cache_pair.first.client() as client:
        user = await create(client)
        path = f"/v1/users/{user['id']}"
        for lose, bring_back in ((valkey.freeze, valkey.thaw), (valkey.kill, valkey.restart)):
            await lose()
            before = await cache_reads(client, "bypass")
            assert {answer.status for answer in await burst(client, user, 5)} == {200, 201}
            changed = await client.patch(path, {"firstName": lose.__name__}, "*")
            assert (await client.get(path)).body == changed.body
            assert await cache_reads(client, "bypass") > before
            ready = await client.get("/health/ready")
            assert (ready.status, ready.json()["parts"]) == (
                200,
                {"database": "ok", "cache": "down", "erasures": "off", "replicas": "off"},
            )
            await bring_back()
            await until(lambda: cached_again(client, path), "the cache is used again")
            assert (await client.get(path)).body == changed.body


async def cache_reads(client: Client, result: str) -> int:
    """Return how many reads of the cache ended so."""
    metrics = (await client.get("/metrics")).body.decode()
    found = re.search(rf'user_service_cache_reads_total{{result="{result}"}} ([0-9.]+)', metrics)
    return int(float(found[1])) if found else 0


async def cached_again(client: Client, path: str) -> bool:
    before = await cache_reads(client, "hit")
    await client.get(path)
    return await cache_reads(client, "hit") > before


async def test_deliveries_that_nobody_took_wait_and_drain_afterwards(world: World) -> None:
    closed = world.folder / "not-there-yet"
    record = closed / "deliveries.jsonl"
    # Of twenty a few are tried: whoever does not take them is left alone.
    settings = {"DELIVERY_RECORD_FILE": str(record), "DELIVERY_BREAKER_OPEN_S": "0.5"}
    async with running_copies(world, 1, **settings) as [copy], copy.client() as client:
        users = [await create(client) for _ in range(20)]
        await until(lambda: _each_was_asked(world), "every recipient was asked in vain")
        assert await health(copy) == (200, 200)
        closed.mkdir()
        await until(lambda: _none_waits(world), "the backlog has drained", deadline_s=30)
    told = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    assert sorted((line["userId"], line["recipient"]) for line in told) == sorted(
        (user["id"], name) for user in users for name in ("AUTHENTICATION", "NOTIFICATION", "AUDIT")
    )
    assert {line["recipient"] for line in told if line["attempts"]} == {"AUTHENTICATION", "NOTIFICATION", "AUDIT"}


async def _each_was_asked(world: World) -> bool:
    [(asked,)] = await rows(world.database_url, "SELECT count(DISTINCT recipient) FROM deliveries WHERE attempts > 0")
    return bool(asked == 3)


async def _none_waits(world: World) -> bool:
    [(waiting,)] = await rows(world.database_url, "SELECT count(*) FROM deliveries WHERE delivered_at IS NULL")
    return bool(waiting == 0)
