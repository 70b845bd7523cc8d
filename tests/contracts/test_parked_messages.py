"""What every ParkedMessages promises."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from tests.builders import IDS, NOW, SECOND, a_context, creation, deactivation, in_state
from tests.contracts.footprints import must_commit
from tests.letters import HOUR, a_message, parked
from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded
from usercore.activity.ports import NewFact
from usercore.activity.values import Awaited, FactResult, Money, WaitsFor
from usercore.kernel.ids import UserId
from usercore.messaging.values import ParkedLine, ParkedMessage, RawMessage
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

LEASE = timedelta(minutes=1)


async def take(ports: Ports, now: datetime = NOW + SECOND, limit: int = 100) -> Sequence[ParkedMessage]:
    return await ports.parked.claim_ready(now=now, lease_until=now + LEASE, limit=limit)


def waiting_for(user_id: str) -> ParkedMessage:
    return parked(Awaited(WaitsFor.USER, user_id))


async def test_where_nothing_is_parked_there_is_nothing_to_take(ports: Ports) -> None:
    await ports.parked.park([])
    await ports.parked.remove([])

    assert list(await take(ports)) == []
    assert await ports.parked.count() == 0
    assert (await ports.parked.page(after=None, limit=10)).items == ()


async def test_what_waits_for_an_unknown_user_is_not_given(ports: Ports) -> None:
    await ports.parked.park([parked()])

    assert list(await take(ports)) == []
    assert await ports.parked.count() == 1


async def test_a_message_is_given_as_it_was_once_its_user_is_there(ports: Ports) -> None:
    change = creation()
    headers = (("ce_id", b"\xff\x00"), ("x", b""), ("ce_id", b"again"), ("na\x00me \ud800 𐐷", b"1"))
    message = a_message("töpic", offset=2**62, key=b"\x00\xff", value=b"\xfe" * 5_000, headers=headers)
    waits = parked(Awaited(WaitsFor.USER, change.user.id), message=message)
    await ports.parked.park([waits, parked()])
    assert list(await take(ports)) == []

    await must_commit(ports, change)

    assert list(await take(ports)) == [waits]


async def test_neither_key_nor_value_nor_headers_are_needed(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    bare = [
        parked(Awaited(WaitsFor.USER, change.user.id), message=a_message(key=None, value=None)),
        parked(Awaited(WaitsFor.USER, change.user.id), message=a_message(key=b"", value=b"")),
    ]
    await ports.parked.park(bare)

    assert list(await take(ports)) == bare


@pytest.mark.parametrize("state", [AccountState.ERASED, AccountState.MERGED])
async def test_a_user_in_any_state_is_known(ports: Ports, state: AccountState) -> None:
    active = creation()
    gone = in_state(creation(), state)
    await must_commit(ports, active, gone)
    await must_commit(ports, deactivation(active.user))
    waits = [waiting_for(active.user.id), waiting_for(gone.user.id)]
    await ports.parked.park(waits)

    assert list(await take(ports)) == waits


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda one: one.replace("-", ""), lambda one: f"{{{one}}}", "{}\n".format]
)
async def test_an_id_that_is_written_otherwise_than_ours_is_nobodys(ports: Ports, spoil: object) -> None:
    change = creation()
    await must_commit(ports, change)
    assert callable(spoil)
    await ports.parked.park([waiting_for(spoil(change.user.id)), waiting_for("u1"), waiting_for("")])

    assert list(await take(ports)) == []


def an_order(user_id: UserId) -> OrderPlaced:
    return OrderPlaced(IDS.event_id(), user_id, Money(Decimal(9), "EUR"), 1, NOW)


def failed(order: OrderPlaced, payment_id: str) -> PaymentFailed:
    return PaymentFailed(payment_id, order.order_id, "card_declined", None, NOW)


async def recorded(ports: Ports, *facts: Fact) -> None:
    news = [NewFact(fact, IDS.event_id(), NOW, a_context()) for fact in facts]
    assert {one.result for one in await ports.activity_writer.record(news)} == {FactResult.RECORDED}


async def test_a_message_is_given_once_its_order_is_there(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    order = an_order(change.user.id)
    waits = parked(Awaited(WaitsFor.ORDER, order.order_id))
    await ports.parked.park([waits, parked(Awaited(WaitsFor.ORDER, "o'ther 𐐷"))])
    assert list(await take(ports)) == []

    await recorded(ports, order)

    assert list(await take(ports)) == [waits]


async def test_a_message_is_given_once_the_failure_of_its_payment_is_there(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    order = an_order(change.user.id)
    succeeded = PaymentSucceeded("p-other", order.order_id, Money(Decimal(9), "EUR"), NOW)
    waits = parked(Awaited(WaitsFor.PAYMENT, "p-1"))
    others = [parked(Awaited(WaitsFor.PAYMENT, ident)) for ident in (order.order_id, "p-other")]
    await ports.parked.park([waits, *others])
    await recorded(ports, order, succeeded)
    assert list(await take(ports)) == []

    await recorded(ports, failed(order, "p-1"))

    assert list(await take(ports)) == [waits]


async def test_ids_of_different_kinds_never_meet(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    order = an_order(change.user.id)
    payment = failed(order, IDS.event_id())
    await recorded(ports, order, payment)
    known = {
        WaitsFor.USER: change.user.id,
        WaitsFor.ORDER: order.order_id,
        WaitsFor.PAYMENT: payment.payment_id,
    }
    mixed = [Awaited(kind, ident) for kind in WaitsFor for other, ident in known.items() if kind is not other]
    await ports.parked.park([parked(awaited) for awaited in mixed])

    assert list(await take(ports)) == []


async def test_what_has_expired_is_given_whatever_it_waits_for(ports: Ports) -> None:
    waits = [
        parked(Awaited(kind, ident), expires_at=NOW + HOUR)
        for kind in WaitsFor
        for ident in (IDS.user_id(), "never-a-uuid")
    ]
    await ports.parked.park(waits)

    assert list(await take(ports, NOW + HOUR - SECOND)) == []
    assert list(await take(ports, NOW + HOUR)) == waits


async def test_no_one_else_is_given_a_message_before_its_lease_ends(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    ready, late = waiting_for(change.user.id), parked(expires_at=NOW)
    await ports.parked.park([ready, late])
    now = NOW + SECOND
    assert list(await take(ports, now)) == [ready, late]

    assert list(await take(ports, now)) == []
    assert list(await take(ports, now + LEASE - SECOND)) == []
    assert list(await take(ports, now + LEASE)) == [ready, late]


async def test_what_was_removed_is_gone(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    ready = [waiting_for(change.user.id) for _ in range(3)]
    await ports.parked.park(ready)
    await take(ports)

    await ports.parked.remove([ready[0].id, ready[2].id, IDS.event_id(), "no id"])

    assert list(await take(ports, NOW + HOUR)) == [ready[1]]
    assert await ports.parked.count() == 1


async def test_the_oldest_come_first_and_no_more_than_asked_for(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    expired = 3
    ready = [parked(expires_at=NOW) if number == expired else waiting_for(change.user.id) for number in range(8)]
    await ports.parked.park([ready[5], parked(), *ready[:5], parked(), *ready[6:]])

    assert list(await take(ports, limit=3)) == ready[:3]
    assert list(await take(ports, limit=3)) == ready[3:6]
    assert list(await take(ports, limit=3)) == ready[6:]
    assert list(await take(ports, limit=3)) == []


async def test_a_message_that_is_parked_again_stays_as_it_is(ports: Ports) -> None:
    change = creation()
    await must_commit(ports, change)
    first = waiting_for(change.user.id)
    await ports.parked.park([first])
    assert list(await take(ports)) == [first]

    again = evolve(first, id=IDS.event_id(), parked_at=NOW + SECOND, awaited=Awaited(WaitsFor.USER, IDS.user_id()))
    await ports.parked.park([again, again])

    assert await ports.parked.count() == 1
    assert list(await take(ports)) == []
    assert list(await take(ports, NOW + SECOND + LEASE)) == [first]


@pytest.mark.parametrize("field", ["topic", "partition", "offset", "timestamp_ms"])
async def test_messages_that_differ_in_their_place_are_different_ones(ports: Ports, field: str) -> None:
    message = a_message(offset=7)
    changed: Any = "other" if field == "topic" else 9
    other = evolve(message, **{field: changed})
    await ports.parked.park([parked(message=message), parked(message=other)])

    assert await ports.parked.count() == 2


async def test_pages_list_what_is_parked_from_the_oldest_on(ports: Ports) -> None:
    waits = [parked(at=NOW + number * SECOND) for number in range(5)]
    await ports.parked.park(list(reversed(waits)))

    found: list[ParkedLine] = []
    after = None
    while True:
        page = await ports.parked.page(after=after, limit=2)
        found += page.items
        after = page.next_cursor
        if after is None:
            break
        assert len(page.items) == 2

    assert found == [one.line for one in waits]
    assert (await ports.parked.page(after=None, limit=5)).next_cursor is None


async def test_many_at_once_are_given_different_messages_and_together_all(ports: Ports) -> None:
    changes = [creation() for _ in range(10)]
    await must_commit(ports, *changes)
    ready = [waiting_for(change.user.id) for change in changes for _ in range(6)]
    await ports.parked.park([*ready, *(parked() for _ in range(20))])
    seen: list[str] = []

    async def claimer() -> None:
        while len(seen) < len(ready):
            taken = await take(ports, limit=7)
            assert len(taken) <= 7
            seen.extend(one.id for one in taken)

    await asyncio.wait_for(asyncio.gather(*(claimer() for _ in range(12))), timeout=30)

    assert sorted(seen) == [one.id for one in ready]


async def test_a_message_that_many_park_at_once_is_parked_once(ports: Ports) -> None:
    messages = [a_message() for _ in range(2_000)]

    def turn(number: int, some: Sequence[RawMessage]) -> Sequence[ParkedMessage]:
        return [parked(message=one) for one in (some if number % 2 else reversed(some))]

    for start in range(0, 2_000, 500):  # the first time, connections are still being made
        turns = [turn(number, messages[start : start + 500]) for number in range(10)]
        await asyncio.wait_for(asyncio.gather(*map(ports.parked.park, turns)), timeout=30)

    assert await ports.parked.count() == len(messages)
