"""A database that is away: messages wait in their place, and come again where the process gives up."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.e2e.harness.private import PrivatePostgres, private_postgres
from tests.e2e.harness.waiting import until
from tests.e2e.harness.wire import Client
from tests.stream.harness.load import TOPIC, people, unfinished
from tests.stream.harness.wire import Wire, open_wire
from tests.stream.harness.world import World, running_worker
from usercore.adapters.sql import upgrade


@pytest_asyncio.fixture
async def postgres() -> AsyncIterator[PrivatePostgres]:
    async with private_postgres() as server:
        await upgrade(server.url)
        yield server


@pytest_asyncio.fixture
async def mortal(postgres: PrivatePostgres, kafka_bootstrap: str, tmp_path: Path) -> World:
    """A deployment whose database may be killed."""
    return World(postgres.url, kafka_bootstrap, tmp_path)


@pytest_asyncio.fixture
async def mortal_wire(mortal: World) -> AsyncIterator[Wire]:
    async with open_wire(mortal) as opened:
        yield opened


async def _retried(port: int) -> bool:
    async with Client(port, None) as client:
        return b"user_service_stream_retries_total{" in (await client.get("/metrics")).body


async def test_what_fails_for_a_moment_is_tried_again_in_place_and_applied_once(
    mortal: World, mortal_wire: Wire, postgres: PrivatePostgres
) -> None:
    load = await people(mortal, 5, 6)
    async with running_worker(mortal, STREAM_RETRIES="100", STREAM_RETRY_LONGEST_S="0.5") as worker:
        await load.send(mortal_wire, last=3)
        await mortal_wire.until_done([TOPIC])
        await mortal.rows("CHECKPOINT")  # it keeps nothing else over a kill: it is quick and not durable
        await postgres.kill()
        await load.send(mortal_wire, first=3)
        await until(lambda: _retried(worker.port), "the work is tried again")
        async with Client(worker.port, None) as client:
            assert (await client.get("/health/live")).status == 200
            assert (await client.get("/health/ready")).status == 503
        await postgres.restart()
        await mortal_wire.until_done([TOPIC])
        assert worker.process.running
        assert await mortal.rows("SELECT 1 FROM dead_letters") == []
    await load.check(mortal)


async def test_when_it_stays_away_the_process_ends_and_nothing_is_committed_that_was_not_done(
    mortal: World, mortal_wire: Wire, postgres: PrivatePostgres
) -> None:
    load = await people(mortal, 5, 6)
    async with running_worker(mortal, STREAM_RETRIES="2", STREAM_RETRY_FIRST_S="0.1") as worker:
        await load.send(mortal_wire, last=3)
        await mortal_wire.until_done([TOPIC])
        before = await mortal_wire.committed(TOPIC)
        await mortal.rows("CHECKPOINT")  # it keeps nothing else over a kill: it is quick and not durable
        await postgres.kill()
        await load.send(mortal_wire, first=3)
        assert await worker.ended() == 75
        assert await mortal_wire.committed(TOPIC) == before
    await postgres.restart()
    assert await unfinished(mortal, mortal_wire) == []
    async with running_worker(mortal):
        await mortal_wire.until_done([TOPIC])
        assert await mortal.rows("SELECT 1 FROM dead_letters") == []
    await load.check(mortal)
