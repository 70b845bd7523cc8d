"""What every DeliveryQueue promises."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from attrs import evolve

from tests.builders import IDS, NOW, SECOND, a_profile, creation, deactivation, update
from tests.contracts.footprints import must_commit
from usercore.delivery.ports import Mending
from usercore.delivery.routing import deliveries_of
from usercore.delivery.values import (
    Delivery,
    DeliveryFilter,
    DeliveryLine,
    DeliveryStanding,
    DeliveryState,
    Operation,
    Recipient,
)
from usercore.kernel.ids import UserId
from usercore.kernel.paging import Page
from usercore.users.ports import Change
from usercore.wiring.core import Ports

LEASE = timedelta(minutes=1)
LATER = NOW + timedelta(hours=1)


async def take_for(ports: Ports, recipient: Recipient, now: datetime = LATER, limit: int = 100) -> Sequence[Delivery]:
    return await ports.deliveries.claim(recipient=recipient, now=now, lease_until=now + LEASE, limit=limit)


async def take(ports: Ports, now: datetime = LATER) -> Sequence[Delivery]:
    """Take what is due, whoever it is for."""
    return [one for recipient in Recipient for one in await take_for(ports, recipient, now)]


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

    takers = await asyncio.gather(*(take_for(ports, Recipient.AUDIT, limit=7) for _ in range(10)))

    names = [(one.event_id, one.recipient) for taken in takers for one in taken]
    assert len(names) == len(set(names))
    assert all(len(taken) <= 7 for taken in takers)


async def test_the_oldest_come_first_and_no_more_than_asked_for(ports: Ports) -> None:
    changes = [creation(now=NOW + number * SECOND) for number in range(5)]
    await must_commit(ports, *changes)

    taken = await take_for(ports, Recipient.AUDIT, limit=2)

    assert belong_to(taken, changes[0], changes[1])
    assert [one.created_at for one in taken] == sorted(one.created_at for one in taken)
    assert belong_to(await take_for(ports, Recipient.AUDIT), *changes[2:])


async def test_a_recipient_is_given_what_is_meant_for_it_alone(ports: Ports) -> None:
    await must_commit(ports, creation(), creation())

    assert [one.recipient for one in await take_for(ports, Recipient.AUDIT)] == [Recipient.AUDIT] * 2
    assert len(await take_for(ports, Recipient.NOTIFICATION)) == 2


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
    await ports.deliveries.postpone(heard[Recipient.AUTHENTICATION], due_at=LATER + timedelta(hours=1), code="x")
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
        await ports.deliveries.postpone(delivery, due_at=due_at, code="http_503")

    assert list(await take(ports, due_at - SECOND)) == []
    again = await take(ports, due_at + SECOND)
    assert by_name(again) == by_name(evolve(one, attempts=1) for one in taken)
    for delivery in again:
        await ports.deliveries.postpone(delivery, due_at=due_at, code="http_503")
    assert {one.attempts for one in await take(ports, due_at + SECOND)} == {2}
    assert await ports.deliveries.waiting() == 3


async def test_postponing_what_was_heard_does_not_bring_it_back(ports: Ports) -> None:
    await must_commit(ports, creation())
    taken = await take(ports)
    await ports.deliveries.acknowledge(taken, now=LATER)

    await ports.deliveries.postpone(taken[0], due_at=LATER, code="x")

    assert await ports.deliveries.waiting() == 0
    assert list(await take(ports, LATER + 2 * LEASE)) == []


async def given_up(ports: Ports, change: Change, recipient: Recipient, code: str = "http_422") -> Delivery:
    """Commit a change and give up what it tells one recipient."""
    await must_commit(ports, change)
    [delivery] = await take_for(ports, recipient)
    await ports.deliveries.fail(delivery, now=LATER, code=code)
    return delivery


async def line_of(ports: Ports, key: str) -> DeliveryLine:
    line = await ports.delivery_records.get(key)
    assert line is not None
    return line


async def test_what_was_given_up_is_kept_and_never_given_again(ports: Ports) -> None:
    delivery = await given_up(ports, creation(), Recipient.AUDIT)

    assert list(await take_for(ports, Recipient.AUDIT, LATER + 2 * LEASE)) == []
    assert await ports.deliveries.waiting() == 2
    line = await line_of(ports, delivery.key)
    assert (line.state, line.error_code, line.attempts) == (DeliveryState.FAILED, "http_422", 1)
    assert line.settled_at == LATER


async def test_what_was_given_up_lets_those_behind_it_go_on_at_once(ports: Ports) -> None:
    created = creation()
    renamed = update(created.user, username="grace")
    await must_commit(ports, created, renamed)
    [first] = await take_for(ports, Recipient.AUTHENTICATION)
    await ports.deliveries.postpone(first, due_at=LATER + SECOND, code="http_503")
    [first] = await take_for(ports, Recipient.AUTHENTICATION, LATER + SECOND)

    await ports.deliveries.fail(first, now=LATER + SECOND, code="http_422")

    [second] = await take_for(ports, Recipient.AUTHENTICATION, LATER + SECOND)
    assert second.event_id == renamed.event_id


async def test_what_is_given_back_untried_waits_and_nothing_is_counted(ports: Ports) -> None:
    await must_commit(ports, creation(), creation())
    taken = await take_for(ports, Recipient.AUDIT)

    await ports.deliveries.release(taken, due_at=LATER + SECOND)
    await ports.deliveries.release([], due_at=LATER)

    assert list(await take_for(ports, Recipient.AUDIT)) == []
    assert by_name(await take_for(ports, Recipient.AUDIT, LATER + SECOND)) == by_name(taken)


async def test_what_found_its_end_is_not_brought_back_by_one_who_was_late(ports: Ports) -> None:
    heard, failed = creation(), creation()
    await must_commit(ports, heard, failed)
    taken = {one.event_id: one for one in await take_for(ports, Recipient.AUDIT)}
    await ports.deliveries.acknowledge([taken[heard.event_id]], now=LATER)
    await ports.deliveries.fail(taken[failed.event_id], now=LATER, code="refused")

    for one in taken.values():
        await ports.deliveries.release([one], due_at=LATER)
        await ports.deliveries.postpone(one, due_at=LATER, code="late")
        await ports.deliveries.fail(one, now=LATER, code="late")

    assert list(await take_for(ports, Recipient.AUDIT, LATER + 2 * LEASE)) == []
    states = [(await line_of(ports, taken[one.event_id].key)) for one in (heard, failed)]
    assert [(line.state, line.error_code) for line in states] == [
        (DeliveryState.DELIVERED, None),
        (DeliveryState.FAILED, "refused"),
    ]


async def test_what_was_given_up_and_heard_after_all_is_heard(ports: Ports) -> None:
    delivery = await given_up(ports, creation(), Recipient.AUDIT)
    await ports.deliveries.acknowledge([delivery], now=LATER)
    assert (await line_of(ports, delivery.key)).state is DeliveryState.DELIVERED
    assert await ports.delivery_records.retry(delivery.key, now=LATER) is False
    assert list(await take_for(ports, Recipient.AUDIT, LATER + 2 * LEASE)) == []


async def test_a_retry_brings_back_all_that_was_to_be_told_and_counts_anew(ports: Ports) -> None:
    change = creation(password_hash="$argon2id$made-up")
    delivery = await given_up(ports, change, Recipient.AUTHENTICATION)

    assert await ports.delivery_records.retry(delivery.key, now=LATER) is True

    [again] = await take_for(ports, Recipient.AUTHENTICATION)
    assert again == delivery
    assert again.secret is not None
    assert again.secret.reveal() == "$argon2id$made-up"
    await ports.deliveries.acknowledge([again], now=LATER)
    assert await ports.delivery_records.retry(delivery.key, now=LATER) is False
    assert list(await take_for(ports, Recipient.AUTHENTICATION, LATER + 2 * LEASE)) == []


async def test_a_retry_brings_what_waits_forward(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created, deactivation(created.user))
    [first] = await take_for(ports, Recipient.AUTHENTICATION)
    await ports.deliveries.postpone(first, due_at=LATER + timedelta(days=1), code="timeout")

    assert await ports.delivery_records.retry(first.key, now=LATER) is True

    [again] = await take_for(ports, Recipient.AUTHENTICATION)
    assert (again.event_id, again.attempts) == (created.event_id, 0)
    await ports.deliveries.acknowledge([again], now=LATER)
    assert len(await take_for(ports, Recipient.AUTHENTICATION)) == 1


async def test_what_was_retried_stands_where_it_stood(ports: Ports) -> None:
    created = creation()
    delivery = await given_up(ports, created, Recipient.AUTHENTICATION)
    ended = deactivation(created.user)
    await must_commit(ports, ended)
    await ports.delivery_records.retry(delivery.key, now=LATER)

    assert [one.event_id for one in await take_for(ports, Recipient.AUTHENTICATION)] == [created.event_id]


async def test_what_is_discarded_is_empty_and_never_told(ports: Ports) -> None:
    failed = await given_up(ports, creation(), Recipient.AUDIT)
    waits = creation()
    await must_commit(ports, waits)
    [waiting] = await take_for(ports, Recipient.AUDIT)
    for one in (failed, waiting):
        said = {"now": LATER, "by": "OPERATOR:ada", "reason": "a test"}
        assert await ports.delivery_records.discard(one.key, **said) is True  # type: ignore[arg-type]
        assert await ports.delivery_records.discard(one.key, **said) is False  # type: ignore[arg-type]
        assert await ports.delivery_records.retry(one.key, now=LATER) is False
        await ports.deliveries.postpone(one, due_at=LATER, code="late")

    assert list(await take_for(ports, Recipient.AUDIT, LATER + 2 * LEASE)) == []
    line = await line_of(ports, waiting.key)
    assert (line.state, line.settled_at, line.settled_by, line.settled_reason) == (
        DeliveryState.DISCARDED,
        LATER,
        "OPERATOR:ada",
        "a test",
    )


async def test_a_delivery_that_nobody_knows_is_not_there(ports: Ports) -> None:
    for key in (f"{IDS.event_id()}:AUDIT", f"{IDS.event_id()}:NOBODY", "x", "", f"{IDS.event_id()}"):
        assert await ports.delivery_records.get(key) is None
        assert await ports.delivery_records.retry(key, now=NOW) is False
        assert await ports.delivery_records.discard(key, now=NOW, by="x", reason="y") is False


async def test_deliveries_are_listed_by_what_became_of_them_by_recipient_and_by_user(ports: Ports) -> None:
    first, second = creation(), creation()
    failed = await given_up(ports, first, Recipient.AUDIT)
    await must_commit(ports, second)
    heard = await take_for(ports, Recipient.NOTIFICATION)
    await ports.deliveries.acknowledge(heard, now=LATER)

    async def listed(**wanted: object) -> set[str]:
        page = await ports.delivery_records.page(DeliveryFilter(**wanted), after=None, limit=100)  # type: ignore[arg-type]
        assert page.next_cursor is None
        assert [line.key for line in page.items] == sorted(line.key for line in page.items)
        return {line.key for line in page.items}

    assert await listed(state=DeliveryState.FAILED) == {failed.key}
    assert await listed(state=DeliveryState.DELIVERED) == {one.key for one in heard}
    assert await listed(state=DeliveryState.DISCARDED) == set()
    assert len(await listed(state=DeliveryState.WAITING)) == 3
    assert len(await listed()) == 6
    assert await listed(recipient=Recipient.AUDIT, user_id=first.user.id) == {failed.key}
    assert len(await listed(user_id=second.user.id)) == 3
    assert await listed(user_id="nobody") == set()


async def test_a_long_list_comes_page_by_page(ports: Ports) -> None:
    await must_commit(ports, *[creation() for _ in range(3)])
    seen: list[str] = []
    after: str | None = None
    while True:
        page = await ports.delivery_records.page(DeliveryFilter(), after=after, limit=2)
        seen += [line.key for line in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 9
    assert seen == sorted(seen)
    assert await ports.delivery_records.page(DeliveryFilter(), after="no cursor of ours", limit=2) == Page(())


async def test_it_is_counted_how_things_stand_with_each_recipient(ports: Ports) -> None:
    nothing = [DeliveryStanding(one, 0, 0, None) for one in Recipient]
    assert list(await ports.delivery_records.standing()) == nothing
    await given_up(ports, creation(now=NOW), Recipient.AUDIT)
    await must_commit(ports, creation(now=NOW + SECOND))
    [heard] = await take_for(ports, Recipient.AUDIT)
    await ports.deliveries.acknowledge([heard], now=LATER)

    standing = {one.recipient: one for one in await ports.delivery_records.standing()}

    assert standing[Recipient.AUDIT] == DeliveryStanding(Recipient.AUDIT, 0, 1, None)
    assert standing[Recipient.NOTIFICATION] == DeliveryStanding(Recipient.NOTIFICATION, 2, 0, NOW)


async def test_what_was_heard_or_discarded_is_forgotten_after_a_time_and_nothing_else(ports: Ports) -> None:
    failed = await given_up(ports, creation(), Recipient.AUDIT)
    dropped = await given_up(ports, creation(), Recipient.AUDIT)
    await ports.delivery_records.discard(dropped.key, now=LATER, by="x", reason="y")
    heard = await take_for(ports, Recipient.NOTIFICATION)
    await ports.deliveries.acknowledge(heard, now=LATER)

    assert await ports.deliveries.purge(LATER) == 0
    assert await ports.deliveries.purge(LATER + SECOND) == 3
    assert await ports.deliveries.purge(LATER + SECOND) == 0

    assert await ports.delivery_records.get(dropped.key) is None
    assert (await line_of(ports, failed.key)).state is DeliveryState.FAILED
    assert await ports.deliveries.waiting() == 2


def a_mend(user_id: UserId, version: int | None) -> Mending:
    made = Delivery(
        event_id=IDS.event_id(),
        recipient=Recipient.AUTHENTICATION,
        operation=Operation.CHANGE_LOGIN,
        user_id=user_id,
        payload={"email": "zoë@example.com"},
        secret=None,
        created_at=LATER,
    )
    return Mending(made, version)


async def test_it_is_known_of_which_users_a_delivery_waits(ports: Ports) -> None:
    waits, heard, failed = creation(), creation(), creation()
    await must_commit(ports, waits, heard, failed)
    taken = {one.event_id: one for one in await take_for(ports, Recipient.AUTHENTICATION)}
    await ports.deliveries.acknowledge([taken[heard.event_id]], now=LATER)
    await ports.deliveries.fail(taken[failed.event_id], now=LATER, code="refused")
    ids = [change.user.id for change in (waits, heard, failed)]

    assert await ports.delivery_records.waiting_of(Recipient.AUTHENTICATION, [*ids, UserId("x")]) == {waits.user.id}
    assert await ports.delivery_records.waiting_of(Recipient.AUDIT, ids[:2]) == set(ids[:2])
    assert await ports.delivery_records.waiting_of(Recipient.AUDIT, []) == set()


async def test_what_mends_is_told_last_and_only_of_the_version_that_it_is_right_for(ports: Ports) -> None:
    created = creation()
    await must_commit(ports, created)
    right, stale = a_mend(created.user.id, 1), a_mend(created.user.id, 2)
    nobody, orphan = a_mend(IDS.user_id(), 1), a_mend(IDS.user_id(), None)

    made = await ports.delivery_records.add([right, stale, nobody, orphan])

    assert made == {right.delivery.event_id, orphan.delivery.event_id}
    first = await take_for(ports, Recipient.AUTHENTICATION)
    assert {one.event_id for one in first} == {created.event_id, orphan.delivery.event_id}
    await ports.deliveries.acknowledge(first, now=LATER)
    assert list(await take_for(ports, Recipient.AUTHENTICATION)) == [right.delivery]
    assert await ports.delivery_records.add([]) == set()
