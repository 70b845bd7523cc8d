"""Facts: things that happened to a user elsewhere. Each is told once, however often it is heard."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from usercore.activity.values import Money
from usercore.kernel.ids import UserId


@frozen
class OrderPlaced:
    """A user placed an order.

    Args:
        order_id: identifies the fact.
        user_id: whose.
        total: what it comes to.
        items: pieces ordered, over all products.
        at: aware, UTC.
    """

    order_id: str
    user_id: UserId
    total: Money
    items: int
    at: datetime


@frozen
class PaymentFailed:
    """A payment for an order failed. Its user is whoever placed the order.

    Args:
        payment_id: identifies the fact, with its kind.
        order_id: what was to be paid.
        error_code: the payment service's word for the reason.
        amount: what was to be paid, where it is told.
        at: aware, UTC.
    """

    payment_id: str
    order_id: str
    error_code: str
    amount: Money | None
    at: datetime


@frozen
class PaymentSucceeded:
    """A payment went through.

    Args:
        payment_id: identifies the fact, with its kind.
        order_id: what was paid; without one, it is found by an earlier failure of the same payment.
        amount: what was paid.
        at: aware, UTC.
    """

    payment_id: str
    order_id: str | None
    amount: Money
    at: datetime


@frozen
class PointsEarned:
    """A user earned loyalty points.

    Args:
        fact_id: identifies the fact: the transaction's id, or that of the message.
        user_id: whose.
        points: above 0.
        order_id: for which order, where it is told.
        reason: for what, where it is told.
        at: aware, UTC.
    """

    fact_id: str
    user_id: UserId
    points: int
    order_id: str | None
    reason: str | None
    at: datetime


Fact: TypeAlias = OrderPlaced | PaymentFailed | PaymentSucceeded | PointsEarned
