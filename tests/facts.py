"""Facts for tests: builders, what Hypothesis draws, and a plain model of what facts amount to."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from tests.builders import IDS, NOW, a_context
from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.ports import NewFact
from usercore.activity.summary import Standing, Tally
from usercore.activity.values import FactOutcome, FactResult, Money
from usercore.kernel.context import CommandContext
from usercore.kernel.ids import UserId
from usercore.wiring.core import Ports


def euros(value: str) -> Money:
    return Money(Decimal(value), "EUR")


def order(order_id: str, user_id: UserId, total: Money | None = None, *, items: int = 1, at: datetime = NOW) -> Fact:
    return OrderPlaced(order_id, user_id, total or euros("59.90"), items, at)


def failure(
    payment_id: str, order_id: str, *, code: str = "card_declined", amount: Money | None = None, at: datetime = NOW
) -> Fact:
    return PaymentFailed(payment_id, order_id, code, amount, at)


def success(payment_id: str, order_id: str | None = None, *, amount: Money | None = None, at: datetime = NOW) -> Fact:
    return PaymentSucceeded(payment_id, order_id, amount or euros("59.90"), at)


def points(fact_id: str, user_id: UserId, number: int = 100, *, at: datetime = NOW, **more: Any) -> Fact:
    return PointsEarned(fact_id, user_id, number, more.get("order_id"), more.get("reason"), at)


def heard(fact: Fact, *, at: datetime = NOW, context: CommandContext | None = None) -> NewFact:
    """Give a fact as the writer takes it."""
    return NewFact(fact, IDS.event_id(), at, context or a_context())


async def record(ports: Ports, *facts: Fact) -> list[FactOutcome]:
    """Record facts in one call."""
    return list(await ports.activity_writer.record([heard(fact) for fact in facts]))


async def results(ports: Ports, *facts: Fact) -> list[FactResult]:
    """Record facts in one call, and give what became of each."""
    return [outcome.result for outcome in await record(ports, *facts)]


async def until_recorded(ports: Ports, facts: Sequence[Fact]) -> None:
    """Tell facts one by one, and those that are early again, until nothing changes any more."""
    left = list(facts)
    while left:
        outcomes = [(fact, (await record(ports, fact))[0].result) for fact in left]
        early = [fact for fact, result in outcomes if result is FactResult.EARLY]
        assert {result for _, result in outcomes} <= {FactResult.RECORDED, FactResult.KNOWN, FactResult.EARLY}
        if len(early) == len(left):
            return
        left = early


_ORDERS = ("order-0", "order-1")
_PAYMENTS = tuple(f"payment-{n}" for n in range(4))
_TIMES = st.sampled_from([NOW + timedelta(hours=hours) for hours in range(5)])
_AMOUNTS = st.decimals(-1000, 10**6, places=3) | st.sampled_from(
    [Decimal("0.1"), Decimal("0.30000000000000004"), Decimal("1E+3"), Decimal("999999999999999.99"), Decimal("0.10")]
)
_MONEY = st.builds(Money, _AMOUNTS, st.sampled_from(["EUR", "USD", "JPY", None]))


@st.composite
def consistent_facts(draw: st.DrawFn, user_ids: Sequence[UserId]) -> list[Fact]:
    """Draw facts of some users, none against another; payments may name orders that nobody tells of."""
    owner = st.sampled_from(user_ids)
    found: list[Fact] = [
        OrderPlaced(order_id, draw(owner), draw(_MONEY), draw(st.integers(0, 9)), draw(_TIMES))
        for order_id in draw(st.lists(st.sampled_from(_ORDERS), unique=True))
    ]
    for payment_id in _PAYMENTS:
        order_id = draw(st.sampled_from(_ORDERS))
        if draw(st.booleans()):
            amount = draw(st.none() | _MONEY)
            found.append(PaymentFailed(payment_id, order_id, draw(st.sampled_from("xy")), amount, draw(_TIMES)))
        if draw(st.booleans()):
            named = draw(st.sampled_from([order_id, None, *_ORDERS]))
            found.append(PaymentSucceeded(payment_id, named, draw(_MONEY), draw(_TIMES)))
    for number in range(draw(st.integers(0, 3))):
        earned = draw(st.integers(1, 3000))
        found.append(PointsEarned(f"points-{number}", draw(owner), earned, None, draw(st.none() | st.just("é")), NOW))
    return found


def any_facts(user_ids: Sequence[UserId]) -> st.SearchStrategy[Fact]:
    """Draw one fact of few ids, so that facts drawn meet, repeat and contradict each other."""
    owners = st.sampled_from([*user_ids, UserId("nobody")])
    orders, payments = st.sampled_from(_ORDERS), st.sampled_from(_PAYMENTS)
    money, times = st.sampled_from([euros("9.90"), euros("9.9"), Money(Decimal(7), None)]), st.sampled_from([NOW])
    reasons = st.none() | st.just("é")
    return st.one_of(
        st.builds(OrderPlaced, orders, owners, money, st.just(1), _TIMES),
        st.builds(PaymentFailed, payments, orders, st.sampled_from("xy"), st.none() | money, times),
        st.builds(PaymentSucceeded, payments, st.none() | orders, money, _TIMES),
        st.builds(PointsEarned, st.sampled_from("ab"), owners, st.just(1), st.none() | orders, reasons, times),
    )


@st.composite
def retold(draw: st.DrawFn, facts: Sequence[Fact]) -> list[Fact]:
    """Draw an order in which facts are heard, each at least once."""
    again = draw(st.lists(st.sampled_from(facts), max_size=6)) if facts else []
    return draw(st.permutations([*facts, *again]))


def model(facts: Iterable[Fact], user_id: UserId) -> dict[str, Any]:
    """Say what facts amount to for a user, by looking at them as slowly and plainly as can be."""
    known = list(dict.fromkeys(facts))
    owners = {fact.order_id: fact.user_id for fact in known if isinstance(fact, OrderPlaced)}
    failed_for = {f.payment_id: f.order_id for f in known if isinstance(f, PaymentFailed) and f.order_id in owners}

    def order_of(fact: PaymentSucceeded) -> str | None:
        return fact.order_id if fact.order_id is not None else failed_for.get(fact.payment_id)

    mine = [fact for fact in known if isinstance(fact, OrderPlaced) and fact.user_id == user_id]
    paid = [
        fact for fact in known if isinstance(fact, PaymentSucceeded) and owners.get(order_of(fact) or "") == user_id
    ]
    bad = [fact for fact in known if isinstance(fact, PaymentFailed) and owners.get(fact.order_id) == user_id]
    good = [
        fact
        for fact in bad
        if any(
            one.at >= fact.at and (one.payment_id == fact.payment_id or order_of(one) == fact.order_id) for one in paid
        )
    ]
    sums: dict[str | None, Fraction] = {}
    for fact in mine:
        sums[fact.total.currency] = sums.get(fact.total.currency, Fraction(0)) + Fraction(fact.total.value)
    return {
        "orders": len(mine),
        "first": min((fact.at for fact in mine), default=None),
        "last": max((fact.at for fact in mine), default=None),
        "sums": sums,
        "failures": len(bad),
        "recovered": len(good),
        "failing": len(good) < len(bad),
        "last failure": max((fact.at for fact in bad), default=None),
        "points": sum(fact.points for fact in known if isinstance(fact, PointsEarned) and fact.user_id == user_id),
    }


def in_words_of_the_model(found: Tally) -> dict[str, Any]:
    """Give a tally in the words of the model."""
    return {
        "orders": found.orders.count,
        "first": found.orders.first_at,
        "last": found.orders.last_at,
        "sums": {money.currency: Fraction(money.value) for money in found.orders.totals},
        "failures": found.payments.failures,
        "recovered": found.payments.recovered,
        "failing": found.payments.standing is Standing.FAILING,
        "last failure": found.payments.last_failure_at,
        "points": found.points,
    }
