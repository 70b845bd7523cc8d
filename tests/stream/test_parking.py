"""Facts that come before what they tell of wait for it, and not for ever."""

from typing import Any

import pytest

from tests.e2e.harness.waiting import until
from tests.stream.harness.people import failure, made, new_user, order, points, success, unique, until_created
from tests.stream.harness.wire import Wire, header
from tests.stream.harness.world import World, running_stream
from usercore.activity.summary import ActivitySummary
from usercore.kernel.ids import UserId
from usercore.wiring.service import Service

shared = pytest.mark.asyncio(loop_scope="module")

PLACE = "topic = %s AND message_partition = %s AND message_offset = %s"


async def until_parked(world: World, topic: str, place: tuple[int, int]) -> None:
    async def parked() -> list[tuple[Any, ...]]:
        return await world.rows(f"SELECT 1 FROM parked_messages WHERE {PLACE}", topic, *place)

    await until(parked, "the message is parked")


async def until_summary(service: Service, user_id: str, **expected: int) -> ActivitySummary:
    async def so_far() -> ActivitySummary | None:
        found = await service.core.read_activity.summary(UserId(user_id))
        counts = {
            "orders": found.orders.count,
            "failures": found.payments.failures,
            "recovered": found.payments.recovered,
            "points": found.loyalty.lifetime,
        }
        return found if expected.items() <= counts.items() else None

    return await until(so_far, f"the activity comes to {expected}")


async def none_parked(world: World, *places: tuple[str, tuple[int, int]]) -> None:
    for topic, place in places:

        async def gone(topic: str = topic, place: tuple[int, int] = place) -> bool:
            return await world.rows(f"SELECT 1 FROM parked_messages WHERE {PLACE}", topic, *place) == []

        await until(gone, "the message is no longer parked")


@shared
async def test_a_failed_payment_before_its_order_is_applied_when_the_order_arrives(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, order_id = await made(shared_service.core), unique("order")
    place = await shared_wire.send("payment-failed", failure(order_id))
    await until_parked(shared_world, "payment-failed", place)
    await shared_wire.send("order-placed", order(user.id, order_id=order_id))
    await until_summary(shared_service, user.id, orders=1, failures=1)
    await none_parked(shared_world, ("payment-failed", place))


@shared
async def test_a_success_before_the_failure_of_the_same_payment_makes_it_good_all_the_same(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    user, order_id, payment = await made(shared_service.core), unique("order"), unique("pay")
    place = await shared_wire.send("payment-succeeded", success(None, payment_id=payment))
    await until_parked(shared_world, "payment-succeeded", place)
    await shared_wire.send("payment-failed", failure(order_id, payment_id=payment))
    await shared_wire.send("order-placed", order(user.id, order_id=order_id))
    await until_summary(shared_service, user.id, orders=1, failures=1, recovered=1)
    await none_parked(shared_world, ("payment-succeeded", place))


@shared
async def test_facts_before_their_user_are_applied_when_the_user_is_merely_known_by_another_way(
    shared_wire: Wire, shared_world: World, shared_service: Service
) -> None:
    newcomer = new_user()
    await shared_wire.send("create-user", newcomer)
    # The id of a user is not known beforehand, so the row is moved to one that facts came for.
    early = await until_created(shared_service.core, newcomer["email"])
    ident = early.id[:-4] + "f00d"
    places = [
        ("order-placed", await shared_wire.send("order-placed", order(ident))),
        ("loyalty-points-earned", await shared_wire.send("loyalty-points-earned", points(ident))),
    ]
    for topic, place in places:
        await until_parked(shared_world, topic, place)
    await shared_world.rows("UPDATE users SET id = %s WHERE id = %s", ident, early.id)
    await until_summary(shared_service, ident, orders=1, points=60)
    await none_parked(shared_world, *places)


async def test_what_waited_too_long_is_a_dead_letter_with_its_own_bytes_and_the_topic_goes_on(
    world: World, wire: Wire
) -> None:
    async with running_stream(world, PARKED_LIMIT_S="1"):
        place = await wire.send("payment-failed", failure("an order that nobody placed"), headers=[("x-own", b"1")])

        async def buried() -> list[tuple[Any, ...]]:
            return await world.rows(f"SELECT code FROM dead_letters WHERE {PLACE}", "payment-failed", *place)

        async def forgotten() -> bool:
            return await world.rows("SELECT 1 FROM parked_messages") == []

        assert await until(buried, "it is given up") == [("parked_too_long",)]
        await until(forgotten, "it is parked no longer")
        [letter] = await wire.until_records("user-service.dead-letter", 1)
        assert header(letter, "x-own") == "1"
        await wire.send("payment-failed", failure("another"))
        await wire.until_done(["payment-failed"])


async def test_what_is_parked_outlives_the_process(world: World, wire: Wire) -> None:
    async with running_stream(world) as running:
        place = await wire.send("payment-failed", failure("order-1"))
        await until_parked(world, "payment-failed", place)
        await running.stop()
    async with running_stream(world):
        newcomer = new_user()
        await wire.send("create-user", newcomer)

        async def known() -> list[tuple[Any, ...]]:
            return await world.rows("SELECT id::text FROM users WHERE email = %s", newcomer["email"])

        [(user_id,)] = await until(known, "the user exists")
        await wire.send("order-placed", order(user_id, order_id="order-1"))

        async def recorded() -> list[tuple[Any, ...]]:
            return await world.rows("SELECT 1 FROM activity_facts WHERE kind = 'PAYMENT_FAILED'")

        await until(recorded, "the payment is recorded")
