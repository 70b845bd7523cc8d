"""What facts amount to. The same facts amount to the same, in whatever order and however often they were heard."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import frozen

from usercore.activity.facts import Fact, OrderPlaced, PaymentFailed, PaymentSucceeded, PointsEarned
from usercore.activity.values import Money, total

LoyaltyTiers: TypeAlias = tuple[tuple[str, int], ...]
"""Names of tiers with the lifetime points that each begins at, rising from 0."""

DEFAULT_TIERS: Final[LoyaltyTiers] = (("BRONZE", 0), ("SILVER", 1_000), ("GOLD", 5_000), ("PLATINUM", 20_000))


class Standing(StrEnum):
    """Whether a user's payments go through."""

    GOOD = "GOOD"
    FAILING = "FAILING"


@frozen
class OrderTally:
    """A user's orders.

    Args:
        count: how many.
        first_at: when the first was placed, or None where there is none.
        last_at: when the last was placed.
        totals: what they come to, one amount a currency, by its code; what has none comes last.
    """

    count: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    totals: tuple[Money, ...] = ()


@frozen
class PaymentTally:
    """A user's failed payments.

    Args:
        failures: how many payments failed.
        recovered: how many of them a success made good: of the same payment or for the same order, no earlier than the
            failure.
        last_failure_at: when the last one failed, or None where none did.
    """

    failures: int = 0
    recovered: int = 0
    last_failure_at: datetime | None = None

    @property
    def standing(self) -> Standing:
        """FAILING while any failure has not been made good."""
        return Standing.FAILING if self.recovered < self.failures else Standing.GOOD


@frozen
class Tally:
    """What a user's facts amount to, before tiers are laid over it."""

    orders: OrderTally = OrderTally()
    payments: PaymentTally = PaymentTally()
    points: int = 0


@frozen
class Loyalty:
    """A user's loyalty points.

    Args:
        balance: points that can be spent; nothing tells of spending yet, so all that were earned.
        lifetime: points that were ever earned; the tier depends on them.
        tier: the tier that they reach.
        next_tier: the one above it, or None at the top.
        points_to_next_tier: how many are missing for that, or None at the top.
    """

    balance: int
    lifetime: int
    tier: str
    next_tier: str | None
    points_to_next_tier: int | None


@frozen
class ActivitySummary:
    """What a user's activity amounts to."""

    orders: OrderTally
    payments: PaymentTally
    loyalty: Loyalty


def summarise(tally: Tally, tiers: LoyaltyTiers) -> ActivitySummary:
    """Lay the tiers over what facts amount to."""
    return ActivitySummary(tally.orders, tally.payments, _loyalty(tally.points, tiers))


def _loyalty(points: int, tiers: LoyaltyTiers) -> Loyalty:
    reached = [name for name, least in tiers if least <= points]
    above = tiers[len(reached) :]
    if not above:
        return Loyalty(points, points, reached[-1], None, None)
    next_tier, least = above[0]
    return Loyalty(points, points, reached[-1], next_tier, least - points)


def tally_of(facts: Iterable[Fact]) -> Tally:
    """Return what one user's facts amount to, each given once."""
    known = list(facts)
    points = sum(fact.points for fact in known if isinstance(fact, PointsEarned))
    return Tally(_orders(known), _payments(known), points)


def _orders(facts: Sequence[Fact]) -> OrderTally:
    orders = [fact for fact in facts if isinstance(fact, OrderPlaced)]
    if not orders:
        return OrderTally()
    times = [order.at for order in orders]
    currencies = {order.total.currency for order in orders}
    sums = (
        Money(total(order.total.value for order in orders if order.total.currency == currency), currency)
        for currency in currencies
    )
    return OrderTally(len(orders), min(times), max(times), in_order(sums))


def in_order(sums: Iterable[Money]) -> tuple[Money, ...]:
    """Return one amount a currency in their one order."""
    return tuple(sorted(sums, key=lambda money: (money.currency is None, money.currency or "")))


def _payments(facts: Sequence[Fact]) -> PaymentTally:
    failures = [fact for fact in facts if isinstance(fact, PaymentFailed)]
    if not failures:
        return PaymentTally()
    order_of = {failure.payment_id: failure.order_id for failure in failures}
    paid: dict[str, datetime] = {}
    succeeded: dict[str, datetime] = {}
    for fact in facts:
        if isinstance(fact, PaymentSucceeded):
            succeeded[fact.payment_id] = fact.at
            # A success that names no order is for the one that its payment failed for before.
            order_id = fact.order_id or order_of.get(fact.payment_id)
            if order_id is not None:
                paid[order_id] = max(fact.at, paid.get(order_id, fact.at))
    recovered = sum(
        any(at >= failure.at for at in (paid.get(failure.order_id), succeeded.get(failure.payment_id)) if at)
        for failure in failures
    )
    return PaymentTally(len(failures), recovered, max(failure.at for failure in failures))
