"""What every DeliveryQueue promises."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from tests.builders import NOW, SECOND, a_profile, creation, deactivation, update
from tests.contracts.footprints import must_commit
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.users.ports import Change
from usercore.wiring.core import Ports

LEASE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)


async def take(ports: Ports, now: datetime = LATER, limit: int = 100) -> Sequence[Delivery]:
    return await ports.deliveries.claim(now=now, lease_until=now + LEASE, limit=limit)


def by_name(deliveries: Iterable[Delivery]) -> list[Delivery]:
    return sorted(deliveries, key=lambda one: (one.event_id, one.recipient))


def belong_to(deliveries: Iterable[Delivery], *changes: Change) -> bool:
    return {one.event_id for one in deliveries} == {change.event_id for change in changes}


async def test_an_empty_queue_gives_nothing(ports: Ports) -> None:
    assert list(await take(ports)) == []
    assert await ports.deliveries.waiting() == 0
    await ports.deliveries.acknowledge([], now=NOW)


async def test_what_a_change_brings_is_given_as_it_is(ports: Ports) -> None:
    change = creation(a_profile(first_name="Zoë 'x' 𐐷", locale="de-CH"), password_hash="$argon2id$v=19$made-up")
    await must_commit(ports, change)

    taken = await take(ports)

    assert by_name(taken) == by_name(deliveries_of(change))
    [secret] = [one.secret for one in taken if one.secret is not None]
    assert secret.reveal() == "$argon2id$v=19$made-up"


async def test_nothing_is_given_before_it_is_due(ports: Ports) -> None:
    await must_commit(ports, creation(now=NOW))

    assert list(await take(ports, NOW - SECOND)) == []
    assert len(await take(ports, NOW + SECOND)) == 3


async def test_no_one_else_is_given_a_delivery_before_its_lease_ends(ports: Ports) -> None:
    await must_commit(ports, creation())
    first = await take(ports)

    assert list(await take(ports)) == []
    assert list(await take(ports, LATER + LEASE - SECOND)) == []
    assert by_name(await take(ports, LATER + LEASE + SECOND)) == by_name(first)


async def test_many_at_once_are_given_different_deliveries(ports: Ports) -> None:
    await must_commit(ports, *[creation() for _ in range(20)])

    takers = await asyncio.gather(*(take(ports, limit=7) for _ in range(10)))

    names = [(one.event_id, one.recipient) for taken in takers for one in taken]
    assert len(names) == len(set(names))
    assert all(len(taken) <= 7 for taken in takers)


async def test_the_oldest_come_first_and_no_more_than_asked_for(ports: Ports) -> None:
    changes = [creation(now=NOW + number * SECOND) for number in range(5)]
    await must_commit(ports, *changes)

    taken = await take(ports, limit=6)

    assert belong_to(taken, changes[0], changes[1])
    assert [one.created_at for one in taken] == sorted(one.created_at for one in taken)
    assert belong_to(await take(ports, limit=100), *changes[2:])


async def test_of_a_user_and_a_recipient_only_the_oldest_is_given(ports: Ports) -> None:
    created = creation()
    renamed = update(created.user, username="grace")
    ended = deactivation(renamed.user)
    await must_commit(ports, created, renamed, ended)

    first = await take(ports)
    assert belong_to(first, created)
    assert {one.recipient for one in first} == set(Recipient)
    await ports.deliveries.acknowledge(first, now=LATER)
    second = await take(ports)
    assert belong_to(second, renamed)
    assert [one.operation for one in second if one.recipient is Recipient.AUTHENTICATION] == [Operation.CHANGE_LOGIN]
    await ports.deliveries.acknowledge(second, now=LATER)
    assert belong_to(await take(ports), ended)


async def test_a_recipient_that_does_not_answer_holds_up_no_other_recipient_and_no_other_user(ports: Ports) -> None:
    created = creation()
    ended = deactivation(created.user)
    await must_commit(ports, created, ended)
    heard = {one.recipient: one for one in await take(ports)}
    await ports.deliveries.postpone(heard[Recipient.AUTHENTICATION], due_at=LATER + timedelta(hours=1))
    await ports.deliveries.acknowledge([heard[Recipient.AUDIT], heard[Recipient.NOTIFICATION]], now=LATER)
    other = creation()
    await must_commit(ports, other)

    taken = await take(ports)

    assert [one.recipient for one in taken if one.event_id == ended.event_id] == [Recipient.AUDIT]
    assert {one.recipient for one in taken if one.event_id == other.event_id} == set(Recipient)
    assert created.event_id not in {one.event_id for one in taken}


async def test_what_was_heard_is_not_given_again(ports: Ports) -> None:
    await must_commit(ports, creation())
    taken = await take(ports)

    await ports.deliveries.acknowledge(taken[:2], now=LATER)
    assert await ports.deliveries.waiting() == 1
    await ports.deliveries.acknowledge(taken, now=LATER)
    await ports.deliveries.acknowledge(taken, now=LATER)

    assert await ports.deliveries.waiting() == 0
    assert list(await take(ports, LATER + 2 * LEASE)) == []


async def test_a_postponed_delivery_waits_counts_and_comes_again(ports: Ports) -> None:
    await must_commit(ports, creation(password_hash="$argon2id$made-up"))
    taken = await take(ports)
    due_at = LATER + timedelta(minutes=5)
    for delivery in taken:
        await ports.deliveries.postpone(delivery, due_at=due_at)

    assert list(await take(ports, due_at - SECOND)) == []
    again = await take(ports, due_at + SECOND)
    assert by_name(again) == by_name(evolve(one, attempts=1) for one in taken)
    for delivery in again:
        await ports.deliveries.postpone(delivery, due_at=due_at)
    assert {one.attempts for one in await take(ports, due_at + SECOND)} == {2}
    assert await ports.deliveries.waiting() == 3


async def test_postponing_what_was_heard_does_not_bring_it_back(ports: Ports) -> None:
    await must_commit(ports, creation())
    taken = await take(ports)
    await ports.deliveries.acknowledge(taken, now=LATER)

    await ports.deliveries.postpone(taken[0], due_at=LATER)

    assert await ports.deliveries.waiting() == 0
    assert list(await take(ports, LATER + 2 * LEASE)) == []
