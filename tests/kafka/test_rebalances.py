"""Workers come, leave and are killed: after each change every partition is consumed, by somebody."""

import signal
from pathlib import Path

import pytest

from tests.stream.harness.people import new_user
from tests.stream.harness.wire import Wire, open_wire
from tests.stream.harness.world import Worker, World, running_worker

pytestmark = pytest.mark.apache

TOPIC = "create-user"
PARTITIONS = 3


async def every_partition_is_consumed(world: World, wire: Wire, told: list[str]) -> None:
    for partition in range(PARTITIONS):
        user = new_user()
        told.append(user["email"])
        await wire.send(TOPIC, user, partition=partition)
    await wire.until_done([TOPIC])
    known = [email for (email,) in await world.rows("SELECT email FROM users")]
    assert sorted(known) == sorted(told)


async def test_every_partition_is_consumed_after_workers_join_leave_and_die(
    migrated_database_url: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    world, told = World(migrated_database_url, kafka_bootstrap, tmp_path), list[str]()
    async with running_worker(world) as first, open_wire(world) as wire:
        await every_partition_is_consumed(world, wire, told)
        second, third = Worker.start(world), Worker.start(world)
        try:
            await second.consuming()
            await third.consuming()
            await every_partition_is_consumed(world, wire, told)

            second.signal(signal.SIGTERM)
            assert await second.ended() == 0
            await every_partition_is_consumed(world, wire, told)

            third.signal(signal.SIGKILL)
            await third.ended()
            await every_partition_is_consumed(world, wire, told)

            async with running_worker(world):
                await every_partition_is_consumed(world, wire, told)
                first.signal(signal.SIGKILL)
                await first.ended()
                await every_partition_is_consumed(world, wire, told)
        finally:
            await second.process.stop()
            await third.process.stop()
