"""What every ActivityWriter and ActivityReader promise."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import NOW, SECOND, a_profile, creation, deactivation, in_state, update
from tests.contracts.footprints import footprint, must_commit
from tests.facts import (
    consistent_facts,
    euros,
    failure,
    heard,
    in_words_of_the_model,
    model,
    order,
    points,
    record,
    results,
    retold,
    success,
    until_recorded,
)
from tests.strategies import ACCUMULATING, NASTY
from usercore.activity.facts import Fact
from usercore.activity.pages import FactPosition
from usercore.activity.ports import FactEntry
from usercore.activity.summary import PaymentTally, Standing, Tally
from usercore.activity.values import Awaited, FactKind, FactResult, Money, WaitsFor
from usercore.delivery.routing import deliveries_of_fact
from usercore.delivery.values import Delivery, Operation, Recipient
from usercore.kernel.context import Actor, ActorKind, CommandContext
from usercore.kernel.ids import UserId
from usercore.users.model import User
from usercore.users.values import AccountState
from usercore.wiring.core import Ports

RECORDED, KNOWN, CONFLICTING = FactResult.RECORDED, FactResult.KNOWN, FactResult.CONFLICTING
IGNORED, EARLY = FactResult.IGNORED, FactResult.EARLY
ALL = frozenset(FactKind)
NOBODY = UserId("00000000-0000-7000-8000-000000000000")


async def a_user(ports: Ports, **fields: Any) -> User:
    change = creation(a_profile(**fields))
    await must_commit(ports, change)
    return change.user


async def entries(ports: Ports, user_id: UserId, **more: Any) -> list[FactEntry]:
    asked = {"kinds": ALL, "after": None, "limit": 100} | more
    return list(await ports.activity_reader.entries(user_id, **asked))


async def facts_of(ports: Ports, user_id: UserId) -> set[Fact]:
    return {entry.fact for entry in await entries(ports, user_id)}


async def tally(ports: Ports, user_id: UserId) -> Tally:
    return (await ports.activity_reader.tallies([user_id]))[user_id]


async def notices(ports: Ports) -> list[Delivery]:
    """Take every delivery that asks for a notice of a failed payment; a user's welcome comes before it."""
    found: list[Delivery] = []
    at = NOW + timedelta(days=1)
    while taken := await ports.deliveries.claim(
        recipient=Recipient.NOTIFICATION, now=at, lease_until=at + SECOND, limit=100
    ):
        found += [one for one in taken if one.operation is Operation.SEND_PAYMENT_FAILED]
        await ports.deliveries.acknowledge(taken, now=at)
    return found


async def test_what_is_recorded_is_remembered_as_it_was_told(ports: Ports) -> None:
    user = await a_user(ports)
    told = [
        order("o1", user.id, Money(euros("12345678.9012").value, None), items=3),
        failure("p1", "o1", code="do_not_honour", amount=euros("0.30000000000000004")),
        failure("p2", "o1", amount=Money(euros("-1").value, None)),
        success("p1", "o1", amount=euros("1000")),
        success("p2"),
        points("t1", user.id, 2**53 - 1, order_id="o1", reason=NASTY[0]),
        points("t2", user.id),
    ]
    context = CommandContext(Actor(ActorKind.SERVICE, 'sh"op\\ é'), "conversation-2", None)
    new = [heard(fact, at=NOW + 9 * SECOND, context=context) for fact in told]

    outcomes = await ports.activity_writer.record(new)

    assert [outcome.result for outcome in outcomes] == [RECORDED] * len(told)
    found = {entry.event_id: entry for entry in await entries(ports, user.id)}
    assert found == {
        one.event_id: FactEntry(
            user.id, one.event_id, NOW + 9 * SECOND, context.actor, "conversation-2", None, one.fact
        )
        for one in new
    }


@pytest.mark.parametrize("text", NASTY)
async def test_text_of_any_sort_is_kept(ports: Ports, text: str) -> None:
    user = await a_user(ports)
    told = [order(text, user.id), failure(text, text, code=text), success(text), points(text, user.id, reason=text)]

    assert await results(ports, *told) == [RECORDED] * 4
    assert await results(ports, *told) == [KNOWN] * 4
    assert await facts_of(ports, user.id) == set(told)


async def test_recording_changes_nothing_of_the_user(ports: Ports) -> None:
    user = await a_user(ports)
    before = await footprint(ports, [user.id])

    await results(ports, order("o1", user.id), points("t1", user.id), success("p1", "o1"))

    assert await footprint(ports, [user.id]) == before


async def test_a_known_fact_is_known_and_one_with_other_content_conflicts_and_the_first_one_wins(ports: Ports) -> None:
    user, other = await a_user(ports), await a_user(ports)
    told = [order("o1", user.id), failure("p1", "o1"), success("p1", "o1"), points("t1", user.id)]
    assert await results(ports, *told) == [RECORDED] * 4
    before = await footprint(ports, [user.id, other.id])

    assert await results(ports, *told, *told) == [KNOWN] * 8
    different = [
        order("o1", other.id),
        order("o1", NOBODY),
        order("o1", UserId("no uuid")),
        order("o1", user.id, euros("59.91")),
        order("o1", user.id, Money(euros("59.90").value, "USD")),
        order("o1", user.id, Money(euros("59.90").value, None)),
        order("o1", user.id, items=2),
        order("o1", user.id, at=NOW + SECOND),
        failure("p1", "o2"),
        failure("p1", "o1", code="other"),
        failure("p1", "o1", amount=euros("0")),
        success("p1"),
        success("p1", "o1", amount=euros("1")),
        points("t1", other.id),
        points("t1", user.id, 101),
        points("t1", user.id, reason="x"),
    ]
    for fact in different:
        assert await results(ports, fact) == [CONFLICTING]
    assert await results(ports, *different) == [CONFLICTING] * len(different)

    assert await facts_of(ports, user.id) == set(told)
    assert await facts_of(ports, other.id) == set()
    assert await footprint(ports, [user.id, other.id]) == before


async def test_amounts_that_are_equal_are_no_conflict_however_they_are_written(ports: Ports) -> None:
    user = await a_user(ports)

    assert await results(ports, order("o1", user.id, euros("10.00"))) == [RECORDED]
    assert await results(ports, order("o1", user.id, euros("10")), order("o1", user.id, euros("1E+1"))) == [KNOWN] * 2


async def test_an_id_names_one_fact_of_each_kind(ports: Ports) -> None:
    user = await a_user(ports)

    told = [order("x", user.id), failure("x", "x"), success("x", "x"), points("x", user.id)]

    assert await results(ports, *told) == [RECORDED] * 4


async def test_a_fact_about_what_nobody_knows_is_early_and_leaves_nothing(ports: Ports) -> None:
    user = await a_user(ports)
    before = await footprint(ports, [user.id])
    waiting = {
        order("o1", NOBODY): Awaited(WaitsFor.USER, NOBODY),
        points("t1", UserId("no uuid")): Awaited(WaitsFor.USER, "no uuid"),
        failure("p1", "o2"): Awaited(WaitsFor.ORDER, "o2"),
        success("p1", "o2"): Awaited(WaitsFor.ORDER, "o2"),
        success("p2"): Awaited(WaitsFor.PAYMENT, "p2"),
    }

    outcomes = await record(ports, *waiting)

    assert [outcome.result for outcome in outcomes] == [EARLY] * len(waiting)
    assert [outcome.awaited for outcome in outcomes] == list(waiting.values())
    assert await footprint(ports, [user.id]) == before
    assert await facts_of(ports, user.id) == set()


async def test_an_early_fact_is_recorded_once_what_it_waits_for_is_known(ports: Ports) -> None:
    user = await a_user(ports)
    assert await results(ports, failure("p1", "o1"), success("p1")) == [EARLY] * 2
    assert await results(ports, order("o1", user.id)) == [RECORDED]
    assert await results(ports, success("p1")) == [EARLY]
    assert await results(ports, failure("p1", "o1")) == [RECORDED]
    assert await results(ports, success("p1")) == [RECORDED]

    assert len(await facts_of(ports, user.id)) == 3


async def test_facts_of_one_call_build_on_each_other_in_whatever_order_they_stand(ports: Ports) -> None:
    user, other = await a_user(ports), await a_user(ports)
    told = [
        success("p1"),
        failure("p1", "o1"),
        success("p2", "o2"),
        order("o1", user.id),
        order("o2", other.id),
        points("t1", other.id),
    ]

    assert await results(ports, *told) == [RECORDED] * 6

    assert await facts_of(ports, user.id) == {told[0], told[1], told[3]}
    assert await facts_of(ports, other.id) == {told[2], told[4], told[5]}


async def test_of_several_with_one_id_in_one_call_the_first_that_can_be_recorded_wins(ports: Ports) -> None:
    user, other, erased = await a_user(ports), await a_user(ports), await an_erased_user(ports)

    told = [
        order("o1", NOBODY),
        order("o1", erased),
        order("o1", user.id),
        order("o1", user.id),
        order("o1", other.id),
        failure("p1", "o1"),
        failure("p1", "o1", code="other"),
    ]

    assert await results(ports, *told) == [EARLY, IGNORED, RECORDED, KNOWN, CONFLICTING, RECORDED, CONFLICTING]
    assert await facts_of(ports, user.id) == {told[2], told[5]}


async def an_erased_user(ports: Ports) -> UserId:
    change = in_state(creation(), AccountState.ERASED)
    await must_commit(ports, change)
    return change.user.id


async def erase(ports: Ports, user: User) -> None:
    """Bring a user into the state in which an erasure leaves them."""
    change = update(user, first_name="x")
    await must_commit(
        ports, evolve(change, user=evolve(change.user, status=evolve(user.status, state=AccountState.ERASED)))
    )


async def test_facts_of_an_erased_user_are_ignored(ports: Ports) -> None:
    user = await a_user(ports)
    told = [order("o1", user.id), failure("p1", "o1"), points("t1", user.id)]
    assert await results(ports, *told) == [RECORDED] * 3
    await erase(ports, user)
    before = await footprint(ports, [user.id])

    later = [order("o2", user.id), failure("p2", "o1"), success("p2", "o1"), success("p1"), points("t2", user.id)]

    assert await results(ports, *later) == [IGNORED] * 5
    assert await results(ports, *told) == [IGNORED] * 3
    assert await results(ports, order("o1", user.id, items=7)) == [IGNORED]
    assert await footprint(ports, [user.id]) == before
    assert await facts_of(ports, user.id) == set(told)


async def test_facts_of_deactivated_and_merged_users_are_recorded(ports: Ports) -> None:
    created = creation()
    merged = in_state(creation(), AccountState.MERGED)
    await must_commit(ports, created, deactivation(created.user), merged)

    assert await results(ports, order("o1", created.user.id), order("o2", merged.user.id)) == [RECORDED] * 2
    assert await results(ports, failure("p1", "o1"), points("t1", merged.user.id)) == [RECORDED] * 2


async def test_a_failed_payment_asks_once_for_a_notice_that_says_what_failed(ports: Ports) -> None:
    user = await a_user(ports, first_name=NASTY[0], locale="de-CH")
    plain = await a_user(ports)
    amount = Money(euros("59.90").value, None)
    told = [heard(failure("p1", "o1", amount=euros("1234.50"))), heard(failure("p2", "o2", amount=amount))]
    await results(ports, order("o1", user.id), order("o2", plain.id), success("p9", "o1"))
    for _ in range(2):
        again = [heard(failure("p1", "o1", code="other")), heard(told[0].fact)]
        await ports.activity_writer.record([*told, *again])
    bare = heard(failure("p3", "o2"), at=NOW + SECOND)
    await ports.activity_writer.record([bare])

    found = {one.event_id: one for one in await notices(ports)}

    assert list(found.values()) == [
        one
        for new, who in zip([*told, bare], [user, plain, plain], strict=True)
        for one in deliveries_of_fact(new, who)
    ]
    first = found[told[0].event_id]
    assert (first.recipient, first.user_id, first.secret, first.created_at) == (
        Recipient.NOTIFICATION,
        user.id,
        None,
        NOW,
    )
    assert first.payload == {
        "orderId": "o1",
        "paymentId": "p1",
        "errorCode": "card_declined",
        "amount": {"value": "1234.5", "currency": "EUR"},
        "email": user.profile.email.address,
        "firstName": NASTY[0],
        "locale": "de-CH",
    }
    assert found[bare.event_id].payload["amount"] is None


async def test_a_fact_that_many_tell_at_once_is_recorded_once(ports: Ports) -> None:
    users = [await a_user(ports) for _ in range(3)]
    told = [order(f"o{n}", user.id) for n, user in enumerate(users)]
    told += [failure(f"p{n}", f"o{n}") for n in range(3)] + [success(f"p{n}") for n in range(3)]

    async def tell(turn: int) -> list[FactResult]:
        return await results(ports, *(told if turn % 2 else reversed(told)))

    answers = await asyncio.gather(*(tell(turn) for turn in range(30)))

    counts = Counter(result for answer in answers for result in answer)
    assert counts == {RECORDED: len(told), KNOWN: 29 * len(told)}
    assert len(await notices(ports)) == 3


async def test_of_different_facts_that_many_tell_at_once_one_wins(ports: Ports) -> None:
    users = [await a_user(ports) for _ in range(20)]

    answers = await asyncio.gather(*(results(ports, failure("p1", "o1"), order("o1", one.id)) for one in users))

    assert Counter(result for _, result in answers) == {RECORDED: 1, CONFLICTING: 19}
    assert Counter(result for result, _ in answers) == {RECORDED: 1, KNOWN: 19}
    [owner] = [one for one, (_, result) in zip(users, answers, strict=True) if result is RECORDED]
    assert await facts_of(ports, owner.id) == {order("o1", owner.id), failure("p1", "o1")}


async def test_no_facts_are_nothing_to_do(ports: Ports) -> None:
    assert list(await ports.activity_writer.record([])) == []


async def twelve(ports: Ports) -> tuple[UserId, list[FactEntry]]:
    """Record three facts of each kind between those of another user; give a user's, the newest first."""
    user, other = await a_user(ports), await a_user(ports)
    for n in range(3):
        at = NOW + n * SECOND
        told = [order(f"o{n}", user.id, at=at), failure(f"p{n}", f"o{n}", at=at), success(f"p{n}", at=at)]
        told += [points(f"t{n}", user.id, at=NOW), order(f"x{n}", other.id, at=at)]
        assert await results(ports, *told) == [RECORDED] * 5
    found = await entries(ports, user.id)
    assert found == sorted(found, key=lambda one: (one.fact.at, one.event_id), reverse=True)
    assert len(found) == 12
    return user.id, found


@pytest.mark.parametrize("kinds", [ALL, {FactKind.POINTS_EARNED}, {FactKind.ORDER_PLACED, FactKind.PAYMENT_FAILED}])
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_of_any_kinds_go_through_all_of_them_the_newest_first(
    ports: Ports, kinds: set[FactKind], limit: int
) -> None:
    user_id, everything = await twelve(ports)
    found: list[FactEntry] = []
    after = None
    while page := await entries(ports, user_id, kinds=frozenset(kinds), after=after, limit=limit):
        assert len(page) <= limit
        found += page
        after = FactPosition(page[-1].fact.at, page[-1].event_id)

    assert found == [one for one in everything if one.fact.kind in kinds]


@pytest.mark.parametrize("nobody", [NOBODY, "somebody"])
async def test_nobody_has_no_activity(ports: Ports, nobody: str) -> None:
    assert await entries(ports, UserId(nobody)) == []
    assert await ports.activity_reader.tallies([UserId(nobody)]) == {nobody: Tally()}
    assert await ports.activity_reader.tallies([]) == {}


async def test_sums_are_of_each_user_and_exact(ports: Ports) -> None:
    user, other = await a_user(ports), await a_user(ports)
    amounts = ["0.1", "0.2", "0.30000000000000004", "999999999999999.99", "999999999999999.99"]
    for n, amount in enumerate(amounts):
        await record(ports, order(f"o{n}", user.id, euros(amount), at=NOW - n * SECOND))
    dollars = [Money(euros("5").value, "USD"), Money(euros("7.50").value, None), Money(euros("2.50").value, None)]
    for n, money in enumerate(dollars):
        await record(ports, order(f"d{n}", user.id, money, at=NOW + n * SECOND))
    await record(ports, points("t1", other.id, 2**53 - 1), points("t2", other.id, 2**53 - 1))

    found = await ports.activity_reader.tallies([user.id, other.id, NOBODY])

    orders = found[user.id].orders
    assert [(money.digits, money.currency) for money in orders.totals] == [
        ("2000000000000000.58000000000000004", "EUR"),
        ("5", "USD"),
        ("10", None),
    ]
    assert (orders.count, orders.first_at, orders.last_at) == (8, NOW - 4 * SECOND, NOW + 2 * SECOND)
    assert (found[user.id].points, found[user.id].payments) == (0, PaymentTally())
    assert found[other.id] == Tally(points=2**54 - 2)
    assert found[NOBODY] == Tally()


@pytest.mark.parametrize(
    ("succeeded", "recovered"),
    [
        (success("p1", "o1", at=NOW), 1),
        (success("p1", at=NOW), 1),
        (success("p2", "o1", at=NOW), 1),
        (success("p1", "o2", at=NOW + SECOND), 1),
        (success("p1", "o1", at=NOW - SECOND), 0),
        (success("p2", "o2", at=NOW + SECOND), 0),
    ],
    ids=["at the same time", "naming no order", "another payment", "the payment alone", "before", "another order"],
)
async def test_a_failure_is_made_good_by_a_success_of_the_payment_or_for_the_order_no_earlier_than_it(
    ports: Ports, succeeded: Fact, recovered: int
) -> None:
    user = await a_user(ports)
    await results(ports, order("o1", user.id), order("o2", user.id), failure("p1", "o1", at=NOW), succeeded)

    payments = (await tally(ports, user.id)).payments

    assert payments == PaymentTally(1, recovered, NOW)
    assert payments.standing is (Standing.GOOD if recovered else Standing.FAILING)


async def test_a_success_that_names_no_order_is_for_the_order_that_its_payment_failed_for(ports: Ports) -> None:
    user = await a_user(ports)
    await results(ports, order("o1", user.id), failure("p1", "o1"), failure("p2", "o1"), success("p2"))

    assert (await tally(ports, user.id)).payments == PaymentTally(2, 2, NOW)


@settings(ACCUMULATING, max_examples=15)
@given(data=st.data())
async def test_the_same_facts_amount_to_the_same_in_any_order_and_however_often_they_are_heard(
    ports: Ports, data: st.DataObject
) -> None:
    changes = [creation(), creation()]
    await must_commit(ports, *changes)
    ids = [change.user.id for change in changes]
    # Other examples told facts of the same ids to this store; a mark keeps them apart.
    facts = [_marked(fact, ids[0]) for fact in data.draw(consistent_facts(ids))]
    told = data.draw(retold(facts))
    if data.draw(st.booleans()):
        outcomes = await results(ports, *told)
        assert set(outcomes) <= {RECORDED, KNOWN, EARLY}
    else:
        await until_recorded(ports, told)

    tallies = await ports.activity_reader.tallies(ids)

    for user_id in ids:
        assert in_words_of_the_model(tallies[user_id]) == model(facts, user_id)


def _marked(fact: Fact, mark: str) -> Fact:
    names = {"order_id", "payment_id", "fact_id"} & {one.name for one in fields(type(fact))}
    given = {name: getattr(fact, name) for name in names}
    marked: dict[str, Any] = {name: f"{mark} {value}" for name, value in given.items() if value is not None}
    return evolve(fact, **marked)


async def test_telling_the_very_same_again_after_an_answer_was_lost_finds_it_known(ports: Ports) -> None:
    user = await a_user(ports)
    told = [heard(order("o1", user.id)), heard(failure("p1", "o1")), heard(success("p1"))]

    for result in (RECORDED, KNOWN):
        assert [one.result for one in await ports.activity_writer.record(told)] == [result] * 3
