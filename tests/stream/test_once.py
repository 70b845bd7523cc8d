"""One effect for each message: through redelivery, signals, kills and rebalances."""

import asyncio
import signal
from typing import Any

from tests.e2e.harness.rows import locked, waiting_for
from tests.e2e.harness.waiting import until
from tests.stream.harness.load import TOPIC, people, unfinished
from tests.stream.harness.people import failure, new_user, order, points, success
from tests.stream.harness.wire import Wire
from tests.stream.harness.world import Worker, World, running_stream, running_worker

TABLES = ("users", "outbox", "user_history", "audit_entries", "inbox", "activity_facts", "dead_letters", "deliveries")


async def footprints(world: World) -> dict[str, Any]:
    """Return how much stands in every table, and which versions users have."""
    counts = {table: (await world.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in TABLES}
    return counts | {"versions": await world.rows("SELECT email, version, first_name, state FROM users ORDER BY email")}


async def test_delivering_everything_again_changes_nothing(world: World, wire: Wire) -> None:
    load = await people(world, 5, 4)
    user = load.users[0]
    async with running_stream(world):
        await load.send(wire)
        newcomer = new_user(email="grace@mail.example")
        for _ in range(2):
            await wire.send("create-user", newcomer, key="grace@mail.example")
        await wire.send("update-user", {"userId": user, "email": "no address"}, key=user)
        await wire.send("update-user", b"nonsense")
        await wire.send("order-placed", order(user, order_id="o1"))
        await wire.send("payment-failed", failure("o1", payment_id="p1"))
        await wire.send("payment-succeeded", success("o1", payment_id="p2"))
        await wire.send("loyalty-points-earned", points(user))
        await wire.send("get-user", {"id": user})
        await wire.until_done()
        await _until_nothing_waits(world)
        before = await footprints(world)
        assert (before["users"], before["activity_facts"], before["dead_letters"]) == (6, 4, 2)
    again = wire.rewound()
    async with running_stream(again.world):
        await again.until_done()
        await _until_nothing_waits(world)
        assert await footprints(world) == before


async def _until_nothing_waits(world: World) -> None:
    async def nothing() -> bool:
        return await world.rows("SELECT 1 FROM parked_messages") == []

    await until(nothing, "nothing is parked any more")


async def test_sigterm_under_load_loses_nothing_and_commits_no_more_than_is_done(world: World, wire: Wire) -> None:
    load = await people(world, 20, 30)
    async with running_worker(world, STREAM_BATCH="20") as worker:
        sending = asyncio.create_task(load.send(wire))
        await _until_versions(world, 100)
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
        assert await unfinished(world, wire) == []
        await sending
        left = await wire.lag([TOPIC])
        assert left > 0
        # What was finished is committed: hardly anything comes twice after a clean end.
        [(done,)] = await world.rows("SELECT count(*) FROM inbox WHERE topic = %s", TOPIC)
        assert left == 20 * 30 - done
    async with running_worker(world):
        await wire.until_done([TOPIC])
    await load.check(world)


async def test_a_kill_in_the_middle_of_a_batch_leaves_it_to_come_again(world: World, wire: Wire) -> None:
    load = await people(world, 12, 10)
    worker = Worker.start(world, STREAM_BATCH="50")
    await worker.consuming()
    await load.send(wire, last=4)
    await wire.until_done([TOPIC])
    async with locked(world.database_url, "users"):
        await load.send(wire, first=4)
        await until(lambda: waiting_for(world.database_url, "users"), "a batch is in hand")
        # Whatever may be committed is, with what another topic brings to its end.
        await wire.send("get-user", b"nonsense")
        await wire.until_done(["get-user"])
        worker.signal(signal.SIGKILL)
        await worker.ended()
    assert await unfinished(world, wire) == []
    async with running_worker(world):
        await wire.until_done([TOPIC])
    await load.check(world)


async def test_kills_again_and_again_equal_one_run_without(world: World, wire: Wire) -> None:
    load = await people(world, 30, 20)
    sending = asyncio.create_task(load.send(wire))
    for kill in range(3):
        worker = Worker.start(world, STREAM_BATCH="25")
        await worker.consuming()
        await _until_versions(world, 30 + 120 * (kill + 1))
        worker.signal(signal.SIGKILL)
        await worker.ended()
        assert await unfinished(world, wire) == []
    await sending
    async with running_worker(world):
        await wire.until_done([TOPIC])
    await load.check(world)


async def test_copies_that_come_and_go_share_the_work_and_lose_nothing(world: World, wire: Wire) -> None:
    load = await people(world, 30, 60)
    async with running_worker(world, STREAM_BATCH="10") as first:
        sending = asyncio.create_task(load.send(wire))
        async with running_worker(world, STREAM_BATCH="10"):
            assert await unfinished(world, wire) == []
        async with running_stream(world, STREAM_BATCH="10"):
            assert await unfinished(world, wire) == []
            first.signal(signal.SIGKILL)
            await first.ended()
            await sending
            await wire.until_done([TOPIC])
    assert await unfinished(world, wire) == []
    await load.check(world)


async def _until_versions(world: World, count: int) -> None:
    async def enough() -> bool:
        [(found,)] = await world.rows("SELECT sum(version) FROM users")
        return bool(found >= count)

    await until(enough, f"{count} versions are written", 60.0)
