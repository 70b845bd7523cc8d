"""Activity on the wire."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from usercore.activity.facts import COUNT_MAX
from usercore.codec.documents import Actor, Time

Digits = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]+(\.[0-9]*[1-9])?$",
        description="A decimal number in plain digits, as text so that nobody rounds it.",
        examples=["59.9"],
    ),
]
Count = Annotated[int, Meta(ge=0)]


class Money(Struct, rename="camel"):
    """An amount."""

    value: Digits
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217 code.", examples=["EUR"])] | None


class _Fact(Struct, rename="camel", kw_only=True, tag_field="kind"):
    id: Annotated[str, Meta(description="The order's, the payment's or the transaction's: unique among its kind.")]
    at: Annotated[Time, Meta(description="When it happened.")]
    event_id: str
    recorded_at: Annotated[Time, Meta(description="When we heard of it.")]
    actor: Actor
    correlation_id: str
    causation_id: str | None


class OrderPlacedFact(_Fact, kw_only=True, tag="ORDER_PLACED"):
    """The user placed an order."""

    total: Money
    items: Annotated[int, Meta(ge=0, le=COUNT_MAX, description="Pieces ordered, over all products.")]


class PaymentFailedFact(_Fact, kw_only=True, tag="PAYMENT_FAILED"):
    """A payment for an order of the user failed."""

    order_id: str
    error_code: str
    amount: Money | None


class PaymentSucceededFact(_Fact, kw_only=True, tag="PAYMENT_SUCCEEDED"):
    """A payment of the user went through."""

    order_id: str | None
    amount: Money


class PointsEarnedFact(_Fact, kw_only=True, tag="POINTS_EARNED"):
    """The user earned loyalty points."""

    points: Annotated[int, Meta(ge=1, le=COUNT_MAX)]
    order_id: str | None
    reason: str | None


class OrderSummary(Struct, rename="camel"):
    """The user's orders."""

    count: Count
    first_at: Time | None
    last_at: Time | None
    totals: Annotated[list[Money], Meta(description="One a currency.")]


class PaymentSummary(Struct, rename="camel"):
    """The user's failed payments."""

    standing: Annotated[
        Literal["GOOD", "FAILING"], Meta(description="FAILING while a failure has not been made good by a success.")
    ]
    failures: Count
    recovered: Annotated[int, Meta(ge=0, description="Failures that a success made good.")]
    last_failure_at: Time | None


class LoyaltySummary(Struct, rename="camel"):
    """The user's loyalty points."""

    balance: Count
    lifetime: Count
    tier: str
    next_tier: str | None
    points_to_next_tier: Annotated[int, Meta(ge=1)] | None


class ActivitySummary(Struct, rename="camel"):
    """What the user's activity amounts to."""

    orders: OrderSummary
    payments: PaymentSummary
    loyalty: LoyaltySummary


class ActivityPage(Struct, rename="camel"):
    """Some of a user's facts, the newest first, and what all of them amount to."""

    items: list[OrderPlacedFact | PaymentFailedFact | PaymentSucceededFact | PointsEarnedFact]
    next_cursor: str | None
    summary: ActivitySummary
